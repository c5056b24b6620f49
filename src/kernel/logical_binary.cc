#include "src/kernel/logical_binary.h"

#include <type_traits>

#include "src/kernel/broadcast_binary.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {
namespace {

struct Equal {
  template <typename T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  template <typename T>
  bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  template <typename T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  template <typename T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct And {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};

// What is compared: 16-bit floats have no comparisons of their own.
template <typename T>
auto Comparable(T value) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    return static_cast<float>(value);
  } else {
    return value;
  }
}

// A BinaryRow; the loops are apart so that the compiler makes vectors of each.
template <class F, typename In, typename Out>
void Row(const In* a, bool repeat_a, const In* b, bool repeat_b, Out* c, int64_t n) {
  constexpr F f;
  if (repeat_a) {
    const auto first = Comparable(*a);
    for (int64_t i = 0; i < n; ++i) c[i] = f(first, Comparable(b[i]));
  } else if (repeat_b) {
    const auto second = Comparable(*b);
    for (int64_t i = 0; i < n; ++i) c[i] = f(Comparable(a[i]), second);
  } else {
    for (int64_t i = 0; i < n; ++i) c[i] = f(Comparable(a[i]), Comparable(b[i]));
  }
}

template <typename T>
BinaryRow<T, bool> ComparisonRow(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual:
      return Row<Equal, T, bool>;
    case Comparison::kNotEqual:
      return Row<NotEqual, T, bool>;
    case Comparison::kLess:
      return Row<Less, T, bool>;
    case Comparison::kLessEqual:
      break;
  }
  return Row<LessEqual, T, bool>;
}

template <typename T>
BinaryRow<T, T> BitRow(BitFunction function) {
  switch (function) {
    case BitFunction::kAnd:
      return Row<And, T, T>;
    case BitFunction::kOr:
      return Row<Or, T, T>;
    case BitFunction::kXor:
      break;
  }
  return Row<Xor, T, T>;
}

template <typename In, typename Out>
void Broadcast(BinaryRow<In, Out> row, const void* a, DimsView a_dims, const void* b,
               DimsView b_dims, Out* c, DimsView c_dims) {
  BroadcastBinary(row, static_cast<const In*>(a), a_dims, static_cast<const In*>(b), b_dims, c,
                  c_dims, kCheapGrain);
}

}  // namespace

void Compare(Comparison comparison, DataType type, const void* a, DimsView a_dims, const void* b,
             DimsView b_dims, bool* c, DimsView c_dims, CPUContext*) {
  const auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    Broadcast<T, bool>(ComparisonRow<T>(comparison), a, a_dims, b, b_dims, c, c_dims);
    return absl::OkStatus();
  };
  if (type == DataType::kBool) {  // bytes make better vectors
    run(TypeTag<uint8_t>()).IgnoreError();
    return;
  }
  DispatchType(TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t,
                        float16, bfloat16>(),
               type, run)
      .IgnoreError();
}

void CombineBits(BitFunction function, size_t element_size, const void* a, DimsView a_dims,
                 const void* b, DimsView b_dims, void* c, DimsView c_dims, CPUContext*) {
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    Broadcast<T, T>(BitRow<T>(function), a, a_dims, b, b_dims, static_cast<T*>(c), c_dims);
  };
  switch (element_size) {
    case 1:
      return run(uint8_t{0});
    case 2:
      return run(uint16_t{0});
    case 4:
      return run(uint32_t{0});
    default:
      return run(uint64_t{0});
  }
}

}  // namespace doppio
