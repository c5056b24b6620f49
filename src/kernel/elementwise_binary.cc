#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/elementwise_binary.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <type_traits>

#include "hwy/highway.h"
#include "src/kernel/broadcast_binary.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/elementwise_binary.h"
#include "src/kernel/elementwise_unary.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

struct VectorAdd {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
struct VectorSub {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Sub(a, b);
  }
};
struct VectorMul {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Mul(a, b);
  }
};
// No processor before AVX-512 multiplies 64 bits: the products of halves that matter.
struct VectorMulInt64 {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
#if HWY_TARGET == HWY_SCALAR
    const hn::Rebind<uint64_t, D> du;
    return hn::BitCast(
        d, hn::Set(du, hn::GetLane(hn::BitCast(du, a)) * hn::GetLane(hn::BitCast(du, b))));
#else
    const hn::Repartition<uint32_t, D> d32;
    const auto low_a = hn::BitCast(d32, a);
    const auto low_b = hn::BitCast(d32, b);
    const auto high_a = hn::BitCast(d32, hn::ShiftRight<32>(a));
    const auto high_b = hn::BitCast(d32, hn::ShiftRight<32>(b));
    const auto middle = hn::Add(hn::MulEven(low_a, high_b), hn::MulEven(high_a, low_b));
    return hn::BitCast(d, hn::Add(hn::MulEven(low_a, low_b), hn::ShiftLeft<32>(middle)));
#endif
  }
};
// Not Highway's Max and Min, whose answers to NaN differ between processors.
struct VectorMax {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Gt(b, a), b, hn::IfThenElse(hn::Eq(b, b), a, b));
  }
};
struct VectorMin {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Lt(b, a), b, hn::IfThenElse(hn::Eq(b, b), a, b));
  }
};
struct VectorDiv {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Div(a, b);
  }
};

template <typename T, class F>
HWY_INLINE void Row(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n, F f) {
  if (repeat_a) {
    MapRows<true, false>(a, b, c, n, f);
  } else if (repeat_b) {
    MapRows<false, true>(a, b, c, n, f);
  } else {
    MapRows<false, false>(a, b, c, n, f);
  }
}

// Functions and types that have vector instructions; the others stand below.
#define DOPPIO_VECTOR_ROWS(X) \
  X(Add, float)               \
  X(Add, double)              \
  X(Add, int32_t)             \
  X(Add, int64_t)             \
  X(Sub, float)               \
  X(Sub, double)              \
  X(Sub, int32_t)             \
  X(Sub, int64_t)             \
  X(Mul, float)               \
  X(Mul, double)              \
  X(Mul, int32_t)             \
  X(Div, float)               \
  X(Div, double)              \
  X(Max, float)               \
  X(Max, double)              \
  X(Max, int32_t)             \
  X(Max, int64_t)             \
  X(Min, float)               \
  X(Min, double)              \
  X(Min, int32_t)             \
  X(Min, int64_t)

#define DOPPIO_DEFINE_ROW(F, T)                                                         \
  void F##_##T(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n) { \
    Row(a, repeat_a, b, repeat_b, c, n, Vector##F());                                   \
  }
DOPPIO_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

void Mul_int64_t(const int64_t* a, bool repeat_a, const int64_t* b, bool repeat_b, int64_t* c,
                 int64_t n) {
  Row(a, repeat_a, b, repeat_b, c, n, VectorMulInt64());
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

template <typename T, bool = std::is_integral_v<T>>
struct WrappingType {
  using type = T;
};
template <typename T>
struct WrappingType<T, true> {
  using type = std::make_unsigned_t<T>;
};

// The functions of one pair; integers wrap.
struct OneAdd {
  template <typename T>
  T operator()(T a, T b) const {
    using W = typename WrappingType<T>::type;
    return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
  }
};
struct OneSub {
  template <typename T>
  T operator()(T a, T b) const {
    using W = typename WrappingType<T>::type;
    return static_cast<T>(static_cast<W>(a) - static_cast<W>(b));
  }
};
struct OneMul {
  template <typename T>
  T operator()(T a, T b) const {
    using W = typename WrappingType<T>::type;
    return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
  }
};
struct OneMax {
  template <typename T>
  T operator()(T a, T b) const {
    return b > a || b != b ? b : a;
  }
};
struct OneMin {
  template <typename T>
  T operator()(T a, T b) const {
    return b < a || b != b ? b : a;
  }
};
struct OneDiv {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == -1) return OneSub()(T(0), a);  // the least number has no opposite: it wraps
    }
    return a / b;
  }
};

template <typename T, class F>
void PlainRow(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n) {
  const int64_t a_step = repeat_a ? 0 : 1;
  const int64_t b_step = repeat_b ? 0 : 1;
  for (int64_t i = 0; i < n; ++i) c[i] = F()(a[i * a_step], b[i * b_step]);
}

#define DOPPIO_EXPORT_ROW(F, T) HWY_EXPORT(F##_##T);
DOPPIO_VECTOR_ROWS(DOPPIO_EXPORT_ROW)
#undef DOPPIO_EXPORT_ROW
HWY_EXPORT(Mul_int64_t);

// So few elements are done before the loops have been planned.
constexpr int64_t kFewElements = 16;

template <class F, typename T>
void Binary(BinaryRow<T, T> row, const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c,
            DimsView c_dims) {
  if (a_dims != b_dims) return BroadcastBinary(row, a, a_dims, b, b_dims, c, c_dims, kCheapGrain);
  const int64_t n = SizeFromDim(c_dims, 0);
  if (n < kFewElements) {
    for (int64_t i = 0; i < n; ++i) c[i] = F()(a[i], b[i]);
    return;
  }
  ParallelFor(n, kCheapGrain, [&](int64_t begin, int64_t end) {
    row(a + begin, false, b + begin, false, c + begin, end - begin);
  });
}

}  // namespace

#define DOPPIO_BINARY_FUNCTION(F, T, row)                                                    \
  template <>                                                                                \
  void F<T>(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c, DimsView c_dims, \
            CPUContext*) {                                                                   \
    Binary<One##F>(row, a, a_dims, b, b_dims, c, c_dims);                                    \
  }
#define DOPPIO_VECTOR_FUNCTION(F, T) DOPPIO_BINARY_FUNCTION(F, T, HWY_DYNAMIC_DISPATCH(F##_##T))
#define DOPPIO_PLAIN_FUNCTION(F, T) DOPPIO_BINARY_FUNCTION(F, T, (PlainRow<T, One##F>))
DOPPIO_VECTOR_ROWS(DOPPIO_VECTOR_FUNCTION)
DOPPIO_VECTOR_FUNCTION(Mul, int64_t)
DOPPIO_PLAIN_FUNCTION(Div, int32_t)
DOPPIO_PLAIN_FUNCTION(Div, int64_t)
#undef DOPPIO_PLAIN_FUNCTION
#undef DOPPIO_VECTOR_FUNCTION
#undef DOPPIO_BINARY_FUNCTION

template <typename T>
void SumOf(absl::Span<const T* const> xs, T* y, int64_t n, CPUContext* context) {
  if (xs.size() == 1) {
    if (y != xs[0]) std::copy_n(xs[0], n, y);
    return;
  }
  // Block by block, so that y is written once, and only after all terms were read: any of them may
  // be y. Blocks of some pages, since processors read ahead within a page.
  constexpr int64_t kBlock = int64_t{32 << 10} / static_cast<int64_t>(sizeof(T));
  ParallelFor(n, kCheapGrain, [&](int64_t begin, int64_t end) {
    T room[kBlock];
    for (int64_t from = begin; from < end; from += kBlock) {
      const int64_t size[] = {std::min(kBlock, end - from)};
      const T* sum = xs[0] + from;
      for (size_t i = 1; i < xs.size(); ++i) {
        T* to = i + 1 == xs.size() ? y + from : room;
        Add(sum, size, xs[i] + from, size, to, size, context);
        sum = to;
      }
    }
  });
}
template void SumOf<float>(absl::Span<const float* const>, float*, int64_t, CPUContext*);
template void SumOf<double>(absl::Span<const double* const>, double*, int64_t, CPUContext*);
template void SumOf<int32_t>(absl::Span<const int32_t* const>, int32_t*, int64_t, CPUContext*);
template void SumOf<int64_t>(absl::Span<const int64_t* const>, int64_t*, int64_t, CPUContext*);

}  // namespace doppio
#endif  // HWY_ONCE
