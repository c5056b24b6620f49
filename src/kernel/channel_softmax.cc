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

}  // namespace

template <typename T>
void ChannelSoftmax(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
  ForEachBlock(groups, classes, positions, [&](int64_t first, int64_t width) {
    T most[kBlock];
    double sum[kBlock] = {};
    std::copy_n(x + first, width, most);
    for (int64_t c = 1; c < classes; ++c) {
      const T* row = x + first + c * positions;
      for (int64_t i = 0; i < width; ++i) most[i] = std::max(most[i], row[i]);
    }
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

template void ChannelSoftmax(const float*, int64_t, int64_t, int64_t, float*);
template void ChannelSoftmax(const double*, int64_t, int64_t, int64_t, double*);
template void ChannelSoftmaxGradient(const float*, const float*, int64_t, int64_t, int64_t, float*);
template void ChannelSoftmaxGradient(const double*, const double*, int64_t, int64_t, int64_t,
                                     double*);

}  // namespace doppio
