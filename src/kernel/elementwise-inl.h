// Loops over vectors, compiled once for each instruction set (Highway's foreach_target includes
// this file again and again, hence no plain include guard).
#if defined(DOPPIO_KERNEL_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DOPPIO_KERNEL_ELEMENTWISE_INL_H_
#undef DOPPIO_KERNEL_ELEMENTWISE_INL_H_
#else
#define DOPPIO_KERNEL_ELEMENTWISE_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using Tag = hn::ScalableTag<T>;

// What is left at the end goes through the same vector function by way of a buffer, so that an
// element's bits do not depend on its place. That also keeps the loops right in place.
template <typename T>
constexpr size_t kMaxLanes = HWY_MAX_BYTES / sizeof(T);

// y[i] = f(tag, x[i])
template <typename T, class F>
HWY_INLINE void MapRow(const T* x, T* y, int64_t n, const F& f) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto y0 = f(d, hn::LoadU(d, x + i));
    const auto y1 = f(d, hn::LoadU(d, x + i + lanes));
    hn::StoreU(y0, d, y + i);
    hn::StoreU(y1, d, y + i + lanes);
  }
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN T room[kMaxLanes<T>] = {};
  std::copy_n(x + i, n - i, room);
  hn::Store(f(d, hn::Load(d, room)), d, room);
  std::copy_n(room, n - i, y + i);
}

// The same for functions of many instructions, which are compiled once instead of four times.
template <typename T, class F>
HWY_INLINE void MapCostlyRow(const T* x, T* y, int64_t n, const F& f) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN T room[kMaxLanes<T>] = {};
  for (int64_t i = 0; i < n; i += lanes) {
    const bool is_whole = i + lanes <= n;
    if (!is_whole) std::copy_n(x + i, n - i, room);
    hn::StoreU(f(d, hn::LoadU(d, is_whole ? x + i : room)), d, is_whole ? y + i : room);
    if (!is_whole) std::copy_n(room, n - i, y + i);
  }
}

// c[i] = f(tag, a[i], b[i]), where an operand that is repeated stays at its first element.
template <bool kRepeatA, bool kRepeatB, typename T, class F>
HWY_INLINE void MapRows(const T* a, const T* b, T* c, int64_t n, const F& f) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto a0 = hn::Set(d, *a);
  const auto b0 = hn::Set(d, *b);
  const auto load_a = [&](int64_t i) HWY_ATTR {
    if constexpr (kRepeatA) return a0;
    return hn::LoadU(d, a + i);
  };
  const auto load_b = [&](int64_t i) HWY_ATTR {
    if constexpr (kRepeatB) return b0;
    return hn::LoadU(d, b + i);
  };
  int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const auto c0 = f(d, load_a(i), load_b(i));
    const auto c1 = f(d, load_a(i + lanes), load_b(i + lanes));
    hn::StoreU(c0, d, c + i);
    hn::StoreU(c1, d, c + i + lanes);
  }
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, load_a(i), load_b(i)), d, c + i);
  if (i == n) return;
  HWY_ALIGN T a_room[kMaxLanes<T>] = {};
  HWY_ALIGN T b_room[kMaxLanes<T>] = {};
  if constexpr (kRepeatA) {
    hn::Store(a0, d, a_room);
  } else {
    std::copy_n(a + i, n - i, a_room);
  }
  if constexpr (kRepeatB) {
    hn::Store(b0, d, b_room);
  } else {
    std::copy_n(b + i, n - i, b_room);
  }
  hn::Store(f(d, hn::Load(d, a_room), hn::Load(d, b_room)), d, a_room);
  std::copy_n(a_room, n - i, c + i);
}

// The same for functions of many instructions.
template <typename T, class F>
HWY_INLINE void MapCostlyRows(const T* a, bool repeat_a, const T* b, bool repeat_b, T* c, int64_t n,
                              const F& f) {
  const Tag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN T a_room[kMaxLanes<T>] = {};
  HWY_ALIGN T b_room[kMaxLanes<T>] = {};
  HWY_ALIGN T c_room[kMaxLanes<T>];
  if (repeat_a) hn::Store(hn::Set(d, *a), d, a_room);
  if (repeat_b) hn::Store(hn::Set(d, *b), d, b_room);
  for (int64_t i = 0; i < n; i += lanes) {
    const bool is_whole = i + lanes <= n;
    if (!is_whole && !repeat_a) std::copy_n(a + i, n - i, a_room);
    if (!is_whole && !repeat_b) std::copy_n(b + i, n - i, b_room);
    const auto x = hn::LoadU(d, is_whole && !repeat_a ? a + i : a_room);
    const auto y = hn::LoadU(d, is_whole && !repeat_b ? b + i : b_room);
    hn::StoreU(f(d, x, y), d, is_whole ? c + i : c_room);
    if (!is_whole) std::copy_n(c_room, n - i, c + i);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
