#include "src/kernel/cast.h"

#include <cmath>
#include <type_traits>

#include "doppio/parallel.h"
#include "src/kernel/bytes.h"
#include "src/kernel/cast_fast.h"

namespace doppio {
namespace {

template <typename T>
inline constexpr bool kIsHalf = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

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

template <typename To, typename From>
To Convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kIsHalf<From>) {
    return Convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (kIsHalf<To>) {
    if constexpr (std::is_same_v<From, double>) {
      return To(RoundToOdd(value));
    } else if constexpr (std::is_same_v<From, int64_t>) {
      return To(RoundToOdd(ToDoubleSticky(value)));
    } else if constexpr (std::is_same_v<From, int32_t>) {
      return To(RoundToOdd(static_cast<double>(value)));
    } else {
      return To(static_cast<float>(value));
    }
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return FloatToInteger<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <typename From, typename To>
void CastPiece(const From* x, To* y, int64_t n) {
  constexpr bool kIsFast = (std::is_same_v<From, float> && std::is_same_v<To, float16>) ||
                           (std::is_same_v<From, float16> && std::is_same_v<To, float>) ||
                           (std::is_same_v<From, float> && std::is_same_v<To, int32_t>);
  if constexpr (std::is_same_v<From, To>) {
    if (x != y) CopyBytes(x, y, n * static_cast<int64_t>(sizeof(To)), Stores::kCached);
  } else if constexpr (kIsFast) {
    CastFast(x, y, n);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = Convert<To>(x[i]);
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
