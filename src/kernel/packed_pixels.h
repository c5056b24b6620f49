#ifndef DOPPIO_KERNEL_PACKED_PIXELS_H_
#define DOPPIO_KERNEL_PACKED_PIXELS_H_

// Between pixels of four bytes and planes of floats. `pixels` is the number of pixels of one image.

#include <cstdint>

#include "doppio/context.h"

namespace doppio {

// Noise that is added to the planes: at pixel i, channel c gets noise[c][i % period].
struct PlaneNoise {
  const float* channel[3];
  int64_t period;  // 0: none
};

// y[n, c, i] = x[n, i, c] - mean[c] + noise, for the first three of the four bytes.
void UnpackPixels(const uint8_t* x, int64_t count, int64_t pixels, const float mean[3],
                  const PlaneNoise& noise, float* y, CPUContext* context);

// y[n, i, c] = x[n, c, i] + mean[c] for three channels, cut off to [0, 255] and to whole numbers
// (NaN: 0); the fourth is 255.
void PackPixels(const float* x, int64_t count, int64_t pixels, const float mean[3], uint8_t* y,
                CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_PACKED_PIXELS_H_
