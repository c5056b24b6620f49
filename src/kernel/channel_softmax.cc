#include "src/kernel/channel_softmax.h"

#include <algorithm>
#include <cmath>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// Positions that are worked on together, so that each class is read in one run.
constexpr int64_t kBlock = 64;

// Calls f(first, width) for the blocks of all groups: `first` is the place of the first position in
// the group's first class.
template <typename F>
void ForEachBlock(int64_t groups, int64_t classes, int64_t positions, F f) {
  if (classes == 0 || positions == 0) return;
  const int64_t blocks = (positions + kBlock - 1) / kBlock;
  const int64_t grain = (1 << 13) / (std::min(positions, kBlock) * classes) + 1;
  ParallelFor(groups * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t position = i % blocks * kBlock;
      f(i / blocks * classes * positions + position, std::min(kBlock, positions - position));
    }
  });
}

template <typename T>
void LargestOfClasses(const T* x, int64_t classes, int64_t positions, int64_t width, T* most) {
  std::copy_n(x, width, most);
  for (int64_t c = 1; c < classes; ++c) {
    const T* row = x + c * positions;
    for (int64_t i = 0; i < width; ++i) most[i] = std::max(most[i], row[i]);
  }
}

}  // namespace

template <typename T>
void ChannelSoftmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
  ForEachBlock(groups, classes, positions, [&](int64_t first, int64_t width) {
    T most[kBlock];
    double sum[kBlock] = {};
    LargestOfClasses(x + first, classes, positions, width, most);
    for (int64_t c = 0; c < classes; ++c) {
      const int64_t at = first + c * positions;
      for (int64_t i = 0; i < width; ++i) {
        y[at + i] = std::exp(x[at + i] - most[i]);
        sum[i] += y[at + i];
      }
    }
    for (int64_t c = 0; c < classes; ++c) {
      T* row = y + first + c * positions;
      for (int64_t i = 0; i < width; ++i) row[i] = static_cast<T>(row[i] / sum[i]);
    }
  });
}

template <typename T>
void ChannelLogSoftmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
  ForEachBlock(groups, classes, positions, [&](int64_t first, int64_t width) {
    T most[kBlock];
    double sum[kBlock] = {};
    LargestOfClasses(x + first, classes, positions, width, most);
    for (int64_t c = 0; c < classes; ++c) {
      const T* row = x + first + c * positions;
      for (int64_t i = 0; i < width; ++i) sum[i] += std::exp(row[i] - most[i]);
    }
    for (int64_t i = 0; i < width; ++i) sum[i] = std::log(sum[i]);
    for (int64_t c = 0; c < classes; ++c) {
      const int64_t at = first + c * positions;
      for (int64_t i = 0; i < width; ++i) {
        y[at + i] = static_cast<T>(static_cast<double>(x[at + i] - most[i]) - sum[i]);
      }
    }
  });
}

template <typename T>
void ChannelHardmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
  ForEachBlock(groups, classes, positions, [&](int64_t first, int64_t width) {
    T most[kBlock];
    int64_t place[kBlock] = {};
    std::copy_n(x + first, width, most);
    for (int64_t c = 1; c < classes; ++c) {
      const T* row = x + first + c * positions;
      for (int64_t i = 0; i < width; ++i) {
        if (!(row[i] > most[i]) && !(std::isnan(row[i]) && !std::isnan(most[i]))) continue;
        most[i] = row[i];
        place[i] = c;
      }
    }
    for (int64_t c = 0; c < classes; ++c) {
      T* row = y + first + c * positions;
      for (int64_t i = 0; i < width; ++i) row[i] = T(place[i] == c ? 1 : 0);
    }
  });
}

template <typename T>
void ChannelSoftmaxGradient(const T* y, const T* dy, int64_t groups, int64_t classes,
                            int64_t positions, T* dx) {
  ForEachBlock(groups, classes, positions, [&](int64_t first, int64_t width) {
    double dot[kBlock] = {};
    for (int64_t c = 0; c < classes; ++c) {
      const int64_t at = first + c * positions;
      for (int64_t i = 0; i < width; ++i) dot[i] += static_cast<double>(y[at + i]) * dy[at + i];
    }
    for (int64_t c = 0; c < classes; ++c) {
      const int64_t at = first + c * positions;
      for (int64_t i = 0; i < width; ++i) {
        dx[at + i] = static_cast<T>(y[at + i] * (dy[at + i] - dot[i]));
      }
    }
  });
}

#define DOPPIO_CHANNEL_SOFTMAX_(T)                                          \
  template void ChannelSoftmax(const T*, int64_t, int64_t, int64_t, T*);    \
  template void ChannelLogSoftmax(const T*, int64_t, int64_t, int64_t, T*); \
  template void ChannelHardmax(const T*, int64_t, int64_t, int64_t, T*);    \
  template void ChannelSoftmaxGradient(const T*, const T*, int64_t, int64_t, int64_t, T*)
DOPPIO_CHANNEL_SOFTMAX_(float);
DOPPIO_CHANNEL_SOFTMAX_(double);
#undef DOPPIO_CHANNEL_SOFTMAX_

}  // namespace doppio
