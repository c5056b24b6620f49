#ifndef DOPPIO_OPS_IMAGE_PICTURE_CHANGES_H_
#define DOPPIO_OPS_IMAGE_PICTURE_CHANGES_H_

#include <optional>
#include <random>

#include "ops/image/picture_settings.h"

namespace doppio {

// What is drawn for one record; the same for the same seed, whichever thread draws.
using PictureRandom = std::mt19937_64;

// The box, the resized picture and what is cut out of it: writes crop x crop pixels. `picture` is
// uint8 [height, width, 1 or 3]. A box that does not lie in the picture, or is empty, is none.
absl::Status CutPicture(const Tensor& picture, const std::optional<PictureBox>& box,
                        const PictureSettings& settings, PictureRandom* random, uint8_t* out);

// Changes of colour, and then (value - mean) / std, of crop x crop pixels.
void ColorPicture(const uint8_t* pixels, int64_t channels, const PictureSettings& settings,
                  PictureRandom* random, float* out);

}  // namespace doppio

#endif  // DOPPIO_OPS_IMAGE_PICTURE_CHANGES_H_
