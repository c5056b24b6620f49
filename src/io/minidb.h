#ifndef DOPPIO_IO_MINIDB_H_
#define DOPPIO_IO_MINIDB_H_

// Caffe2's own database, `minidb`: records one after the other, each of the length of its key and
// of its value (int32, little-endian), the key and the value. What Save writes into one is a
// message BlobProto per record, under the keys that SerializeBlob makes.

#include <google/protobuf/io/zero_copy_stream.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// Reads a database record by record, so that no more than one is in memory.
class MiniDbReader {
 public:
  // Errors name the path.
  static absl::StatusOr<MiniDbReader> Open(const std::string& path, const Limits& limits);

  // The next record, or false at the end. DataLoss for lengths that can not be and for a record
  // that is cut off; ResourceExhausted for one of more than limits.max_file_bytes.
  absl::StatusOr<bool> Next(std::string* key, std::string* value);

  // Back to the first record.
  absl::Status Rewind();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  absl::Status Read(size_t bytes, std::string* out);
  absl::Status Failed(absl::string_view what) const;

  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  Limits limits_;
  int64_t record_ = 0;
};

// Whether a record is of a blob that is called like its key. The first 4 KiB of the value suffice.
bool IsBlobRecord(absl::string_view key, absl::string_view value);
// Whether data begins as a database of blobs does: with a record of a blob that is called like its
// key. The first 4 KiB of a file suffice.
bool IsMiniDb(absl::string_view bytes);
// The same for a database of examples, whose values are TensorProtos.
bool IsDataMiniDb(absl::string_view bytes);
// Whether data begins with a record that has its place in a file of that many bytes. So may other
// data.
bool BeginsWithRecord(absl::string_view bytes, int64_t file_bytes);
// IsMiniDb of a file; false for one that can not be read, and for pipes.
bool IsMiniDbFile(const std::string& path);

absl::Status WriteMiniDbRecord(absl::string_view key, absl::string_view value,
                               google::protobuf::io::ZeroCopyOutputStream* out);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_MINIDB_H_
