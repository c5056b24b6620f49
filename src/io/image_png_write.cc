#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>

#include "doppio/image.h"
#include "src/io/file.h"

namespace doppio {
namespace {

using Stream = google::protobuf::io::ZeroCopyOutputStream;

// Writes one picture; see PngReader for the rules about setjmp.
class PngWriter {
 public:
  explicit PngWriter(Stream* out) : out_(out) {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, &PngWriter::Error,
                                   &PngWriter::Warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  bool is_ready() const { return info_ != nullptr; }
  const char* message() const { return message_; }
  const absl::Status& stream_status() const { return stream_status_; }

  bool Write(const uint8_t* pixels, png_uint_32 height, png_uint_32 width, int channels) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_write_fn(png_, this, &PngWriter::WriteBytes, nullptr);
    png_set_IHDR(png_, info_, width, height, 8,
                 channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    const size_t row = static_cast<size_t>(width) * static_cast<size_t>(channels);
    for (png_uint_32 i = 0; i < height; ++i) png_write_row(png_, pixels + i * row);
    png_write_end(png_, info_);
    return true;
  }

 private:
  [[noreturn]] static void Error(png_structp png, png_const_charp message) {
    auto* writer = static_cast<PngWriter*>(png_get_error_ptr(png));
    std::snprintf(writer->message_, sizeof(writer->message_), "%s", message);
    png_longjmp(png, 1);
  }
  static void Warning(png_structp, png_const_charp) {}

  static void WriteBytes(png_structp png, png_bytep bytes, size_t size) {
    auto* writer = static_cast<PngWriter*>(png_get_io_ptr(png));
    writer->stream_status_.Update(io::WriteBytes(
        absl::string_view(reinterpret_cast<const char*>(bytes), size), writer->out_));
    if (!writer->stream_status_.ok()) png_error(png, "cannot write");
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  Stream* out_;
  absl::Status stream_status_;
  char message_[160] = "";
};

// What the format allows for a side.
constexpr int64_t kMostPixels = PNG_UINT_31_MAX;

absl::Status WritePng(const Tensor& picture, Stream* out) {
  const bool fits = picture.Is<uint8_t>() && picture.rank() == 3 &&
                    (picture.dim(2) == 3 || picture.dim(2) == 4) && picture.numel() > 0 &&
                    picture.dim(0) <= kMostPixels && picture.dim(1) <= kMostPixels;
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a picture is uint8 [height, width, 3 or 4], but this is ", picture.TypeAndShape()));
  }
  PngWriter writer(out);
  if (!writer.is_ready()) return absl::ResourceExhaustedError("no memory to write a PNG");
  if (writer.Write(picture.data<uint8_t>(), static_cast<png_uint_32>(picture.dim(0)),
                   static_cast<png_uint_32>(picture.dim(1)), static_cast<int>(picture.dim(2)))) {
    return absl::OkStatus();
  }
  if (!writer.stream_status().ok()) return writer.stream_status();
  // A side that libpng's own limits refuse, or no memory.
  return absl::ResourceExhaustedError(absl::StrCat("cannot make a PNG: ", writer.message()));
}

}  // namespace

absl::Status SavePng(const Tensor& picture, const std::string& path) {
  return io::WriteFile(path, [&](Stream* out) { return WritePng(picture, out); });
}

absl::StatusOr<std::string> FormatPng(const Tensor& picture) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream out(&bytes);
    DOPPIO_RETURN_IF_ERROR(WritePng(picture, &out));
  }
  return bytes;
}

}  // namespace doppio
