#ifndef DOPPIO_PYTHON_CORE_CARRIED_ERROR_H_
#define DOPPIO_PYTHON_CORE_CARRIED_ERROR_H_

// Exceptions of Python code that doppio called, on their way through C++ to the Python code that
// called doppio. The interpreter's lock must be held.

#include "doppio/status.h"

namespace doppio::python {

// A status that carries the exception that is set, which is no longer set then: from whatever
// thread, for as long as a copy of the status exists. Its message is the exception's type and text.
absl::Status CarryPythonError();

// Sets the exception that `status` carries, as it was, with its traceback; where the status was
// annotated (net, operator), a note of the exception says so. False where there is none.
bool RestorePythonError(const absl::Status& status);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_CARRIED_ERROR_H_
