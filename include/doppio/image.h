#ifndef DOPPIO_IMAGE_H_
#define DOPPIO_IMAGE_H_

// Pictures in files: PNG and JPEG.
//
//   absl::StatusOr<Tensor> picture = LoadImage("cat.jpg");  // uint8 [height, width, 3]
//   absl::Status saved = SavePng(*picture, "cat.png");
//
// A picture is a tensor of uint8 [height, width, 3], red, green and blue, or [height, width, 4]
// where there is alpha too. Gray pictures and palettes become red, green and blue; 16 bits become
// 8. Values are those of the file: gamma, colour profiles and the orientation that cameras note are
// not applied. How a picture becomes an input of a net: image_recipe.h.
//
// Files are not trusted: see proto_io.h for what errors mean. A picture of more than
// limits.max_image_pixels is refused before anything is allocated for it. JPEGs in CMYK are
// Unimplemented.
//
// Threads: all functions may be called from many at once.

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// The content decides which of the two it is.
absl::StatusOr<Tensor> LoadImage(const std::string& path, const Limits& limits = {});
absl::StatusOr<Tensor> ParseImage(absl::string_view bytes, const Limits& limits = {});

// Writes a picture, or replaces it, in one step, as SaveProto does; InvalidArgument for a tensor
// that is none.
absl::Status SavePng(const Tensor& picture, const std::string& path);
absl::StatusOr<std::string> FormatPng(const Tensor& picture);

}  // namespace doppio

#endif  // DOPPIO_IMAGE_H_
