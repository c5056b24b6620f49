#ifndef DOPPIO_PYTHON_CORE_ENDING_H_
#define DOPPIO_PYTHON_CORE_ENDING_H_

// A thread that waits for the interpreter's lock while the interpreter ends is killed by Python
// right there, in the middle of C++ that does not expect it. So threads of doppio that come back
// from C++ to Python ask first, and the end of the interpreter waits for those that got a yes.

#include <pybind11/pybind11.h>

#include <optional>

namespace doppio::python {

// Has the end of the interpreter do what is said above. Once, by the main thread.
void InstallEnding();

// Whether Python is not to be called any more, except by the main thread. Nets that run on other
// threads end soon.
bool IsEnding();

bool IsMainThread();

// Where granted, this thread may take the interpreter's lock, and the interpreter does not end
// before the permission is given back.
class PythonPermission {
 public:
  PythonPermission();
  ~PythonPermission();
  PythonPermission(const PythonPermission&) = delete;
  PythonPermission& operator=(const PythonPermission&) = delete;

  bool is_granted() const { return is_granted_; }

 private:
  bool is_granted_;
};

// Gives up the interpreter's lock. A thread that may not have it back stays here forever, as
// daemon threads do when the interpreter ends.
class UnlockedScope {
 public:
  UnlockedScope() : unlocked_(std::in_place) {}
  ~UnlockedScope();
  UnlockedScope(const UnlockedScope&) = delete;
  UnlockedScope& operator=(const UnlockedScope&) = delete;

 private:
  std::optional<pybind11::gil_scoped_release> unlocked_;
};

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_ENDING_H_
