#ifndef DOPPIO_OPERATOR_MUTEX_H_
#define DOPPIO_OPERATOR_MUTEX_H_

#include <mutex>

namespace doppio {

// What a blob that CreateMutex makes holds; operators of several families hold the lock.
struct Mutex {
  mutable std::mutex mutex;
};

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_MUTEX_H_
