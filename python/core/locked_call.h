#ifndef DOPPIO_PYTHON_CORE_LOCKED_CALL_H_
#define DOPPIO_PYTHON_CORE_LOCKED_CALL_H_

#include <pybind11/pybind11.h>

#include <exception>

#include "doppio/status.h"
#include "python/core/carried_error.h"
#include "python/core/ending.h"

namespace doppio::python {

// Calls `call`, which gives a Status, with the interpreter's lock, from an operator that runs
// without it. The status carries an exception of Python's to the caller of the run. An interpreter
// that ends, or that was interrupted, is not called any more.
template <typename Call>
absl::Status LockedCall(Call&& call) {
  const PythonPermission permission;
  if (!permission.is_granted()) return absl::CancelledError("the Python interpreter is ending");
  const pybind11::gil_scoped_acquire locked;
  if (PyErr_Occurred() != nullptr) return absl::CancelledError("interrupted");
  try {
    return call();
  } catch (pybind11::error_already_set& error) {
    error.restore();
    return CarryPythonError();
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_LOCKED_CALL_H_
