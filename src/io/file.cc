#include "src/io/file.h"

#include <fcntl.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace doppio {
namespace io {
namespace {

absl::Status ErrnoStatus(int error, absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat(path, ": ", what));
}

absl::Status TooLarge(const std::string& path, const Limits& limits) {
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": larger than the limit of ", limits.max_file_bytes, " bytes"));
}

// Closes what it opened, for the ways out on which an error of close() does not matter.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  int Close() { return fd_ < 0 ? 0 : close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

absl::StatusOr<std::unique_ptr<char[]>> AllocateBytes(size_t size, const std::string& path) {
  std::unique_ptr<char[]> bytes(new (std::nothrow) char[std::max<size_t>(size, 1)]);
  if (bytes == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": no memory for ", size, " bytes"));
  }
  return bytes;
}

// Reads up to `size` bytes; fewer only at the end of the file.
absl::StatusOr<size_t> ReadFully(int fd, char* out, size_t size, const std::string& path) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = read(fd, out + done, size - done);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "cannot read", path);
    }
    done += static_cast<size_t>(count);
  }
  return done;
}

absl::StatusOr<FileBytes> ReadStream(int fd, const std::string& path, const Limits& limits) {
  FileBytes file;
  size_t capacity = 1 << 16;
  DOPPIO_ASSIGN_OR_RETURN(file.data, AllocateBytes(capacity, path));
  while (true) {
    DOPPIO_ASSIGN_OR_RETURN(const size_t count,
                            ReadFully(fd, file.data.get() + file.size, capacity - file.size, path));
    file.size += count;
    if (static_cast<int64_t>(file.size) > limits.max_file_bytes) return TooLarge(path, limits);
    if (file.size < capacity) return file;
    capacity *= 2;
    DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<char[]> larger, AllocateBytes(capacity, path));
    std::memcpy(larger.get(), file.data.get(), file.size);
    file.data = std::move(larger);
  }
}

absl::Status WriteTo(int fd, const std::string& path, const WriteFunction& write) {
  google::protobuf::io::FileOutputStream stream(fd, 1 << 18);
  const absl::Status status = write(&stream);
  const bool flushed = stream.Flush();
  if (stream.GetErrno() != 0) return ErrnoStatus(stream.GetErrno(), "cannot write", path);
  if (!status.ok()) return Annotate(status, path);
  if (!flushed) return absl::DataLossError(absl::StrCat(path, ": cannot write"));
  return absl::OkStatus();
}

// Opens a new file next to `path` and gives its name.
absl::StatusOr<int> OpenTemporary(const std::string& path, std::string* temporary) {
  static std::atomic<int> counter{0};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    *temporary = absl::StrCat(path, ".", getpid(), ".", counter++, ".tmp");
    const int fd = open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fd;
    if (errno != EEXIST) break;
  }
  return ErrnoStatus(errno, "cannot create a file in its folder", path);
}

absl::Status WriteTemporary(int fd, const std::string& path, const struct stat* existing,
                            const WriteFunction& write) {
  Descriptor descriptor(fd);
  DOPPIO_RETURN_IF_ERROR(WriteTo(fd, path, write));
  // Some file systems have no permissions to keep.
  if (existing != nullptr && fchmod(fd, existing->st_mode & 07777) != 0 && errno != EPERM &&
      errno != ENOTSUP) {
    return ErrnoStatus(errno, "cannot keep the permissions", path);
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "cannot bring to disk", path);
  if (descriptor.Close() != 0) return ErrnoStatus(errno, "cannot close", path);
  return absl::OkStatus();
}

// The rename itself is on disk only when the folder is. Some file systems cannot do that; the file
// is complete all the same.
void SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Descriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() >= 0) fsync(descriptor.get());
}

}  // namespace

absl::StatusOr<FileBytes> ReadFile(const std::string& path, const Limits& limits) {
  Descriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (descriptor.get() < 0 || fstat(descriptor.get(), &info) != 0) {
    return ErrnoStatus(errno, "cannot open", path);
  }
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "cannot read", path);
  if (!S_ISREG(info.st_mode)) return ReadStream(descriptor.get(), path, limits);
  if (info.st_size > limits.max_file_bytes) return TooLarge(path, limits);
  // Files of /proc and the like claim to be empty.
  if (info.st_size == 0) return ReadStream(descriptor.get(), path, limits);
  FileBytes file;
  const size_t size = static_cast<size_t>(info.st_size);
  DOPPIO_ASSIGN_OR_RETURN(file.data, AllocateBytes(size, path));
  DOPPIO_ASSIGN_OR_RETURN(file.size, ReadFully(descriptor.get(), file.data.get(), size, path));
  return file;
}

absl::Status WriteBytes(absl::string_view bytes, google::protobuf::io::ZeroCopyOutputStream* out) {
  while (!bytes.empty()) {
    void* space;
    int size;
    if (!out->Next(&space, &size)) return absl::DataLossError("cannot write");
    const size_t count = std::min(bytes.size(), static_cast<size_t>(size));
    std::memcpy(space, bytes.data(), count);
    bytes.remove_prefix(count);
    if (count < static_cast<size_t>(size)) out->BackUp(size - static_cast<int>(count));
  }
  return absl::OkStatus();
}

absl::Status WriteFile(const std::string& path, const WriteFunction& write) {
  struct stat info;
  const bool exists = stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "cannot write", path);
  if (exists && !S_ISREG(info.st_mode)) {
    Descriptor descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (descriptor.get() < 0) return ErrnoStatus(errno, "cannot open", path);
    return WriteTo(descriptor.get(), path, write);
  }
  std::string target = path;
  if (exists) {
    std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
    if (resolved == nullptr) return ErrnoStatus(errno, "cannot resolve", path);
    target = resolved.get();
  }
  std::string temporary;
  DOPPIO_ASSIGN_OR_RETURN(const int fd, OpenTemporary(target, &temporary));
  absl::Status status = WriteTemporary(fd, path, exists ? &info : nullptr, write);
  if (status.ok() && rename(temporary.c_str(), target.c_str()) != 0) {
    status = ErrnoStatus(errno, "cannot replace", path);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  SyncFolderOf(target);
  return absl::OkStatus();
}

}  // namespace io
}  // namespace doppio
