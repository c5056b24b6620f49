#ifndef DOPPIO_KERNEL_WINOGRAD_H_
#define DOPPIO_KERNEL_WINOGRAD_H_

// Convolutions of 3 x 3 taps and stride 1 by Winograd's algorithm (Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks", 2015): 36 multiplications for 4 x 4 places of the result,
// which have 144 taps. The image is cut into tiles of 6 x 6 that overlap; tiles and filters are
// transformed, multiplied number by number and summed over the channels, and the sums transformed
// back.
//
// Images are stored [batch, channels / 8, rows, columns, 8].
//
// The rounding error of a place is relative to the largest numbers of its tile, not to those under
// its window. Numbers that are not finite come out where the windows put them: a tile of places
// with such a number in it is computed tap by tap.

#include <cstdint>

#include "doppio/context.h"
#include "src/kernel/convolution_ending.h"

namespace doppio {

inline constexpr int64_t kWinogradLanes = 8;

struct WinogradConvolution {
  int64_t batch = 1;
  int64_t groups = 1;
  int64_t inputs = 0;   // channels of a group, a multiple of kWinogradLanes
  int64_t outputs = 0;  // likewise
  int64_t in_rows = 0;
  int64_t in_columns = 0;
  int64_t out_rows = 0;
  int64_t out_columns = 0;
  int64_t pad_top = 0;
  int64_t pad_left = 0;

  int64_t in_channels() const { return groups * inputs; }
  int64_t out_channels() const { return groups * outputs; }
};

// The tiles of the result: how often each number of the filters is used.
int64_t WinogradTiles(const WinogradConvolution& shape);

// Filters w [groups * outputs, inputs, 3, 3].
struct WinogradFilterShape {
  int64_t groups = 1;
  int64_t outputs = 0;
  int64_t inputs = 0;
};
// The number of floats in transformed filters.
int64_t WinogradFilterSize(const WinogradFilterShape& shape);
void TransformWinogradFilters(const WinogradFilterShape& shape, const float* w, float* to,
                              CPUContext* context);

// The filters as they are, transformed, and the bias, which may be null.
struct WinogradFilters {
  const float* w;
  const float* transformed;
  const float* bias;
};

// How many pieces so many threads should cut the work into. Each has tiles of its own, so that a
// thread multiplies what it has transformed; where there are too few tiles it is one, which
// the threads share.
int64_t WinogradPieces(const WinogradConvolution& shape, int threads);
// The number of floats that ConvolveWinograd needs as `room`.
int64_t WinogradRoomSize(const WinogradConvolution& shape, int64_t pieces);
// `room`, the transformed filters and y begin at multiples of 32 bytes. The bits depend neither on
// the number of pieces nor on that of threads.
void ConvolveWinograd(const WinogradConvolution& shape, const float* x,
                      const WinogradFilters& filters, const ConvolutionEnding& ending,
                      int64_t pieces, float* room, float* y, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_WINOGRAD_H_
