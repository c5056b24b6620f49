#include "tests/support/allocation_counter.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> operator_new_calls{0};

void* Count(void* pointer) {
  operator_new_calls.fetch_add(1, std::memory_order_relaxed);
  // As without memory nothing can be tested, the null is not thrown.
  if (pointer == nullptr) std::abort();
  return pointer;
}

void* CountedNew(std::size_t bytes) { return Count(std::malloc(bytes == 0 ? 1 : bytes)); }

void* CountedAlignedNew(std::size_t bytes, std::align_val_t alignment) {
  const std::size_t unit = static_cast<std::size_t>(alignment);
  return Count(std::aligned_alloc(unit, (bytes / unit + 1) * unit));
}

}  // namespace

namespace doppio {
int64_t OperatorNewCalls() { return operator_new_calls.load(std::memory_order_relaxed); }
}  // namespace doppio

// All forms, also those that the library defines by others: a sanitizer brings its own of each.
void* operator new(std::size_t bytes) { return CountedNew(bytes); }
void* operator new[](std::size_t bytes) { return CountedNew(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return CountedNew(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return CountedNew(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return CountedAlignedNew(bytes, alignment);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return CountedAlignedNew(bytes, alignment);
}
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete[](void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { std::free(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { std::free(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { std::free(pointer); }
void operator delete[](void* pointer, const std::nothrow_t&) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { std::free(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept { std::free(pointer); }
void operator delete[](void* pointer, std::size_t, std::align_val_t) noexcept {
  std::free(pointer);
}
