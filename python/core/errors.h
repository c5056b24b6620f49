#ifndef DOPPIO_PYTHON_CORE_ERRORS_H_
#define DOPPIO_PYTHON_CORE_ERRORS_H_

// From statuses to Python exceptions. The classes stand in python/doppio/errors.py.

#include <utility>

#include "doppio/status.h"

namespace doppio::python {

// Raises the Python exception of an error. The interpreter's lock must be held. An exception that
// Python code raised while doppio ran (a Python operator, Ctrl-C) is raised as it was.
[[noreturn]] void Raise(const absl::Status& status);

inline void Check(const absl::Status& status) {
  if (__builtin_expect(!status.ok(), 0)) Raise(status);
}

template <typename T>
T ValueOrRaise(absl::StatusOr<T> value) {
  if (__builtin_expect(!value.ok(), 0)) Raise(value.status());
  return *std::move(value);
}

// Raises TypeError or ValueError.
[[noreturn]] void RaiseTypeError(const std::string& message);
[[noreturn]] void RaiseValueError(const std::string& message);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_ERRORS_H_
