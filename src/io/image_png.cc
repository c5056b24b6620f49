#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "src/base/run_scope.h"
#include "src/io/image_codec.h"

namespace doppio {
namespace io {
namespace {

// Reads one picture. The steps return false when libpng reported an error, or the run is to end:
// status() says which.
class PngReader {
 public:
  explicit PngReader(absl::string_view bytes) : next_(bytes.data()), left_(bytes.size()) {
    png_ =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &PngReader::Error, &PngReader::Warning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool is_ready() const { return info_ != nullptr; }
  absl::Status status() const {
    if (is_interrupted_) return internal::InterruptedStatus();
    return absl::DataLossError(absl::StrCat("damaged PNG: ", message_));
  }

  bool ReadHeader() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, &PngReader::Read);
    // CheckPictureSize has limits of its own.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png_, info_);
    return true;
  }
  // Asks for 8 bits of red, green, blue and perhaps alpha. Allocates rows.
  bool Prepare() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_gray_to_rgb(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t channels() const { return png_get_channels(png_, info_); }

  // Reads all pixels, and what follows them, so that a file that ends too early is noticed.
  bool ReadPixels(uint8_t* out) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    const size_t row = png_get_rowbytes(png_, info_);
    const png_uint_32 rows = png_get_image_height(png_, info_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (png_uint_32 i = 0; i < rows; ++i) {
        is_interrupted_ = internal::IsInterrupted();
        if (is_interrupted_) return false;
        png_read_row(png_, out + i * row, nullptr);
      }
    }
    png_read_end(png_, nullptr);
    return true;
  }

 private:
  [[noreturn]] static void Error(png_structp png, png_const_charp message) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
    png_longjmp(png, 1);
  }
  static void Warning(png_structp, png_const_charp) {}  // of no use to who only wants the pixels

  static void Read(png_structp png, png_bytep out, size_t size) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    if (size > reader->left_) png_error(png, "the file ends too early");
    std::memcpy(out, reader->next_, size);
    reader->next_ += size;
    reader->left_ -= size;
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  const char* next_;
  size_t left_;
  int passes_ = 1;
  bool is_interrupted_ = false;
  char message_[160] = "";
};

}  // namespace

absl::StatusOr<Tensor> ParsePng(absl::string_view bytes, const Limits& limits) {
  PngReader reader(bytes);
  if (!reader.is_ready()) return absl::ResourceExhaustedError("no memory to read a PNG");
  if (!reader.ReadHeader()) return reader.status();
  DOPPIO_RETURN_IF_ERROR(CheckPictureSize(reader.height(), reader.width(), 3, limits));
  if (!reader.Prepare()) return reader.status();
  DOPPIO_ASSIGN_OR_RETURN(
      Tensor picture, CreatePicture(reader.height(), reader.width(), reader.channels(), limits));
  if (!reader.ReadPixels(picture.mutable_data<uint8_t>())) return reader.status();
  return picture;
}

}  // namespace io
}  // namespace doppio
