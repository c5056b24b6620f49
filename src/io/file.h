#ifndef DOPPIO_IO_FILE_H_
#define DOPPIO_IO_FILE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/status.h"

namespace google {
namespace protobuf {
namespace io {
class ZeroCopyOutputStream;
}  // namespace io
}  // namespace protobuf
}  // namespace google

namespace doppio {
namespace io {

// The bytes of a whole file.
struct FileBytes {
  std::unique_ptr<char[]> data;
  size_t size = 0;

  absl::string_view view() const { return {data.get(), size}; }
};

// Reads a file of at most limits.max_file_bytes. Pipes and devices are read up to their end.
absl::StatusOr<FileBytes> ReadFile(const std::string& path, const Limits& limits);

// Writes all bytes; DataLoss when the stream takes no more.
absl::Status WriteBytes(absl::string_view bytes, google::protobuf::io::ZeroCopyOutputStream* out);

using WriteFunction = std::function<absl::Status(google::protobuf::io::ZeroCopyOutputStream*)>;

// Makes `write` write to a temporary file in the folder of `path`, then brings it to disk and
// renames it, so that a file at `path` is never half written. A link is followed, and an existing
// file's permissions are kept. Pipes and devices are written directly.
absl::Status WriteFile(const std::string& path, const WriteFunction& write);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_FILE_H_
