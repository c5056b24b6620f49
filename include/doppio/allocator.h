#ifndef DOPPIO_ALLOCATOR_H_
#define DOPPIO_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>

namespace doppio {

// Where the storage of tensors comes from. Every function may be called from many threads at once.
class Allocator {
 public:
  virtual ~Allocator() = default;
  // At least `bytes` bytes at an address that is a multiple of 64, or null when there is no memory.
  virtual void* Allocate(size_t bytes) = 0;
  virtual void Free(void* pointer, size_t bytes) = 0;
};

// The allocator of this process. The default one asks the kernel for huge pages from 2 MiB on and
// refuses what is larger than the machine's memory.
Allocator* GetAllocator();

// For tests that make allocation fail and for hosts with a memory pool of their own; null brings
// the default back. What was allocated before is freed by the allocator that made it. Not while
// nets run.
void SetAllocator(Allocator* allocator);

// From now on, storage that would bring the bytes of this process above `bytes` is refused as where
// there is no memory: ResourceExhausted, before anything is allocated. What is held already stays,
// even where it is more. Storage of others (arrays of Python, mapped files) and what is no tensor
// does not count. At any time, from any thread.
void SetMemoryLimit(int64_t bytes);
// INT64_MAX unless it was set.
int64_t MemoryLimit();

// Bytes of tensor storage in this process, counted over all allocators.
struct MemoryStats {
  int64_t live_bytes = 0;
  int64_t peak_bytes = 0;   // since the start or the last ResetPeakMemory()
  int64_t allocations = 0;  // calls so far
};
MemoryStats GetMemoryStats();
void ResetPeakMemory();

}  // namespace doppio

#endif  // DOPPIO_ALLOCATOR_H_
