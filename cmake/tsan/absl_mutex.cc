// Tells ThreadSanitizer of absl's mutexes. Debian's absl is not compiled for it, so that it would
// see no lock where one is, and races where none are.
//
// The linker leads calls of absl::Mutex here (cmake/DoppioSanitizer.cmake, from where the names
// come).

#include <sanitizer/tsan_interface.h>

namespace {
// Nobody announces a mutex: it is one from the first lock on.
constexpr unsigned kWrite = __tsan_mutex_linker_init;
constexpr unsigned kRead = __tsan_mutex_linker_init | __tsan_mutex_read_lock;
}  // namespace

#define REAL(name) asm("__real_" name)
#define WRAPPED(name) asm("__wrap_" name)

void RealLock(void* mutex) REAL(DOPPIO_MUTEX_LOCK);
void RealUnlock(void* mutex) REAL(DOPPIO_MUTEX_UNLOCK);
void RealReaderLock(void* mutex) REAL(DOPPIO_MUTEX_READER_LOCK);
void RealReaderUnlock(void* mutex) REAL(DOPPIO_MUTEX_READER_UNLOCK);
void RealDestroy(void* mutex) REAL(DOPPIO_MUTEX_DESTROY);

void Lock(void* mutex) WRAPPED(DOPPIO_MUTEX_LOCK);
void Lock(void* mutex) {
  __tsan_mutex_pre_lock(mutex, kWrite);
  RealLock(mutex);
  __tsan_mutex_post_lock(mutex, kWrite, 0);
}

void Unlock(void* mutex) WRAPPED(DOPPIO_MUTEX_UNLOCK);
void Unlock(void* mutex) {
  __tsan_mutex_pre_unlock(mutex, kWrite);
  RealUnlock(mutex);
  __tsan_mutex_post_unlock(mutex, kWrite);
}

void ReaderLock(void* mutex) WRAPPED(DOPPIO_MUTEX_READER_LOCK);
void ReaderLock(void* mutex) {
  __tsan_mutex_pre_lock(mutex, kRead);
  RealReaderLock(mutex);
  __tsan_mutex_post_lock(mutex, kRead, 0);
}

void ReaderUnlock(void* mutex) WRAPPED(DOPPIO_MUTEX_READER_UNLOCK);
void ReaderUnlock(void* mutex) {
  __tsan_mutex_pre_unlock(mutex, kRead);
  RealReaderUnlock(mutex);
  __tsan_mutex_post_unlock(mutex, kRead);
}

void Destroy(void* mutex) WRAPPED(DOPPIO_MUTEX_DESTROY);
void Destroy(void* mutex) {
  __tsan_mutex_destroy(mutex, kWrite);
  RealDestroy(mutex);
}
