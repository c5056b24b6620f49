#include <csetjmp>
#include <cstddef>
#include <cstdio>
// libjpeg's header needs those before it.
#include <jerror.h>
#include <jpeglib.h>

#include "src/base/run_scope.h"
#include "src/io/image_codec.h"

namespace doppio {
namespace io {
namespace {

// A progressive picture of very many scans costs a pass over all pixels for each.
constexpr int kMostScans = 200;

// Reads one picture. The two steps return false when libjpeg reported an error, or the run is to
// end: status() says which.
class JpegReader {
 public:
  explicit JpegReader(absl::string_view bytes) {
    jpeg_.err = jpeg_std_error(&errors_);
    errors_.error_exit = &JpegReader::Error;
    errors_.emit_message = &JpegReader::Warning;
    errors_.output_message = [](j_common_ptr) {};
    jpeg_.client_data = this;
    source_.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
    source_.bytes_in_buffer = bytes.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.fill_input_buffer = &JpegReader::NoMore;
    source_.skip_input_data = &JpegReader::Skip;
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.term_source = [](j_decompress_ptr) {};
    progress_.progress_monitor = &JpegReader::WatchProgress;
  }
  ~JpegReader() {
    if (is_created_) jpeg_destroy_decompress(&jpeg_);
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  absl::Status status() const {
    if (is_interrupted_) return internal::InterruptedStatus();
    return absl::DataLossError(absl::StrCat("damaged JPEG: ", message_));
  }

  bool ReadHeader() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    is_created_ = true;
    jpeg_.src = &source_;
    jpeg_.progress = &progress_;
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }
  int64_t height() const { return jpeg_.image_height; }
  int64_t width() const { return jpeg_.image_width; }
  bool IsCmyk() const {
    return jpeg_.jpeg_color_space == JCS_CMYK || jpeg_.jpeg_color_space == JCS_YCCK;
  }

  // Three bytes a pixel.
  bool ReadPixels(uint8_t* out) {
    if (setjmp(jump_) != 0) return false;
    jpeg_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = out + static_cast<size_t>(jpeg_.output_scanline) * jpeg_.output_width * 3;
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

 private:
  [[noreturn]] static void Stop(j_common_ptr jpeg, const char* message) {
    auto* reader = static_cast<JpegReader*>(jpeg->client_data);
    std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
    std::longjmp(reader->jump_, 1);
  }
  [[noreturn]] static void Error(j_common_ptr jpeg) {
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    Stop(jpeg, text);
  }
  // libjpeg goes on after these with made-up pixels, which nobody would notice. Oddities that many
  // cameras write cost no pixel.
  static void Warning(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
      case JWRN_ADOBE_XFORM:
      case JWRN_EXTRANEOUS_DATA:
      case JWRN_JFIF_MAJOR:
        return;
      default:
        Error(jpeg);
    }
  }
  static boolean NoMore(j_decompress_ptr jpeg) {
    Stop(reinterpret_cast<j_common_ptr>(jpeg), "the file ends too early");
  }
  static void Skip(j_decompress_ptr jpeg, long count) {  // NOLINT: libjpeg's type
    if (count <= 0) return;
    if (static_cast<size_t>(count) > jpeg->src->bytes_in_buffer) NoMore(jpeg);
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= static_cast<size_t>(count);
  }
  // Called for each row of blocks.
  static void WatchProgress(j_common_ptr jpeg) {
    if (!jpeg->is_decompressor) return;
    auto* reader = static_cast<JpegReader*>(jpeg->client_data);
    reader->is_interrupted_ = internal::IsInterrupted();
    if (reader->is_interrupted_) Stop(jpeg, "");
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > kMostScans) {
      Stop(jpeg, "too many scans");
    }
  }

  jpeg_decompress_struct jpeg_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_source_mgr source_ = {};
  jpeg_progress_mgr progress_ = {};
  std::jmp_buf jump_;
  bool is_created_ = false;
  bool is_interrupted_ = false;
  char message_[JMSG_LENGTH_MAX] = "";
};

}  // namespace

absl::StatusOr<Tensor> ParseJpeg(absl::string_view bytes, const Limits& limits) {
  JpegReader reader(bytes);
  if (!reader.ReadHeader()) return reader.status();
  if (reader.IsCmyk()) {
    return absl::UnimplementedError("a JPEG in CMYK; save it in RGB to use it here");
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor picture,
                          CreatePicture(reader.height(), reader.width(), 3, limits));
  if (!reader.ReadPixels(picture.mutable_data<uint8_t>())) return reader.status();
  return picture;
}

}  // namespace io
}  // namespace doppio
