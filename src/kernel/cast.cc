#include "src/kernel/cast.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "doppio/parallel.h"
#include "src/kernel/bytes.h"
#include "src/kernel/cast_fast.h"

namespace doppio {
namespace {

// Rounds toward the neighbour with an odd last bit when inexact: rounding the result again, to a
// type with at least two bits less, gives what rounding once would have given.
inline float RoundToOdd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = static_cast<double>(nearest);
  if (back == value || value != value || (internal::FloatBits(nearest) & 1u) != 0) return nearest;
  const bool nearest_is_larger = std::fabs(back) > std::fabs(value);
  return internal::FloatFromBits(internal::FloatBits(nearest) + (nearest_is_larger ? -1u : 1u));
}

// A double that rounds to any type of at most 50 bits as the integer would: beyond 2^53 the bits
// that do not fit are kept as one sticky bit.
inline double ToDoubleSticky(int64_t value) {
  if (value > -(int64_t{1} << 53) && value < (int64_t{1} << 53)) return static_cast<double>(value);
  constexpr int64_t kDropped = 2047;
  return static_cast<double>((value & ~kDropped) | ((value & kDropped) != 0 ? kDropped + 1 : 0));
}

// To bfloat16, which no processor that we know converts to.
template <typename From>
bfloat16 ToBfloat16(From value) {
  if constexpr (std::is_same_v<From, double>) {
    return bfloat16(RoundToOdd(value));
  } else if constexpr (std::is_same_v<From, int64_t>) {
    return bfloat16(RoundToOdd(ToDoubleSticky(value)));
  } else if constexpr (std::is_same_v<From, int32_t>) {
    return bfloat16(RoundToOdd(static_cast<double>(value)));
  } else {
    return bfloat16(static_cast<float>(value));
  }
}

// Unsigned integers of that many bytes; other types as they are.
template <typename T, bool = std::is_integral_v<T>>
struct UnsignedOf {
  using type = T;
};
template <>
struct UnsignedOf<bool, true> {
  using type = uint8_t;
};
template <typename T>
struct UnsignedOf<T, true> {
  using type = std::make_unsigned_t<T>;
};
template <typename T>
using Unsigned = typename UnsignedOf<T>::type;

template <typename From, typename To>
void CastPiece(const From* x, To* y, int64_t n);

// By way of floats, some at a time: to_floats(first, count, room).
template <typename To, typename F>
void CastByFloats(const F& to_floats, To* y, int64_t n) {
  constexpr int64_t kRoom = 512;
  float room[kRoom];
  for (int64_t begin = 0; begin < n; begin += kRoom) {
    const int64_t count = std::min(kRoom, n - begin);
    to_floats(begin, count, room);
    CastPiece<float, To>(room, y + begin, count);
  }
}

template <typename From, typename To>
void CastPiece(const From* x, To* y, int64_t n) {
  constexpr bool kIntegers = std::is_integral_v<From> && std::is_integral_v<To>;
  if constexpr (std::is_same_v<From, To> ||
                (kIntegers && sizeof(From) == sizeof(To) && !std::is_same_v<To, bool>)) {
    if (static_cast<const void*>(x) != y) {
      CopyBytes(x, y, n * static_cast<int64_t>(sizeof(To)), Stores::kCached);
    }
  } else if constexpr (std::is_same_v<From, bool>) {  // 0 or 1
    CastPiece<uint8_t, To>(reinterpret_cast<const uint8_t*>(x), y, n);
  } else if constexpr (std::is_same_v<From, bfloat16> ||
                       (std::is_same_v<From, float16> && !std::is_same_v<To, float>)) {
    const auto to_floats = [x](int64_t first, int64_t count, float* room) {
      if constexpr (std::is_same_v<From, float16>) {
        CastFast(x + first, room, count);
      } else {
        for (int64_t i = 0; i < count; ++i) room[i] = static_cast<float>(x[first + i]);
      }
    };
    if constexpr (std::is_same_v<To, float>) {
      to_floats(0, n, y);
    } else {
      CastByFloats(to_floats, y, n);
    }
  } else if constexpr (std::is_same_v<To, bfloat16>) {
    for (int64_t i = 0; i < n; ++i) y[i] = ToBfloat16(x[i]);
  } else if constexpr (std::is_same_v<To, float16> && !std::is_same_v<From, float>) {
    // An integer that a float would round is beyond float16, and infinite.
    const auto to_floats = [x](int64_t first, int64_t count, float* room) {
      if constexpr (std::is_same_v<From, double>) {
        RoundToOddFloats(x + first, room, count);
      } else {
        CastFast(x + first, room, count);
      }
    };
    CastByFloats(to_floats, y, n);
  } else if constexpr (std::is_same_v<To, bool>) {
    if constexpr (sizeof(From) < sizeof(int32_t)) {
      CastFast(reinterpret_cast<const Unsigned<From>*>(x), y, n);
    } else {
      CastFast(x, y, n);
    }
  } else if constexpr (kIntegers) {  // modulo 2^bits
    CastFast(x, reinterpret_cast<Unsigned<To>*>(y), n);
  } else {
    CastFast(x, y, n);
  }
}

template <typename From>
absl::Status CastFrom(const void* x, DataType to, void* y, int64_t n) {
  return DispatchType(AllNumericTypes(), to, [&](auto tag) {
    using To = typename decltype(tag)::type;
    const From* in = static_cast<const From*>(x);
    To* out = static_cast<To*>(y);
    ParallelFor(n, 64 << 10, [in, out](int64_t begin, int64_t end) {
      CastPiece(in + begin, out + begin, end - begin);
    });
    return absl::OkStatus();
  });
}

}  // namespace

void Cast(DataType from, const void* x, DataType to, void* y, int64_t n, CPUContext*) {
  DispatchType(AllNumericTypes(), from, [&](auto tag) {
    return CastFrom<typename decltype(tag)::type>(x, to, y, n);
  }).IgnoreError();
}

}  // namespace doppio
