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

// A new file that takes its path, and the place of the file that is there, when it is complete.
// It is written beside it; a link is followed, and an existing file's permissions are kept. Devices
// and pipes are refused. Errors name the path.
class NewFile {
 public:
  static absl::StatusOr<std::unique_ptr<NewFile>> Create(const std::string& path);
  // Removes what was not published.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Adds what `write` writes, or, after an error, nothing.
  absl::Status Write(const WriteFunction& write);
  // Brings what was written to disk and renames it. Nothing can be written afterwards.
  absl::Status Publish();

 private:
  NewFile() = default;

  int fd_ = -1;
  std::string path_;
  std::string target_;  // where links lead
  std::string temporary_;
  int mode_ = -1;  // permissions to keep
};

// The same for a folder with what is in it. A folder that is there is exchanged for the new one and
// then removed; where the file system cannot exchange, there is none of that name for a moment.
class NewFolder {
 public:
  static absl::StatusOr<std::unique_ptr<NewFolder>> Create(const std::string& path);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  // Where to write.
  const std::string& temporary() const { return temporary_; }
  // What is in the folder must be on disk.
  absl::Status Publish();

 private:
  NewFolder() = default;

  std::string path_;
  std::string target_;
  std::string temporary_;
};

// Makes `write` write to a temporary file in the folder of `path`, then brings it to disk and
// renames it, so that a file at `path` is never half written. A link is followed, and an existing
// file's permissions are kept. Pipes and devices are written directly.
absl::Status WriteFile(const std::string& path, const WriteFunction& write);

// Holds a file or folder that is there against others who hold it so, in this process and others,
// until it is dropped. Unavailable, at once, when somebody has it; null when there is nothing at
// the path.
class HeldFile {
 public:
  static absl::StatusOr<std::unique_ptr<HeldFile>> Hold(const std::string& path);
  ~HeldFile();
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

 private:
  explicit HeldFile(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_FILE_H_
