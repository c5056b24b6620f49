#ifndef DOPPIO_PYTHON_CORE_CANCELLATION_H_
#define DOPPIO_PYTHON_CORE_CANCELLATION_H_

#include <memory>
#include <vector>

#include "doppio/cancellation.h"

namespace doppio::python {

// The scopes of the `with` blocks of doppio.Cancellation that Python is in, for one call of C++.
// They are not held between calls, since the blocks of generators need not end in their order. Made
// with the interpreter's lock held.
class ActiveCancellations {
 public:
  ActiveCancellations();
  ~ActiveCancellations();
  ActiveCancellations(const ActiveCancellations&) = delete;
  ActiveCancellations& operator=(const ActiveCancellations&) = delete;

 private:
  std::vector<std::unique_ptr<CancellationScope>> scopes_;
};

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_CANCELLATION_H_
