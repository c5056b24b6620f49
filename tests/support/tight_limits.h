#ifndef DOPPIO_TESTS_SUPPORT_TIGHT_LIMITS_H_
#define DOPPIO_TESTS_SUPPORT_TIGHT_LIMITS_H_

#include <sys/resource.h>

#include <cstddef>

#include "doppio/tensor.h"

namespace doppio {

// While it is there, nets that nobody trusts can neither take the machine's memory nor run for
// ever: a tensor has 8 MiB at most (what is larger is refused, as the usual allocator refuses what
// is larger than the machine), all else 2 GiB, ParallelFor one thread, and after as many operators
// as were allowed a run is interrupted. One at a time.
class TightLimits {
 public:
  TightLimits();
  ~TightLimits();
  TightLimits(const TightLimits&) = delete;
  TightLimits& operator=(const TightLimits&) = delete;

  // From now on, loops included.
  void AllowOperators(int count);

 private:
  int threads_before_;
  rlimit memory_before_ = {};
};

// Reads all of a tensor, so that a sanitizer sees whether it is there.
void Touch(const Tensor& tensor);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_TIGHT_LIMITS_H_
