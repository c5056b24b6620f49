#ifndef DOPPIO_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
#define DOPPIO_TESTS_SUPPORT_ALLOCATION_COUNTER_H_

// Counts what is allocated, for tests that say "this allocates nothing". A program that includes
// this gets its own operator new.

#include <cstdint>

#include "doppio/allocator.h"

namespace doppio {

// Calls of operator new in this process so far, in all threads.
int64_t OperatorNewCalls();

// Counts from when it is made: calls of operator new, and of the allocator of tensors.
class AllocationCounter {
 public:
  AllocationCounter()
      : news_before_(OperatorNewCalls()), tensors_before_(GetMemoryStats().allocations) {}

  int64_t count() const { return OperatorNewCalls() - news_before_ + tensor_count(); }
  // Of the allocator of tensors alone.
  int64_t tensor_count() const { return GetMemoryStats().allocations - tensors_before_; }

 private:
  int64_t news_before_;
  int64_t tensors_before_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
