#ifndef DOPPIO_IO_SHARED_HANDLES_H_
#define DOPPIO_IO_SHARED_HANDLES_H_

// Libraries of databases open a database once in a process. Those who want the same one share it.

#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "absl/synchronization/mutex.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

template <typename Handle>
class SharedHandles {
 public:
  // The handle of a database, opened where nobody has it. `file` is one of its files, which is
  // there and kept open as long as a handle is.
  absl::StatusOr<std::shared_ptr<Handle>> Get(
      const std::string& file,
      const std::function<absl::StatusOr<std::shared_ptr<Handle>>()>& open) {
    absl::MutexLock lock(&mutex_);
    for (auto known = handles_.begin(); known != handles_.end();) {
      known = known->second.expired() ? handles_.erase(known) : std::next(known);
    }
    if (const std::optional<Key> key = KeyOf(file)) {
      const auto known = handles_.find(*key);
      std::shared_ptr<Handle> handle = known == handles_.end() ? nullptr : known->second.lock();
      if (handle != nullptr) return handle;
    }
    DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<Handle> handle, open());
    if (const std::optional<Key> key = KeyOf(file)) handles_[*key] = handle;
    return handle;
  }

 private:
  // The file itself: under the same path may be another database by now. A process that was forked
  // has no part in what its parent opened.
  using Key = std::tuple<pid_t, dev_t, ino_t>;

  static std::optional<Key> KeyOf(const std::string& file) {
    struct stat info = {};
    if (stat(file.c_str(), &info) != 0) return std::nullopt;
    return Key(getpid(), info.st_dev, info.st_ino);
  }

  absl::Mutex mutex_;
  std::map<Key, std::weak_ptr<Handle>> handles_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_SHARED_HANDLES_H_
