#include "doppio/image.h"

#include <algorithm>

#include "doppio/proto_io.h"
#include "src/io/file.h"
#include "src/io/image_codec.h"

namespace doppio {

absl::Status io::CheckPictureSize(int64_t height, int64_t width, int64_t channels,
                                  const Limits& limits) {
  // Both formats keep sides below 2^31.
  const int64_t pixels = height * width;
  if (std::max(height, width) <= kMaxPictureSide && pixels <= limits.max_image_pixels &&
      pixels * channels <= limits.max_tensor_bytes) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("a picture of ", width, " x ", height,
                   " pixels is larger than the limits: ", limits.max_image_pixels, " pixels, ",
                   kMaxPictureSide, " in one direction, ", limits.max_tensor_bytes, " bytes"));
}

absl::StatusOr<Tensor> io::CreatePicture(int64_t height, int64_t width, int64_t channels,
                                         const Limits& limits) {
  DOPPIO_RETURN_IF_ERROR(CheckPictureSize(height, width, channels, limits));
  return Tensor::Create(DataType::kUInt8, {height, width, channels});
}

absl::StatusOr<Tensor> ParseImage(absl::string_view bytes, const Limits& limits) {
  const FileKind kind = DescribeBytes(bytes, limits).kind;
  if (kind == FileKind::kPng) return io::ParsePng(bytes, limits);
  if (kind == FileKind::kJpeg) return io::ParseJpeg(bytes, limits);
  return absl::InvalidArgumentError(
      absl::StrCat("is no picture (kind: ", FileKindName(kind), "); PNG and JPEG are read"));
}

absl::StatusOr<Tensor> LoadImage(const std::string& path, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const io::FileBytes file, io::ReadFile(path, limits));
  absl::StatusOr<Tensor> picture = ParseImage(file.view(), limits);
  if (!picture.ok()) return Annotate(picture.status(), path);
  return picture;
}

}  // namespace doppio
