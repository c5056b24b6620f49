#include "src/io/file.h"

#include <fcntl.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include "doppio/cancellation.h"
#include "src/base/huge_pages.h"
#include "src/base/run_scope.h"

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
  AskForHugePages(bytes.get(), size);
  return bytes;
}

// Reads up to `size` bytes; fewer only at the end of the file. Who writes to a pipe may take its
// time: there is no waiting in read() itself.
absl::StatusOr<size_t> ReadFully(int fd, char* out, size_t size, const std::string& path) {
  constexpr size_t kPiece = 16 << 20;
  size_t done = 0;
  while (done < size) {
    DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), path));
    pollfd readable = {fd, POLLIN, 0};
    const int is_ready = poll(&readable, 1, static_cast<int>(internal::kPollPeriod.count()));
    if (is_ready == 0 || (is_ready < 0 && errno == EINTR)) continue;
    const ssize_t count = read(fd, out + done, std::min(size - done, kPiece));
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

// Makes something new next to `path`, by `make`, which gives 0 or errno; and gives its name.
template <typename Make>
absl::StatusOr<std::string> MakeBeside(const std::string& path, const Make& make) {
  static std::atomic<int> counter{0};
  int error = EEXIST;
  for (int attempt = 0; attempt < 1000 && error == EEXIST; ++attempt) {
    std::string temporary = absl::StrCat(path, ".", getpid(), ".", counter++, ".tmp");
    error = make(temporary);
    if (error == 0) return temporary;
  }
  return ErrnoStatus(error, "cannot create a file in its folder", path);
}

// Where a path leads, links followed.
absl::StatusOr<std::string> Resolve(const std::string& path) {
  std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
  if (resolved == nullptr) return ErrnoStatus(errno, "cannot resolve", path);
  return std::string(resolved.get());
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

// Files are read, not mapped: who writes to a file that is mapped changes what was checked already,
// and who cuts it off ends the process that reads it.
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

absl::StatusOr<std::unique_ptr<NewFile>> NewFile::Create(const std::string& path) {
  std::unique_ptr<NewFile> file(new NewFile);
  file->path_ = file->target_ = path;
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "cannot write", path);
    if (!S_ISREG(info.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is a device or a pipe, which no file can replace"));
    }
    DOPPIO_ASSIGN_OR_RETURN(file->target_, Resolve(path));
    file->mode_ = info.st_mode & 07777;
  }
  DOPPIO_ASSIGN_OR_RETURN(file->temporary_, MakeBeside(file->target_, [&](const std::string& name) {
                            file->fd_ =
                                open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
                            return file->fd_ < 0 ? errno : 0;
                          }));
  return file;
}

NewFile::~NewFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status NewFile::Write(const WriteFunction& write) {
  const off_t before = lseek(fd_, 0, SEEK_END);
  if (before < 0) return ErrnoStatus(errno, "cannot write", path_);
  absl::Status status = WriteTo(fd_, path_, write);
  if (!status.ok() && ftruncate(fd_, before) != 0) {
    status = ErrnoStatus(errno, "cannot take back what was half written", path_);
  }
  return status;
}

absl::Status NewFile::Publish() {
  // Some file systems have no permissions to keep.
  if (mode_ >= 0 && fchmod(fd_, static_cast<mode_t>(mode_)) != 0 && errno != EPERM &&
      errno != ENOTSUP) {
    return ErrnoStatus(errno, "cannot keep the permissions", path_);
  }
  if (fsync(fd_) != 0) return ErrnoStatus(errno, "cannot bring to disk", path_);
  if (close(std::exchange(fd_, -1)) != 0) return ErrnoStatus(errno, "cannot close", path_);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) {
    return ErrnoStatus(errno, "cannot replace", path_);
  }
  temporary_.clear();
  SyncFolderOf(target_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<NewFolder>> NewFolder::Create(const std::string& path) {
  std::unique_ptr<NewFolder> folder(new NewFolder);
  folder->path_ = folder->target_ = path;
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    if (!S_ISDIR(info.st_mode)) return ErrnoStatus(ENOTDIR, "cannot write a folder", path);
    DOPPIO_ASSIGN_OR_RETURN(folder->target_, Resolve(path));
  }
  while (folder->target_.size() > 1 && folder->target_.back() == '/') folder->target_.pop_back();
  DOPPIO_ASSIGN_OR_RETURN(folder->temporary_,
                          MakeBeside(folder->target_, [](const std::string& name) {
                            return mkdir(name.c_str(), 0777) == 0 ? 0 : errno;
                          }));
  return folder;
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

absl::Status NewFolder::Publish() {
  SyncFolderOf(temporary_ + "/");
  const char* from = temporary_.c_str();
  const char* to = target_.c_str();
  // The plain one first: it fails where there is a folder that is not empty.
  if (rename(from, to) == 0) {
    temporary_.clear();
  } else if (errno != ENOTEMPTY && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot replace", path_);
  } else if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) != 0) {
    const std::string old = temporary_ + ".old";
    if (rename(to, old.c_str()) != 0) return ErrnoStatus(errno, "cannot replace", path_);
    if (rename(from, to) != 0) {
      const int error = errno;
      rename(old.c_str(), to);
      return ErrnoStatus(error, "cannot replace", path_);
    }
    temporary_ = old;
  }
  // Under the temporary name is now what was there before; the destructor removes it.
  SyncFolderOf(target_);
  return absl::OkStatus();
}

absl::Status WriteFile(const std::string& path, const WriteFunction& write) {
  struct stat info;
  const bool exists = stat(path.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    Descriptor descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (descriptor.get() < 0) return ErrnoStatus(errno, "cannot open", path);
    return WriteTo(descriptor.get(), path, write);
  }
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<NewFile> file, NewFile::Create(path));
  DOPPIO_RETURN_IF_ERROR(file->Write(write));
  return file->Publish();
}

absl::StatusOr<std::unique_ptr<HeldFile>> HeldFile::Hold(const std::string& path) {
  // A pipe would make it wait.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return nullptr;
    return ErrnoStatus(errno, "cannot open", path);
  }
  std::unique_ptr<HeldFile> held(new HeldFile(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::UnavailableError(absl::StrCat(path, ": somebody else is writing to it"));
    }
    return ErrnoStatus(errno, "cannot lock", path);
  }
  // Whoever had it may have put something else in its place meanwhile.
  struct stat held_info, info;
  if (fstat(fd, &held_info) != 0 || stat(path.c_str(), &info) != 0 ||
      held_info.st_dev != info.st_dev || held_info.st_ino != info.st_ino) {
    return absl::UnavailableError(absl::StrCat(path, ": somebody else is replacing it"));
  }
  return held;
}

// Processes that were forked meanwhile have the file open too, and with it what is not given up.
HeldFile::~HeldFile() {
  flock(fd_, LOCK_UN);
  close(fd_);
}

}  // namespace io
}  // namespace doppio
