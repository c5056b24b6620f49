#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/elementwise_gradient.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/elementwise-inl.h"
#include "src/kernel/elementwise_gradient.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Of (x or y, dy). Products and sums are fused by name, so that no compiler decides it.
struct VectorReluGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), dy);
  }
};
struct VectorAbsGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    const V zero = hn::Zero(d);
    const V positive = hn::IfThenElseZero(hn::Gt(x, zero), dy);
    return hn::IfThenElse(hn::Lt(x, zero), hn::Neg(dy), positive);
  }
};
struct VectorTanhGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1)));
  }
};
struct VectorSigmoidGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D, V y, V dy) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, y));
  }
};

struct VectorSinGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Mul(dy, Cosine(d, x));
  }
};
struct VectorCosGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Mul(hn::Neg(dy), Sine(d, x));
  }
};
struct VectorTanGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    const V c = Cosine(d, x);
    return hn::Div(dy, hn::Mul(c, c));
  }
};
struct VectorAsinGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Div(dy, hn::Sqrt(hn::NegMulAdd(x, x, hn::Set(d, 1))));
  }
};
struct VectorAcosGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Div(hn::Neg(dy), hn::Sqrt(hn::NegMulAdd(x, x, hn::Set(d, 1))));
  }
};
struct VectorAtanGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Div(dy, hn::MulAdd(x, x, hn::Set(d, 1)));
  }
};
struct VectorSinhGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Mul(dy, Compute<CoshOfAny>(d, x));
  }
};
struct VectorCoshGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Mul(dy, Compute<SinhOfAny>(d, x));
  }
};
struct VectorLog1pGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    return hn::Div(dy, hn::Add(x, hn::Set(d, 1)));
  }
};
struct VectorErfGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V dy) const {
    const V factor = hn::Set(d, static_cast<hn::TFromD<D>>(1.1283791670955126));  // 2 / sqrt(pi)
    return hn::Mul(hn::Mul(dy, factor), Compute<ExpOfMinusSquare>(d, x));
  }
};
struct VectorReciprocalGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D, V y, V dy) const {
    return hn::Mul(hn::Mul(hn::Neg(dy), y), y);
  }
};
struct VectorRsqrtGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V dy) const {
    const V half = hn::Mul(dy, hn::Set(d, static_cast<hn::TFromD<D>>(-0.5)));
    return hn::Mul(hn::Mul(hn::Mul(half, y), y), y);
  }
};

#define DOPPIO_VECTOR_ROWS(X)   \
  X(ReluGradient, float)        \
  X(ReluGradient, double)       \
  X(AbsGradient, float)         \
  X(AbsGradient, double)        \
  X(TanhGradient, float)        \
  X(TanhGradient, double)       \
  X(SigmoidGradient, float)     \
  X(SigmoidGradient, double)    \
  X(AsinGradient, float)        \
  X(AsinGradient, double)       \
  X(AcosGradient, float)        \
  X(AcosGradient, double)       \
  X(AtanGradient, float)        \
  X(AtanGradient, double)       \
  X(Log1pGradient, float)       \
  X(Log1pGradient, double)      \
  X(ReciprocalGradient, float)  \
  X(ReciprocalGradient, double) \
  X(RsqrtGradient, float)       \
  X(RsqrtGradient, double)

#define DOPPIO_COSTLY_VECTOR_ROWS(X) \
  X(SinGradient, float)              \
  X(SinGradient, double)             \
  X(CosGradient, float)              \
  X(CosGradient, double)             \
  X(TanGradient, float)              \
  X(TanGradient, double)             \
  X(SinhGradient, float)             \
  X(SinhGradient, double)            \
  X(CoshGradient, float)             \
  X(CoshGradient, double)            \
  X(ErfGradient, float)              \
  X(ErfGradient, double)

#define DOPPIO_DEFINE_ROW(F, T)                             \
  void F##_##T(const T* a, const T* dy, T* dx, int64_t n) { \
    MapRows<false, false>(a, dy, dx, n, Vector##F());       \
  }
DOPPIO_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

#define DOPPIO_DEFINE_ROW(F, T)                             \
  void F##_##T(const T* a, const T* dy, T* dx, int64_t n) { \
    MapCostlyRows(a, false, dy, false, dx, n, Vector##F()); \
  }
DOPPIO_COSTLY_VECTOR_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_GRADIENT(F, T, grain)                                                 \
  namespace {                                                                        \
  HWY_EXPORT(F##_##T);                                                               \
  }                                                                                  \
  template <>                                                                        \
  void F<T>(const T* a, const T* dy, T* dx, int64_t n, CPUContext*) {                \
    ParallelFor(n, grain, [&](int64_t begin, int64_t end) {                          \
      HWY_DYNAMIC_DISPATCH(F##_##T)(a + begin, dy + begin, dx + begin, end - begin); \
    });                                                                              \
  }
#define DOPPIO_CHEAP_GRADIENT(F, T) DOPPIO_GRADIENT(F, T, kCheapGrain)
#define DOPPIO_COSTLY_GRADIENT(F, T) DOPPIO_GRADIENT(F, T, kCostlyGrain)
DOPPIO_VECTOR_ROWS(DOPPIO_CHEAP_GRADIENT)
DOPPIO_COSTLY_VECTOR_ROWS(DOPPIO_COSTLY_GRADIENT)
#undef DOPPIO_COSTLY_GRADIENT
#undef DOPPIO_CHEAP_GRADIENT
#undef DOPPIO_GRADIENT

}  // namespace doppio
#endif  // HWY_ONCE
