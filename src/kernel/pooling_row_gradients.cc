#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/pooling_row_gradients.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <limits>

#include "absl/container/fixed_array.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "hwy/highway.h"
#include "src/kernel/pooling_geometry.h"
#include "src/kernel/pooling_rows-inl.h"
#include "src/kernel/pooling_rows.h"

#ifndef DOPPIO_KERNEL_POOLING_ROW_GRADIENTS_SHARED_
#define DOPPIO_KERNEL_POOLING_ROW_GRADIENTS_SHARED_
namespace doppio {
namespace {

template <typename T>
using Scratch = absl::FixedArray<T, 1024>;

// Rows of places as the gradients read them, which look for the windows over some columns of the
// image: with room on both sides for windows that are not there.
struct RoomyRows {
  RoomyRows(const PlainPool& p, int64_t lanes)
      : before((p.kernel[2] - 1) / p.stride[2]),
        count(std::min(p.out[2], (p.in[2] - 1 + p.pad[2]) / p.stride[2] + 1)),
        width(before + hwy::RoundUpTo((p.in[2] - 1) / p.stride[2] + 1, lanes) +
              (p.stride[2] - 1 + p.pad[2]) / p.stride[2]),
        size(p.out[0] * p.out[1] * width + lanes) {}

  int64_t before;  // elements before the first place
  int64_t count;   // places over the image
  int64_t width;   // of all of it
  int64_t size;    // of all rows, and a vector behind them
};

// The places of the window over a row of the image, the rows taken in order.
class PlacesOver {
 public:
  PlacesOver(const PlainPool& p, size_t d)
      : pad_(p.pad[d]), kernel_(p.kernel[d]), stride_(p.stride[d]), places_(p.out[d]) {}

  void MoveTo(int64_t row) {
    while (end_ < places_ && end_ * stride_ <= row + pad_) ++end_;
    while (begin_ < end_ && begin_ * stride_ + kernel_ <= row + pad_) ++begin_;
  }

  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }

 private:
  const int64_t pad_;
  const int64_t kernel_;
  const int64_t stride_;
  const int64_t places_;
  int64_t begin_ = 0;
  int64_t end_ = 0;
};

}  // namespace
}  // namespace doppio
#endif

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// What a window gives to the columns under it: `dy`, or `dy` to those that are its maximum.
template <typename T>
struct ToAll {
  template <class V>
  static HWY_INLINE V Of(V, V, V dy) {
    return dy;
  }
  static HWY_INLINE T Of(T, T, T dy, int) { return dy; }
};
template <typename T>
struct ToMaxima {
  template <class V>
  static HWY_INLINE V Of(V x, V y, V dy) {
    return hn::IfThenElseZero(hn::Eq(x, y), dy);
  }
  static HWY_INLINE T Of(T x, T y, T dy, int) { return x == y ? dy : T(0); }
};

// What the windows give to the columns q * kStride + phase, x among them, by the taps kFirst,
// kFirst + kStride, ... (kTaps in all, or p.kernel[2] where that is 0); the first of them is
// `shift` places on from q.
template <class Share, int kTaps, int kStride, int kFirst, class V, typename T>
HWY_INLINE V FromPlaces(const PlainPool& p, V x, const T* y, const T* dy,
                        absl::Span<const int64_t> places, int64_t shift) {
  const hn::ScalableTag<T> d;
  const int64_t taps = kTaps > 0 ? kTaps : p.kernel[2];
  V sum = hn::Zero(d);
  for (const int64_t place : places) {
    int64_t at = place + shift;
    for (int64_t k = kFirst; k < taps; k += kStride, --at) {
      sum = hn::Add(sum, Share::Of(x, hn::LoadU(d, y + at), hn::LoadU(d, dy + at)));
    }
  }
  return sum;
}

// Every other column begins `first` taps into a window.
template <class Share, int kTaps, int kFirst, typename T>
HWY_INLINE void GatherByTwo(const PlainPool& p, const T* x, const T* y, const T* dy,
                            absl::Span<const int64_t> places, T* dx) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t even_shift = p.pad[2] / 2;
  const int64_t odd_shift = (p.pad[2] + 1) / 2;
  for (int64_t q = 0; 2 * q < p.in[2]; q += lanes) {
    hn::Vec<decltype(d)> even, odd;
    hn::LoadInterleaved2(d, x + 2 * q, even, odd);
    even = FromPlaces<Share, kTaps, 2, kFirst>(p, even, y, dy, places, q + even_shift);
    odd = FromPlaces<Share, kTaps, 2, 1 - kFirst>(p, odd, y, dy, places, q + odd_shift);
    hn::StoreInterleaved2(even, odd, d, dx + 2 * q);
  }
}

// dx[c] = the sum of what the windows over column c give to it, which stand in the rows `places` of
// y and dy (RoomyRows, from their first place on). Reads and writes whole vectors.
template <class Share, int kTaps, typename T>
HWY_INLINE void GatherFromPlaces(const PlainPool& p, const T* x, const T* y, const T* dy,
                                 absl::Span<const int64_t> places, T* dx) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stride = p.stride[2];
  const int64_t pad = p.pad[2];
  if (stride == 2) {
    if (pad % 2 == 0) return GatherByTwo<Share, kTaps, 0>(p, x, y, dy, places, dx);
    return GatherByTwo<Share, kTaps, 1>(p, x, y, dy, places, dx);
  }
  if (stride == 1) {
    for (int64_t c = 0; c < p.in[2]; c += lanes) {
      hn::StoreU(FromPlaces<Share, kTaps, 1, 0>(p, hn::LoadU(d, x + c), y, dy, places, c + pad), d,
                 dx + c);
    }
    return;
  }
  for (int64_t c = 0; c < p.in[2]; ++c) {
    T sum = 0;
    for (const int64_t place : places) {
      int64_t at = place + (c + pad) / stride;
      for (int64_t k = (c + pad) % stride; k < p.kernel[2]; k += stride, --at) {
        sum += Share::Of(x[c], y[at], dy[at], 0);
      }
    }
    dx[c] = sum;
  }
}

// Kernels of 2 and 3 have loops that are unrolled.
template <class Share, typename T>
HWY_INLINE void Gather(const PlainPool& p, const T* x, const T* y, const T* dy,
                       absl::Span<const int64_t> places, T* dx) {
  switch (p.kernel[2]) {
    case 2:
      return GatherFromPlaces<Share, 2>(p, x, y, dy, places, dx);
    case 3:
      return GatherFromPlaces<Share, 3>(p, x, y, dy, places, dx);
    default:
      return GatherFromPlaces<Share, 0>(p, x, y, dy, places, dx);
  }
}

// Calls f(first elements of the rows of places over a row of the image, x, dx) for every row, where
// whole vectors may be read from x and written to dx: what is written behind the row belongs to the
// next one.
template <typename T, typename F>
HWY_INLINE void ForWholeRows(const PlainPool& p, const RoomyRows& rows, const T* x, T* dx,
                             const F& f) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  const int64_t columns = p.in[2];
  const int64_t reach = hwy::RoundUpTo(columns, p.stride[2] == 2 ? 2 * lanes : lanes);
  int64_t left = Elements(p.in);
  absl::InlinedVector<int64_t, 16> places;
  PlacesOver deep(p, 0);
  for (int64_t i = 0; i < p.in[0]; ++i) {
    deep.MoveTo(i);
    PlacesOver high(p, 1);
    for (int64_t j = 0; j < p.in[1]; ++j) {
      high.MoveTo(j);
      places.clear();
      for (int64_t m = deep.begin(); m < deep.end(); ++m) {
        for (int64_t n = high.begin(); n < high.end(); ++n) {
          places.push_back((m * p.out[1] + n) * rows.width + rows.before);
        }
      }
      if (left >= reach) {
        f(absl::MakeConstSpan(places), x, dx);
      } else {
        T last_x[kRoom];
        T last_dx[kRoom];
        std::copy_n(x, columns, last_x);
        std::fill_n(last_x + columns, reach - columns, T(0));
        f(absl::MakeConstSpan(places), static_cast<const T*>(last_x), last_dx);
        std::copy_n(last_dx, columns, dx);
      }
      x += columns;
      dx += columns;
      left -= columns;
    }
  }
}

// Copies a row that is followed by `left` elements that may be read, and puts `outside` behind it.
template <typename T>
HWY_INLINE void CopyRow(const T* from, int64_t count, int64_t left, T outside, T* to) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (left < lanes) {
    std::copy_n(from, count, to);
  } else {
    for (int64_t i = 0; i < count; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
  hn::StoreU(hn::Set(d, outside), d, to + count);
}

// dx = what the only window gives to each element.
template <class Share, typename T>
HWY_INLINE void ShareAll(const T* x, T y, T dy, int64_t count, T* dx) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto most = hn::Set(d, y);
  const auto gradient = hn::Set(d, dy);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(Share::Of(hn::LoadU(d, x + i), most, gradient), d, dx + i);
  }
  for (; i < count; ++i) dx[i] = Share::Of(x[i], y, dy, 0);
}

template <typename T>
HWY_INLINE void MaxGradientRows(const PlainPool& p, int64_t images, const T* x, const T* y,
                                const T* dy, T* dx) {
  const int64_t in = Elements(p.in);
  const int64_t out = Elements(p.out);
  if (SeesAll(p)) {
    for (int64_t i = 0; i < images; ++i, x += in, dx += in) {
      ShareAll<ToMaxima<T>>(x, y[i], dy[i], in, dx);
    }
    return;
  }
  const RoomyRows rows(p, static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>())));
  constexpr T kNone = std::numeric_limits<T>::quiet_NaN();  // equals no element
  Scratch<T> maxima(static_cast<size_t>(rows.size), kNone);
  Scratch<T> gradients(static_cast<size_t>(rows.size), T(0));
  int64_t left = images * out;
  for (int64_t i = 0; i < images; ++i, x += in, dx += in) {
    for (int64_t k = 0; k < p.out[0] * p.out[1]; ++k, y += p.out[2], dy += p.out[2]) {
      const int64_t at = k * rows.width + rows.before;
      left -= p.out[2];
      CopyRow(y, rows.count, left, kNone, &maxima[at]);
      CopyRow(dy, rows.count, left, T(0), &gradients[at]);
    }
    ForWholeRows(p, rows, x, dx,
                 [&](absl::Span<const int64_t> places, const T* from, T* to) HWY_ATTR {
                   Gather<ToMaxima<T>>(p, from, maxima.data(), gradients.data(), places, to);
                 });
  }
}

template <typename T>
HWY_INLINE void AverageGradientRows(const PlainPool& p, int64_t images, bool count_include_pad,
                                    const T* dy, T* dx) {
  const int64_t in = Elements(p.in);
  T counts[kRoom];
  CountColumns(p, count_include_pad, counts);
  if (SeesAll(p)) {
    const T count = static_cast<T>(CountRows(p, count_include_pad, 0, 0)) * counts[0];
    for (int64_t i = 0; i < images; ++i, dx += in) std::fill_n(dx, in, dy[i] / count);
    return;
  }
  const RoomyRows rows(p, static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>())));
  Scratch<T> shares(static_cast<size_t>(rows.size), T(0));
  Scratch<T> sums(static_cast<size_t>(rows.width), T(0));
  for (int64_t i = 0; i < images; ++i, dx += in) {
    T* row = &shares[rows.before];
    for (int64_t m = 0; m < p.out[0]; ++m) {
      for (int64_t n = 0; n < p.out[1]; ++n, row += rows.width, dy += p.out[2]) {
        const auto counted = static_cast<T>(CountRows(p, count_include_pad, m, n));
        DivideByCounts(dy, counted, counts, rows.count, row);
      }
    }
    // There is no x, and nobody looks at it.
    ForWholeRows(p, rows, static_cast<const T*>(dx), dx,
                 [&](absl::Span<const int64_t> places, const T* from, T* to) HWY_ATTR {
                   std::fill(sums.begin(), sums.end(), T(0));
                   for (const int64_t place : places) {
                     Combine<Plus>(&shares[place - rows.before], rows.width, sums.data());
                   }
                   Gather<ToAll<T>>(p, from, sums.data(), sums.data(), {rows.before}, to);
                 });
  }
}

// Highway exports no templates.
#define DOPPIO_DEFINE_POOLING_ROWS(T)                                                      \
  void MaxGradientRows_##T(const PlainPool& p, int64_t images, const T* x, const T* y,     \
                           const T* dy, T* dx) {                                           \
    MaxGradientRows(p, images, x, y, dy, dx);                                              \
  }                                                                                        \
  void AverageGradientRows_##T(const PlainPool& p, int64_t images, bool count_include_pad, \
                               const T* dy, T* dx) {                                       \
    AverageGradientRows(p, images, count_include_pad, dy, dx);                             \
  }
DOPPIO_DEFINE_POOLING_ROWS(float)
DOPPIO_DEFINE_POOLING_ROWS(double)
#undef DOPPIO_DEFINE_POOLING_ROWS

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_POOLING_ROWS(T)                                                             \
  HWY_EXPORT(MaxGradientRows_##T);                                                         \
  HWY_EXPORT(AverageGradientRows_##T);                                                     \
  template <>                                                                              \
  void MaxPoolGradientRows(const PlainPool& p, int64_t images, const T* x, const T* y,     \
                           const T* dy, T* dx) {                                           \
    HWY_DYNAMIC_DISPATCH(MaxGradientRows_##T)(p, images, x, y, dy, dx);                    \
  }                                                                                        \
  template <>                                                                              \
  void AveragePoolGradientRows(const PlainPool& p, int64_t images, bool count_include_pad, \
                               const T* dy, T* dx) {                                       \
    HWY_DYNAMIC_DISPATCH(AverageGradientRows_##T)(p, images, count_include_pad, dy, dx);   \
  }
DOPPIO_POOLING_ROWS(float)
DOPPIO_POOLING_ROWS(double)
#undef DOPPIO_POOLING_ROWS

}  // namespace doppio
#endif  // HWY_ONCE
