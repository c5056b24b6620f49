#ifndef DOPPIO_KERNEL_WINDOW_PIECES_H_
#define DOPPIO_KERNEL_WINDOW_PIECES_H_

#include <algorithm>

#include "doppio/parallel.h"
#include "src/kernel/spatial.h"

namespace doppio {

// Pieces of `lanes` channels of an image that are worth a thread.
inline int64_t PieceGrain(const SlidingWindow& window, int64_t lanes) {
  constexpr double kThreadWork = 1 << 15;  // elements of windows
  double work = static_cast<double>(lanes);
  for (size_t d = 0; d < 3; ++d) {
    work *= static_cast<double>(window.out[d]) * static_cast<double>(window.kernel[d]);
  }
  return static_cast<int64_t>(std::max(1.0, kThreadWork / work));
}

// Shares out among threads what a window makes of every channel of its own, in pieces that have
// nothing in common: an image of one channel, or of some where channels are neighbours in both
// tensors. Calls f(x offset, y offset, lanes), where X are the images and `y` has a place in each
// of Y's images and channels.
template <typename F>
void ForEachPiece(const SlidingWindow& window, int64_t channels, const ImageStrides& x,
                  const ImageStrides& y, F&& f) {
  constexpr int64_t kLanes = 64;  // channels, where they are neighbours
  const int64_t lanes = x.inner == 1 && y.inner == 1 ? std::min(kLanes, channels) : 1;
  const int64_t pieces = (channels - 1) / lanes + 1;
  ParallelFor(window.batch * pieces, PieceGrain(window, lanes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / pieces;
      const int64_t channel = i % pieces * lanes;
      f(image * x.outer + channel * x.inner, image * y.outer + channel * y.inner,
        std::min(lanes, channels - channel));
    }
  });
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_WINDOW_PIECES_H_
