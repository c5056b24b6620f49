#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/channel_statistics.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/channel_statistics.h"
#include "src/kernel/lanes-inl.h"
#include "src/kernel/sum-inl.h"

#ifndef DOPPIO_KERNEL_CHANNEL_STATISTICS_SHARED_
#define DOPPIO_KERNEL_CHANNEL_STATISTICS_SHARED_
namespace doppio {
namespace {
constexpr int64_t kMostChannels = 256;  // whose sums are made in one go, where they are neighbours
}  // namespace
}  // namespace doppio
#endif  // once for all instruction sets

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Rows whose sums in T go to double, where the inner size is 1. So many of some strips of channels
// are read again from the cache.
constexpr int64_t kRows = kPiece / kLanes;

// lanes[j] = the sum of f(row, j) over rows [begin, end), for `width` <= kLanes columns.
template <typename T, typename F>
HWY_INLINE void SumColumns(int64_t begin, int64_t end, int width, T* lanes, const F& f) {
  T sums[kLanes] = {};
  if (width == kLanes) {
    for (int64_t row = begin; row < end; ++row) {
      for (int lane = 0; lane < kLanes; ++lane) sums[lane] += f(row, lane);
    }
  } else {
    for (int64_t row = begin; row < end; ++row) {
      for (int lane = 0; lane < width; ++lane) sums[lane] += f(row, lane);
    }
  }
  std::copy_n(sums, kLanes, lanes);
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

// Strips [begin, end) of kLanes channels each, where the inner size is 1; of so many that their
// sums fit into kMostChannels. Each piece of rows has its own mean, and squares around it.
template <typename T>
HWY_INLINE void MomentsOfStrips(const T* x, const ChannelView& view, int64_t outer, int64_t begin,
                                int64_t end, T* mean, T* variance) {
  const int64_t first = begin * kLanes;
  const int64_t last = std::min(end * kLanes, view.channels);
  const T* from = x + outer * view.repeat * view.channels;
  double totals[kMostChannels] = {};
  double squares[kMostChannels] = {};
  for (int64_t row = 0; row < view.repeat; row += kRows) {
    const int64_t row_end = std::min(view.repeat, row + kRows);
    const auto before = static_cast<double>(row);
    const auto count = static_cast<double>(row_end - row);
    const double weight = before * count / static_cast<double>(row_end);
    for (int64_t channel = first; channel < last; channel += kLanes) {
      const int width = static_cast<int>(std::min<int64_t>(kLanes, last - channel));
      const T* strip = from + channel;
      T lanes[kLanes];
      T piece_means[kLanes] = {};
      double shifts[kLanes] = {};
      SumColumns<T>(row, row_end, width, lanes,
                    [&](int64_t i, int lane) { return strip[i * view.channels + lane]; });
      for (int lane = 0; lane < width; ++lane) {
        double& total = totals[channel - first + lane];
        const double piece_mean = static_cast<double>(lanes[lane]) / count;
        piece_means[lane] = static_cast<T>(piece_mean);
        if (row > 0) shifts[lane] = piece_mean - total / before;
        total += static_cast<double>(lanes[lane]);
      }
      SumColumns<T>(row, row_end, width, lanes, [&](int64_t i, int lane) {
        const T d = strip[i * view.channels + lane] - piece_means[lane];
        return d * d;
      });
      for (int lane = 0; lane < width; ++lane) {
        squares[channel - first + lane] +=
            static_cast<double>(lanes[lane]) + shifts[lane] * shifts[lane] * weight;
      }
    }
  }
  const double scale = 1.0 / static_cast<double>(view.repeat);
  for (int64_t channel = first; channel < last; ++channel) {
    mean[outer * view.channels + channel] = static_cast<T>(totals[channel - first] * scale);
    variance[outer * view.channels + channel] = static_cast<T>(squares[channel - first] * scale);
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
HWY_INLINE void DotsOfStrips(const T* dy, const T* x, const T* mean, const ChannelView& view,
                             int64_t outer, int64_t begin, int64_t end, T* sum, T* dot) {
  const int64_t first = begin * kLanes;
  const int64_t last = std::min(end * kLanes, view.channels);
  const int64_t at = outer * view.repeat * view.channels;
  const int64_t to = outer * view.channels;
  double sums[kMostChannels] = {};
  double dots[kMostChannels] = {};
  for (int64_t row = 0; row < view.repeat; row += kRows) {
    const int64_t row_end = std::min(view.repeat, row + kRows);
    for (int64_t channel = first; channel < last; channel += kLanes) {
      const int width = static_cast<int>(std::min<int64_t>(kLanes, last - channel));
      const T* strip = x + at + channel;
      const T* dy_strip = dy + at + channel;
      T means[kLanes] = {};
      std::copy_n(mean + to + channel, width, means);
      T lanes[kLanes];
      SumColumns<T>(row, row_end, width, lanes,
                    [&](int64_t i, int lane) { return dy_strip[i * view.channels + lane]; });
      for (int lane = 0; lane < width; ++lane) {
        sums[channel - first + lane] += static_cast<double>(lanes[lane]);
      }
      SumColumns<T>(row, row_end, width, lanes, [&](int64_t i, int lane) {
        const int64_t j = i * view.channels + lane;
        return dy_strip[j] * (strip[j] - means[lane]);
      });
      for (int lane = 0; lane < width; ++lane) {
        dots[channel - first + lane] += static_cast<double>(lanes[lane]);
      }
    }
  }
  for (int64_t channel = first; channel < last; ++channel) {
    sum[to + channel] = static_cast<T>(sums[channel - first]);
    dot[to + channel] = static_cast<T>(dots[channel - first]);
  }
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
      ForLanes(view.channels, [=](int64_t j) { y[at + j] = x[at + j] * a[j] + b[j]; });
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
      ForLanes(view.channels, [=](int64_t j) {
        z[at + j] = x[at + j] * a[channel + j] + (y[at + j] * b[channel + j] + c[channel + j]);
      });
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
  void MomentsOfStrips_##T(const T* x, const ChannelView& view, int64_t outer, int64_t begin,      \
                           int64_t end, T* mean, T* variance) {                                    \
    MomentsOfStrips(x, view, outer, begin, end, mean, variance);                                   \
  }                                                                                                \
  void DotsOfRows_##T(const T* dy, const T* x, const T* mean, const ChannelView& view,             \
                      int64_t begin, int64_t end, T* sum, T* dot) {                                \
    DotsOfRows(dy, x, mean, view, begin, end, sum, dot);                                           \
  }                                                                                                \
  void DotsOfStrips_##T(const T* dy, const T* x, const T* mean, const ChannelView& view,           \
                        int64_t outer, int64_t begin, int64_t end, T* sum, T* dot) {               \
    DotsOfStrips(dy, x, mean, view, outer, begin, end, sum, dot);                                  \
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

// Calls `rows(begin, end)` for channels, or where the inner size is 1 `strips(outer, begin, end)`.
template <typename Rows, typename Strips>
void ForChannels(const ChannelView& view, const Rows& rows, const Strips& strips) {
  if (view.inner > 1) {
    ParallelFor(view.count(), kGrain / view.channel_size() + 1, rows);
    return;
  }
  const int64_t count = (view.channels - 1) / kStrip + 1;
  ParallelFor(view.outer * count, kGrain / (view.repeat * kStrip) + 1,
              [&](int64_t begin, int64_t end) {
                while (begin < end) {
                  const int64_t first = begin % count;
                  const int64_t last =
                      std::min({count, first + end - begin, first + kMostChannels / kStrip});
                  strips(begin / count, first, last);
                  begin += last - first;
                }
              });
}

template <typename Rows>
void ForRows(const ChannelView& view, const Rows& rows) {
  const int64_t row_size = view.inner == 1 ? view.channels : view.inner;
  ParallelFor(view.size() / row_size, kGrain / row_size + 1, rows);
}

}  // namespace

#define DOPPIO_CHANNEL_LOOPS(T)                                                                   \
  HWY_EXPORT(MomentsOfRows_##T);                                                                  \
  HWY_EXPORT(MomentsOfStrips_##T);                                                                \
  HWY_EXPORT(DotsOfRows_##T);                                                                     \
  HWY_EXPORT(DotsOfStrips_##T);                                                                   \
  HWY_EXPORT(ScaleRows_##T);                                                                      \
  HWY_EXPORT(CombineRows_##T);                                                                    \
  template <>                                                                                     \
  void ChannelMoments(const T* x, const ChannelView& view, T* mean, T* variance, CPUContext*) {   \
    if (view.size() == 0) {                                                                       \
      std::fill_n(mean, view.count(), T(0));                                                      \
      std::fill_n(variance, view.count(), T(0));                                                  \
      return;                                                                                     \
    }                                                                                             \
    ForChannels(                                                                                  \
        view,                                                                                     \
        [&](int64_t begin, int64_t end) {                                                         \
          HWY_DYNAMIC_DISPATCH(MomentsOfRows_##T)(x, view, begin, end, mean, variance);           \
        },                                                                                        \
        [&](int64_t outer, int64_t begin, int64_t end) {                                          \
          HWY_DYNAMIC_DISPATCH(MomentsOfStrips_##T)(x, view, outer, begin, end, mean, variance);  \
        });                                                                                       \
  }                                                                                               \
  template <>                                                                                     \
  void ChannelDots(const T* dy, const T* x, const T* mean, const ChannelView& view, T* sum,       \
                   T* dot, CPUContext*) {                                                         \
    if (view.size() == 0) {                                                                       \
      std::fill_n(sum, view.count(), T(0));                                                       \
      std::fill_n(dot, view.count(), T(0));                                                       \
      return;                                                                                     \
    }                                                                                             \
    ForChannels(                                                                                  \
        view,                                                                                     \
        [&](int64_t begin, int64_t end) {                                                         \
          HWY_DYNAMIC_DISPATCH(DotsOfRows_##T)(dy, x, mean, view, begin, end, sum, dot);          \
        },                                                                                        \
        [&](int64_t outer, int64_t begin, int64_t end) {                                          \
          HWY_DYNAMIC_DISPATCH(DotsOfStrips_##T)(dy, x, mean, view, outer, begin, end, sum, dot); \
        });                                                                                       \
  }                                                                                               \
  template <>                                                                                     \
  void ChannelScale(const T* x, const ChannelView& view, const T* scale, const T* shift, T* y,    \
                    CPUContext*) {                                                                \
    if (view.size() == 0) return;                                                                 \
    ForRows(view, [&](int64_t begin, int64_t end) {                                               \
      HWY_DYNAMIC_DISPATCH(ScaleRows_##T)(x, view, begin, end, scale, shift, y);                  \
    });                                                                                           \
  }                                                                                               \
  template <>                                                                                     \
  void ChannelCombine(const T* x, const T* y, const ChannelView& view, const T* a, const T* b,    \
                      const T* c, T* z, CPUContext*) {                                            \
    if (view.size() == 0) return;                                                                 \
    ForRows(view, [&](int64_t begin, int64_t end) {                                               \
      HWY_DYNAMIC_DISPATCH(CombineRows_##T)(x, y, view, begin, end, a, b, c, z);                  \
    });                                                                                           \
  }
DOPPIO_CHANNEL_LOOPS(float)
DOPPIO_CHANNEL_LOOPS(double)
#undef DOPPIO_CHANNEL_LOOPS

}  // namespace doppio
#endif  // HWY_ONCE
