#ifndef DOPPIO_OPERATOR_MUTEX_H_
#define DOPPIO_OPERATOR_MUTEX_H_

#include <mutex>

namespace doppio {

// What a blob that CreateMutex makes holds. Operators take it by SharedState<Mutex>.
struct Mutex {
  std::mutex mutex;
};

// What CreateMutex's blob is called where another one is given.
constexpr char kMutexFromCreateMutex[] = "a lock that CreateMutex made";

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_MUTEX_H_
