#ifndef DOPPIO_IO_PIECE_STREAM_H_
#define DOPPIO_IO_PIECE_STREAM_H_

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/string_view.h"
#include "doppio/cancellation.h"

namespace doppio {
namespace io {

// How much is read between two questions whether to go on.
constexpr int kPieceBytes = 4 << 20;

// Bytes for protobuf's readers, which are told that they end when the run is to end
// (doppio/cancellation.h). What was read of them is good for nothing where `status` says so.
class PieceStream final : public google::protobuf::io::ZeroCopyInputStream {
 public:
  // At most 2 GiB.
  explicit PieceStream(absl::string_view bytes)
      : bytes_(bytes.data(), static_cast<int>(bytes.size()), kPieceBytes) {}

  // OK, or why not all of them were read.
  const absl::Status& status() const { return status_; }

  bool Next(const void** data, int* size) override {
    if (status_.ok()) status_ = CancellationStatus();
    return status_.ok() && bytes_.Next(data, size);
  }
  void BackUp(int count) override { bytes_.BackUp(count); }
  bool Skip(int count) override { return bytes_.Skip(count); }
  int64_t ByteCount() const override { return bytes_.ByteCount(); }

 private:
  google::protobuf::io::ArrayInputStream bytes_;
  absl::Status status_;
};

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_PIECE_STREAM_H_
