#include "tools/command/pipe.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace doppio::tools {
namespace {

// The descriptor that a path stands for, or -1.
int DescriptorOf(absl::string_view path) {
  if (path == "/dev/stdin") return STDIN_FILENO;
  int fd = -1;
  if (!absl::ConsumePrefix(&path, "/dev/fd/") && !absl::ConsumePrefix(&path, "/proc/self/fd/")) {
    return -1;
  }
  return absl::SimpleAtoi(path, &fd) ? fd : -1;
}

absl::Status Copy(int from, std::FILE* to, const std::string& path) {
  char bytes[1 << 16];
  while (true) {
    const ssize_t count = read(from, bytes, sizeof(bytes));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, path + ": cannot read");
    if (std::fwrite(bytes, 1, static_cast<size_t>(count), to) != static_cast<size_t>(count)) break;
  }
  if (std::fflush(to) == 0 && std::ferror(to) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, path + ": cannot keep what the pipe holds");
}

}  // namespace

absl::Status KeepPipe(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) {
    return absl::OkStatus();  // who reads it will say what is wrong
  }
  const int fd = DescriptorOf(path);
  if (fd < 0) {
    if (!S_ISFIFO(info.st_mode)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": a named pipe can be read only once; write /dev/stdin for it, and < ", path));
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  if (file == nullptr)
    return absl::ErrnoToStatus(errno, path + ": cannot keep what the pipe holds");
  DOPPIO_RETURN_IF_ERROR(Copy(fd, file.get(), path));
  if (dup2(fileno(file.get()), fd) >= 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, path + ": cannot keep what the pipe holds");
}

}  // namespace doppio::tools
