#ifndef DOPPIO_OPS_UPDATE_MUTEX_H_
#define DOPPIO_OPS_UPDATE_MUTEX_H_

#include <mutex>

namespace doppio {

// What a blob that CreateMutex makes holds.
struct Mutex {
  mutable std::mutex mutex;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_UPDATE_MUTEX_H_
