#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/pooling_lanes.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <limits>

#include "hwy/highway.h"
#include "src/kernel/lanes-inl.h"
#include "src/kernel/pooling_lanes.h"

#ifndef DOPPIO_KERNEL_POOLING_LANES_SHARED_
#define DOPPIO_KERNEL_POOLING_LANES_SHARED_
namespace doppio {
namespace {

// The part of a window that lies in the image.
struct Box {
  Spatial begin;
  Spatial end;
  int64_t size;
};

Box BoxAt(const PlainPool& p, const Spatial& place) {
  Box box;
  box.size = 1;
  for (size_t d = 0; d < 3; ++d) {
    const int64_t first = place[d] * p.stride[d] - p.pad[d];
    box.begin[d] = std::max<int64_t>(first, 0);
    box.end[d] = std::min(first + p.kernel[d], p.in[d]);
    box.size *= std::max<int64_t>(box.end[d] - box.begin[d], 0);
  }
  return box;
}

int64_t Divisor(const PlainPool& p, bool count_include_pad, const Box& box) {
  return count_include_pad ? p.kernel[0] * p.kernel[1] * p.kernel[2] : box.size;
}

// Whether an element belongs to one window at most, and to one at least.
bool AreApart(const PlainPool& p) {
  bool apart = true;
  for (size_t d = 0; d < 3; ++d) apart = apart && p.stride[d] >= p.kernel[d];
  return apart;
}
bool CoverImage(const PlainPool& p) {
  bool cover = true;
  for (size_t d = 0; d < 3; ++d) {
    cover = cover && p.stride[d] <= p.kernel[d] &&
            (p.out[d] - 1) * p.stride[d] - p.pad[d] + p.kernel[d] >= p.in[d];
  }
  return cover;
}

}  // namespace
}  // namespace doppio
#endif  // once for all instruction sets

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// ForEachSpatial, for this instruction set.
template <typename F>
HWY_INLINE void ForEachIn(const Spatial& begin, const Spatial& end, const F& f) {
  Spatial i;
  for (i[0] = begin[0]; i[0] < end[0]; ++i[0]) {
    for (i[1] = begin[1]; i[1] < end[1]; ++i[1]) {
      for (i[2] = begin[2]; i[2] < end[2]; ++i[2]) f(i);
    }
  }
}

template <typename T>
HWY_INLINE void MaxOf(const PlainPool& p, int64_t lanes, const T* x, T* y) {
  ForEachIn({0, 0, 0}, p.out, [&](const Spatial& place) {
    const Box box = BoxAt(p, place);
    T* best = y + Offset(place, p.y.spatial);
    std::fill_n(best, lanes, std::numeric_limits<T>::lowest());
    ForEachIn(box.begin, box.end, [&](const Spatial& at) {
      const T* from = x + Offset(at, p.x.spatial);
      ForLanes(lanes, [=](int64_t i) { best[i] = from[i] > best[i] ? from[i] : best[i]; });
    });
  });
}

template <typename T>
HWY_INLINE void AverageOf(const PlainPool& p, int64_t lanes, bool count_include_pad, const T* x,
                          T* y) {
  ForEachIn({0, 0, 0}, p.out, [&](const Spatial& place) {
    const Box box = BoxAt(p, place);
    T* sum = y + Offset(place, p.y.spatial);
    std::fill_n(sum, lanes, T(0));
    ForEachIn(box.begin, box.end, [&](const Spatial& at) {
      const T* from = x + Offset(at, p.x.spatial);
      ForLanes(lanes, [=](int64_t i) { sum[i] += from[i]; });
    });
    const T divisor = static_cast<T>(Divisor(p, count_include_pad, box));
    ForLanes(lanes, [=](int64_t i) { sum[i] /= divisor; });
  });
}

// Calls f(offset in X, offset in Y, window) for every element of X under every place of Y. What is
// under none becomes 0; under more than one, all do first.
template <typename T, typename F>
HWY_INLINE void ForEachUnder(const PlainPool& p, int64_t lanes, T* dx, const F& f) {
  if (!AreApart(p) || !CoverImage(p)) {
    ForEachIn({0, 0, 0}, p.in,
              [&](const Spatial& at) { std::fill_n(dx + Offset(at, p.x.spatial), lanes, T(0)); });
  }
  ForEachIn({0, 0, 0}, p.out, [&](const Spatial& place) {
    const Box box = BoxAt(p, place);
    const int64_t out = Offset(place, p.y.spatial);
    ForEachIn(box.begin, box.end, [&](const Spatial& at) { f(Offset(at, p.x.spatial), out, box); });
  });
}

template <typename T>
HWY_INLINE void MaxGradientOf(const PlainPool& p, int64_t lanes, const T* x, const T* y,
                              const T* dy, T* dx) {
  const bool apart = AreApart(p);
  ForEachUnder(p, lanes, dx, [&](int64_t in, int64_t out, const Box&) {
    const T* values = x + in;
    const T* maxima = y + out;
    const T* from = dy + out;
    T* to = dx + in;
    if (apart) {
      ForLanes(lanes, [=](int64_t i) {
        const T share = from[i];  // read in any case, so that vectors may be
        to[i] = values[i] == maxima[i] ? share : T(0);
      });
    } else {
      ForLanes(lanes, [=](int64_t i) {
        const T share = from[i];
        to[i] += values[i] == maxima[i] ? share : T(0);
      });
    }
  });
}

template <typename T>
HWY_INLINE void AverageGradientOf(const PlainPool& p, int64_t lanes, bool count_include_pad,
                                  const T* dy, T* dx) {
  const bool apart = AreApart(p);
  ForEachUnder(p, lanes, dx, [&](int64_t in, int64_t out, const Box& box) {
    const T divisor = static_cast<T>(Divisor(p, count_include_pad, box));
    const T* from = dy + out;
    T* to = dx + in;
    if (apart) {
      ForLanes(lanes, [=](int64_t i) { to[i] = from[i] / divisor; });
    } else {
      ForLanes(lanes, [=](int64_t i) { to[i] += from[i] / divisor; });
    }
  });
}

// Highway exports no templates.
#define DOPPIO_DEFINE_POOLING_LANES(T)                                                           \
  void MaxOf_##T(const PlainPool& p, int64_t lanes, const T* x, T* y) { MaxOf(p, lanes, x, y); } \
  void AverageOf_##T(const PlainPool& p, int64_t lanes, bool count_include_pad, const T* x,      \
                     T* y) {                                                                     \
    AverageOf(p, lanes, count_include_pad, x, y);                                                \
  }                                                                                              \
  void MaxGradientOf_##T(const PlainPool& p, int64_t lanes, const T* x, const T* y, const T* dy, \
                         T* dx) {                                                                \
    MaxGradientOf(p, lanes, x, y, dy, dx);                                                       \
  }                                                                                              \
  void AverageGradientOf_##T(const PlainPool& p, int64_t lanes, bool count_include_pad,          \
                             const T* dy, T* dx) {                                               \
    AverageGradientOf(p, lanes, count_include_pad, dy, dx);                                      \
  }
DOPPIO_DEFINE_POOLING_LANES(float)
DOPPIO_DEFINE_POOLING_LANES(double)
#undef DOPPIO_DEFINE_POOLING_LANES

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_POOLING_LANES(T)                                                                \
  HWY_EXPORT(MaxOf_##T);                                                                       \
  HWY_EXPORT(AverageOf_##T);                                                                   \
  HWY_EXPORT(MaxGradientOf_##T);                                                               \
  HWY_EXPORT(AverageGradientOf_##T);                                                           \
  template <>                                                                                  \
  void MaxPoolLanes(const PlainPool& p, int64_t lanes, const T* x, T* y) {                     \
    HWY_DYNAMIC_DISPATCH(MaxOf_##T)(p, lanes, x, y);                                           \
  }                                                                                            \
  template <>                                                                                  \
  void AveragePoolLanes(const PlainPool& p, int64_t lanes, bool count_include_pad, const T* x, \
                        T* y) {                                                                \
    HWY_DYNAMIC_DISPATCH(AverageOf_##T)(p, lanes, count_include_pad, x, y);                    \
  }                                                                                            \
  template <>                                                                                  \
  void MaxPoolGradientLanes(const PlainPool& p, int64_t lanes, const T* x, const T* y,         \
                            const T* dy, T* dx) {                                              \
    HWY_DYNAMIC_DISPATCH(MaxGradientOf_##T)(p, lanes, x, y, dy, dx);                           \
  }                                                                                            \
  template <>                                                                                  \
  void AveragePoolGradientLanes(const PlainPool& p, int64_t lanes, bool count_include_pad,     \
                                const T* dy, T* dx) {                                          \
    HWY_DYNAMIC_DISPATCH(AverageGradientOf_##T)(p, lanes, count_include_pad, dy, dx);          \
  }
DOPPIO_POOLING_LANES(float)
DOPPIO_POOLING_LANES(double)
#undef DOPPIO_POOLING_LANES

}  // namespace doppio
#endif  // HWY_ONCE
