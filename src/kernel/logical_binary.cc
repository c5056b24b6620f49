#include "src/kernel/logical_binary.h"

#include <algorithm>
#include <type_traits>

#include "src/kernel/broadcast_binary.h"
#include "src/kernel/compare_rows.h"
#include "src/kernel/elementwise_unary.h"

namespace doppio {
namespace {

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

// A BinaryRow; the loops are apart so that the compiler makes vectors of each.
template <class F, typename T>
void Row(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n) {
  constexpr F f;
  if (repeat_a) {
    const T first = *a;
    for (int64_t i = 0; i < n; ++i) c[i] = f(first, b[i]);
  } else if (repeat_b) {
    const T second = *b;
    for (int64_t i = 0; i < n; ++i) c[i] = f(a[i], second);
  } else {
    for (int64_t i = 0; i < n; ++i) c[i] = f(a[i], b[i]);
  }
}

template <typename In, typename Out>
void Broadcast(BinaryRow<In, Out> row, const void* a, DimsView a_dims, const void* b,
               DimsView b_dims, Out* c, DimsView c_dims) {
  BroadcastBinary(row, static_cast<const In*>(a), a_dims, static_cast<const In*>(b), b_dims, c,
                  c_dims, kCheapGrain);
}

// 16-bit floats have no comparisons of their own.
template <class F, typename T>
void HalfRow(const T* a, bool repeat_a, const T* b, bool repeat_b, bool* c, int64_t n) {
  constexpr int64_t kRoom = 256;
  float a_room[kRoom];
  float b_room[kRoom];
  for (int64_t begin = 0; begin < n; begin += kRoom) {
    const int64_t size = std::min(kRoom, n - begin);
    for (int64_t i = 0; i < size; ++i) {
      a_room[i] = static_cast<float>(a[repeat_a ? 0 : begin + i]);
      b_room[i] = static_cast<float>(b[repeat_b ? 0 : begin + i]);
    }
    CompareRow<F, float>()(a_room, false, b_room, false, c + begin, size);
  }
}

// Whether bits are equal does not depend on signs.
template <typename T>
using Unsigned = std::conditional_t<std::is_same_v<T, int8_t>, uint8_t,
                                    std::conditional_t<std::is_same_v<T, int16_t>, uint16_t, T>>;

template <class F, typename T>
void CompareBroadcast(const void* a, DimsView a_dims, const void* b, DimsView b_dims, bool* c,
                      DimsView c_dims) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
    Broadcast<T, bool>(HalfRow<F, T>, a, a_dims, b, b_dims, c, c_dims);
  } else if constexpr (std::is_same_v<F, Equal> || std::is_same_v<F, NotEqual>) {
    Broadcast<Unsigned<T>, bool>(CompareRow<F, Unsigned<T>>(), a, a_dims, b, b_dims, c, c_dims);
  } else {
    Broadcast<T, bool>(CompareRow<F, T>(), a, a_dims, b, b_dims, c, c_dims);
  }
}

template <typename T>
BinaryRow<T, T> BitRow(BitFunction function) {
  switch (function) {
    case BitFunction::kAnd:
      return Row<And, T>;
    case BitFunction::kOr:
      return Row<Or, T>;
    case BitFunction::kXor:
      break;
  }
  return Row<Xor, T>;
}

}  // namespace

void Compare(Comparison comparison, DataType type, const void* a, DimsView a_dims, const void* b,
             DimsView b_dims, bool* c, DimsView c_dims, CPUContext*) {
  const auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    switch (comparison) {
      case Comparison::kEqual:
        CompareBroadcast<Equal, T>(a, a_dims, b, b_dims, c, c_dims);
        break;
      case Comparison::kNotEqual:
        CompareBroadcast<NotEqual, T>(a, a_dims, b, b_dims, c, c_dims);
        break;
      case Comparison::kLess:
        CompareBroadcast<Less, T>(a, a_dims, b, b_dims, c, c_dims);
        break;
      case Comparison::kLessEqual:
        CompareBroadcast<LessEqual, T>(a, a_dims, b, b_dims, c, c_dims);
        break;
    }
    return absl::OkStatus();
  };
  if (type == DataType::kBool) {
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
