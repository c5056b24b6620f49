#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/channel_statistics.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/channel_statistics.h"
#include "src/kernel/sum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// totals[j] = the sum of f(row * stride + j, j) over all rows, for `width` <= kLanes columns.
template <typename T, typename F>
HWY_INLINE void SumColumns(int64_t rows, int64_t stride, int width, double* totals, const F& f) {
  std::fill_n(totals, kLanes, 0.0);
  for (int64_t begin = 0; begin < rows; begin += kPiece / kLanes) {
    const int64_t end = std::min(rows, begin + kPiece / kLanes);
    T lanes[kLanes] = {};
    for (int64_t row = begin; row < end; ++row) {
      if (width == kLanes) {
        for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += f(row * stride + lane, lane);
      } else {
        for (int lane = 0; lane < width; ++lane) lanes[lane] += f(row * stride + lane, lane);
      }
    }
    for (int lane = 0; lane < width; ++lane) totals[lane] += static_cast<double>(lanes[lane]);
  }
}

// Channels [begin, end) of the view, whose inner size is more than 1.
template <typename T>
HWY_INLINE void MomentsOfRows(const T* x, const ChannelView& view, int64_t begin, int64_t end,
                              T* mean, T* variance) {
  const int64_t step = view.channels * view.inner;
  const double scale = 1.0 / static_cast<double>(view.channel_size());
  for (int64_t i = begin; i < end; ++i) {
    const T* first = x + i / view.channels * view.repeat * step + i % view.channels * view.inner;
    double total = 0;
    for (int64_t r = 0; r < view.repeat; ++r) {
      const T* row = first + r * step;
      total += SumOf<T>(view.inner, [=](int64_t j) { return row[j]; });
    }
    const T m = static_cast<T>(total * scale);
    double squares = 0;
    for (int64_t r = 0; r < view.repeat; ++r) {
      const T* row = first + r * step;
      squares += SumOf<T>(view.inner, [=](int64_t j) { return (row[j] - m) * (row[j] - m); });
    }
    mean[i] = m;
    variance[i] = static_cast<T>(squares * scale);
  }
}

// The strip of kLanes channels from `channel` on, where the inner size is 1.
template <typename T>
HWY_INLINE void MomentsOfStrip(const T* x, const ChannelView& view, int64_t outer, int64_t channel,
                               T* mean, T* variance) {
  const int width = static_cast<int>(std::min<int64_t>(kLanes, view.channels - channel));
  const double scale = 1.0 / static_cast<double>(view.repeat);
  const T* first = x + outer * view.repeat * view.channels + channel;
  double totals[kLanes];
  T means[kLanes] = {};
  SumColumns<T>(view.repeat, view.channels, width, totals,
                [=](int64_t j, int) { return first[j]; });
  for (int lane = 0; lane < width; ++lane) means[lane] = static_cast<T>(totals[lane] * scale);
  SumColumns<T>(view.repeat, view.channels, width, totals, [&](int64_t j, int lane) {
    return (first[j] - means[lane]) * (first[j] - means[lane]);
  });
  const int64_t to = outer * view.channels + channel;
  for (int lane = 0; lane < width; ++lane) {
    mean[to + lane] = means[lane];
    variance[to + lane] = static_cast<T>(totals[lane] * scale);
  }
}

template <typename T>
HWY_INLINE void DotsOfRows(const T* dy, const T* x, const T* mean, const ChannelView& view,
                           int64_t begin, int64_t end, T* sum, T* dot) {
  const int64_t step = view.channels * view.inner;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t at = i / view.channels * view.repeat * step + i % view.channels * view.inner;
    const T m = mean[i];
    double total = 0;
    double product = 0;
    for (int64_t r = 0; r < view.repeat; ++r) {
      const T* dy_row = dy + at + r * step;
      const T* x_row = x + at + r * step;
      total += SumOf<T>(view.inner, [=](int64_t j) { return dy_row[j]; });
      product += SumOf<T>(view.inner, [=](int64_t j) { return dy_row[j] * (x_row[j] - m); });
    }
    sum[i] = static_cast<T>(total);
    dot[i] = static_cast<T>(product);
  }
}

template <typename T>
HWY_INLINE void DotsOfStrip(const T* dy, const T* x, const T* mean, const ChannelView& view,
                            int64_t outer, int64_t channel, T* sum, T* dot) {
  const int width = static_cast<int>(std::min<int64_t>(kLanes, view.channels - channel));
  const int64_t at = outer * view.repeat * view.channels + channel;
  const int64_t to = outer * view.channels + channel;
  double totals[kLanes];
  T means[kLanes] = {};
  std::copy_n(mean + to, width, means);
  SumColumns<T>(view.repeat, view.channels, width, totals,
                [=](int64_t j, int) { return dy[at + j]; });
  for (int lane = 0; lane < width; ++lane) sum[to + lane] = static_cast<T>(totals[lane]);
  SumColumns<T>(view.repeat, view.channels, width, totals,
                [&](int64_t j, int lane) { return dy[at + j] * (x[at + j] - means[lane]); });
  for (int lane = 0; lane < width; ++lane) dot[to + lane] = static_cast<T>(totals[lane]);
}

// Rows [begin, end): of `inner` elements of one channel, or where inner is 1 of all channels.
template <typename T>
HWY_INLINE void ScaleRows(const T* x, const ChannelView& view, int64_t begin, int64_t end,
                          const T* scale, const T* shift, T* y) {
  for (int64_t row = begin; row < end; ++row) {
    if (view.inner == 1) {
      const int64_t at = row * view.channels;
      const T* a = scale + row / view.repeat * view.channels;
      const T* b = shift + row / view.repeat * view.channels;
#pragma GCC ivdep
      for (int64_t j = 0; j < view.channels; ++j) y[at + j] = x[at + j] * a[j] + b[j];
    } else {
      const int64_t at = row * view.inner;
      const int64_t channel =
          row / (view.repeat * view.channels) * view.channels + row % view.channels;
      const T a = scale[channel];
      const T b = shift[channel];
#pragma GCC ivdep
      for (int64_t j = 0; j < view.inner; ++j) y[at + j] = x[at + j] * a + b;
    }
  }
}

template <typename T>
HWY_INLINE void CombineRows(const T* x, const T* y, const ChannelView& view, int64_t begin,
                            int64_t end, const T* a, const T* b, const T* c, T* z) {
  for (int64_t row = begin; row < end; ++row) {
    if (view.inner == 1) {
      const int64_t at = row * view.channels;
      const int64_t channel = row / view.repeat * view.channels;
#pragma GCC ivdep
      for (int64_t j = 0; j < view.channels; ++j) {
        z[at + j] = x[at + j] * a[channel + j] + (y[at + j] * b[channel + j] + c[channel + j]);
      }
    } else {
      const int64_t at = row * view.inner;
      const int64_t channel =
          row / (view.repeat * view.channels) * view.channels + row % view.channels;
      const T ca = a[channel];
      const T cb = b[channel];
      const T cc = c[channel];
#pragma GCC ivdep
      for (int64_t j = 0; j < view.inner; ++j) z[at + j] = x[at + j] * ca + (y[at + j] * cb + cc);
    }
  }
}

// Highway exports no templates.
#define DOPPIO_DEFINE_CHANNEL_LOOPS(T)                                                             \
  void MomentsOfRows_##T(const T* x, const ChannelView& view, int64_t begin, int64_t end, T* mean, \
                         T* variance) {                                                            \
    MomentsOfRows(x, view, begin, end, mean, variance);                                            \
  }                                                                                                \
  void MomentsOfStrip_##T(const T* x, const ChannelView& view, int64_t outer, int64_t channel,     \
                          T* mean, T* variance) {                                                  \
    MomentsOfStrip(x, view, outer, channel, mean, variance);                                       \
  }                                                                                                \
  void DotsOfRows_##T(const T* dy, const T* x, const T* mean, const ChannelView& view,             \
                      int64_t begin, int64_t end, T* sum, T* dot) {                                \
    DotsOfRows(dy, x, mean, view, begin, end, sum, dot);                                           \
  }                                                                                                \
  void DotsOfStrip_##T(const T* dy, const T* x, const T* mean, const ChannelView& view,            \
                       int64_t outer, int64_t channel, T* sum, T* dot) {                           \
    DotsOfStrip(dy, x, mean, view, outer, channel, sum, dot);                                      \
  }                                                                                                \
  void ScaleRows_##T(const T* x, const ChannelView& view, int64_t begin, int64_t end,              \
                     const T* scale, const T* shift, T* y) {                                       \
    ScaleRows(x, view, begin, end, scale, shift, y);                                               \
  }                                                                                                \
  void CombineRows_##T(const T* x, const T* y, const ChannelView& view, int64_t begin,             \
                       int64_t end, const T* a, const T* b, const T* c, T* z) {                    \
    CombineRows(x, y, view, begin, end, a, b, c, z);                                               \
  }
DOPPIO_DEFINE_CHANNEL_LOOPS(float)
DOPPIO_DEFINE_CHANNEL_LOOPS(double)
#undef DOPPIO_DEFINE_CHANNEL_LOOPS

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;  // elements that are worth a thread
constexpr int64_t kStrip = 16;     // channels that are summed side by side

// Calls `rows(begin, end)` for channels, or where the inner size is 1 `strip(outer, channel)`.
template <typename Rows, typename Strip>
void ForChannels(const ChannelView& view, const Rows& rows, const Strip& strip) {
  if (view.inner > 1) {
    ParallelFor(view.count(), kGrain / view.channel_size() + 1, rows);
    return;
  }
  const int64_t strips = (view.channels - 1) / kStrip + 1;
  ParallelFor(view.outer * strips, kGrain / (view.repeat * kStrip) + 1,
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) strip(i / strips, i % strips * kStrip);
              });
}

template <typename Rows>
void ForRows(const ChannelView& view, const Rows& rows) {
  const int64_t row_size = view.inner == 1 ? view.channels : view.inner;
  ParallelFor(view.size() / row_size, kGrain / row_size + 1, rows);
}

}  // namespace

#define DOPPIO_CHANNEL_LOOPS(T)                                                                 \
  HWY_EXPORT(MomentsOfRows_##T);                                                                \
  HWY_EXPORT(MomentsOfStrip_##T);                                                               \
  HWY_EXPORT(DotsOfRows_##T);                                                                   \
  HWY_EXPORT(DotsOfStrip_##T);                                                                  \
  HWY_EXPORT(ScaleRows_##T);                                                                    \
  HWY_EXPORT(CombineRows_##T);                                                                  \
  template <>                                                                                   \
  void ChannelMoments(const T* x, const ChannelView& view, T* mean, T* variance, CPUContext*) { \
    if (view.size() == 0) {                                                                     \
      std::fill_n(mean, view.count(), T(0));                                                    \
      std::fill_n(variance, view.count(), T(0));                                                \
      return;                                                                                   \
    }                                                                                           \
    ForChannels(                                                                                \
        view,                                                                                   \
        [&](int64_t begin, int64_t end) {                                                       \
          HWY_DYNAMIC_DISPATCH(MomentsOfRows_##T)(x, view, begin, end, mean, variance);         \
        },                                                                                      \
        [&](int64_t outer, int64_t channel) {                                                   \
          HWY_DYNAMIC_DISPATCH(MomentsOfStrip_##T)(x, view, outer, channel, mean, variance);    \
        });                                                                                     \
  }                                                                                             \
  template <>                                                                                   \
  void ChannelDots(const T* dy, const T* x, const T* mean, const ChannelView& view, T* sum,     \
                   T* dot, CPUContext*) {                                                       \
    if (view.size() == 0) {                                                                     \
      std::fill_n(sum, view.count(), T(0));                                                     \
      std::fill_n(dot, view.count(), T(0));                                                     \
      return;                                                                                   \
    }                                                                                           \
    ForChannels(                                                                                \
        view,                                                                                   \
        [&](int64_t begin, int64_t end) {                                                       \
          HWY_DYNAMIC_DISPATCH(DotsOfRows_##T)(dy, x, mean, view, begin, end, sum, dot);        \
        },                                                                                      \
        [&](int64_t outer, int64_t channel) {                                                   \
          HWY_DYNAMIC_DISPATCH(DotsOfStrip_##T)(dy, x, mean, view, outer, channel, sum, dot);   \
        });                                                                                     \
  }                                                                                             \
  template <>                                                                                   \
  void ChannelScale(const T* x, const ChannelView& view, const T* scale, const T* shift, T* y,  \
                    CPUContext*) {                                                              \
    if (view.size() == 0) return;                                                               \
    ForRows(view, [&](int64_t begin, int64_t end) {                                             \
      HWY_DYNAMIC_DISPATCH(ScaleRows_##T)(x, view, begin, end, scale, shift, y);                \
    });                                                                                         \
  }                                                                                             \
  template <>                                                                                   \
  void ChannelCombine(const T* x, const T* y, const ChannelView& view, const T* a, const T* b,  \
                      const T* c, T* z, CPUContext*) {                                          \
    if (view.size() == 0) return;                                                               \
    ForRows(view, [&](int64_t begin, int64_t end) {                                             \
      HWY_DYNAMIC_DISPATCH(CombineRows_##T)(x, y, view, begin, end, a, b, c, z);                \
    });                                                                                         \
  }
DOPPIO_CHANNEL_LOOPS(float)
DOPPIO_CHANNEL_LOOPS(double)
#undef DOPPIO_CHANNEL_LOOPS

}  // namespace doppio
#endif  // HWY_ONCE
