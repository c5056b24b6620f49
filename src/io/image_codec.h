#ifndef DOPPIO_IO_IMAGE_CODEC_H_
#define DOPPIO_IO_IMAGE_CODEC_H_

// What the readers of the two kinds of pictures have in common. libpng and libjpeg report errors by
// longjmp, which skips destructors: functions that call setjmp own nothing, and what must be freed
// belongs to an object around them.

#include <cstdint>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {
namespace io {

inline constexpr int64_t kMaxPictureSide = int64_t{1} << 24;

absl::StatusOr<Tensor> ParsePng(absl::string_view bytes, const Limits& limits);
absl::StatusOr<Tensor> ParseJpeg(absl::string_view bytes, const Limits& limits);

// ResourceExhausted for a picture beyond the limits, or of a side that makes single rows huge.
absl::Status CheckPictureSize(int64_t height, int64_t width, int64_t channels,
                              const Limits& limits);
// The tensor for a picture whose header says this, after that check.
absl::StatusOr<Tensor> CreatePicture(int64_t height, int64_t width, int64_t channels,
                                     const Limits& limits);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_IMAGE_CODEC_H_
