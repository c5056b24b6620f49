#ifndef DOPPIO_IO_SHARED_HANDLES_H_
#define DOPPIO_IO_SHARED_HANDLES_H_

// Libraries of databases open a database once in a process. Those who want the same one share it.

#include <sys/stat.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

template <typename Handle>
class SharedHandles {
 public:
  // The handle of the database in which `file` is, which must be there, opened where nobody has it.
  absl::StatusOr<std::shared_ptr<Handle>> Get(
      const std::string& file,
      const std::function<absl::StatusOr<std::shared_ptr<Handle>>()>& open) {
    absl::MutexLock lock(&mutex_);
    std::weak_ptr<Handle>& known = handles_[KeyOf(file)];
    std::shared_ptr<Handle> handle = known.lock();
    if (handle == nullptr) {
      DOPPIO_ASSIGN_OR_RETURN(handle, open());
      known = handle;
    }
    return handle;
  }

 private:
  using Key = std::pair<dev_t, ino_t>;

  // The file itself: under the same path may be another database by now.
  static Key KeyOf(const std::string& file) {
    struct stat info = {};
    stat(file.c_str(), &info);
    return {info.st_dev, info.st_ino};
  }

  absl::Mutex mutex_;
  std::map<Key, std::weak_ptr<Handle>> handles_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_SHARED_HANDLES_H_
