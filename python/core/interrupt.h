#ifndef DOPPIO_PYTHON_CORE_INTERRUPT_H_
#define DOPPIO_PYTHON_CORE_INTERRUPT_H_

#include <pybind11/pybind11.h>

#include "python/core/cancellation.h"
#include "python/core/ending.h"
#include "python/core/errors.h"
#include "python/core/release.h"

namespace doppio::python {

// Has runs ask Python, from the main thread, for signals.
void InstallInterruptPoll();

// Calls `work`, which gives a Status or StatusOr, without the interpreter's lock, until a
// doppio.Cancellation ends it, and raises what went wrong, in doppio or in Python (Ctrl-C).
template <typename Work>
auto RunUnlocked(Work&& work) {
  ReleaseLater();
  const ActiveCancellations cancellations;
  auto result = [&] {
    const UnlockedScope unlocked;
    return work();
  }();
  if (__builtin_expect(PyErr_Occurred() != nullptr, 0)) throw pybind11::error_already_set();
  return result;
}

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_INTERRUPT_H_
