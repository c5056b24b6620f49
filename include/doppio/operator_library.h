#ifndef DOPPIO_OPERATOR_LIBRARY_H_
#define DOPPIO_OPERATOR_LIBRARY_H_

#include <string>
#include <vector>

#include "doppio/status.h"
#include "doppio/version.h"

namespace doppio {

// Loads a shared library whose operators register themselves (registry.h). Such a library is
// compiled with doppio's headers, says DOPPIO_OPERATOR_LIBRARY() once, and leaves doppio's
// functions to the process that loads it. It stays loaded. Threads may load libraries at once,
// while others create and run nets.
//
// Returns the operator types that came with it, sorted; loading a library again returns an empty
// list. Errors: no such file; no library of operators; one that was built for another version of
// doppio, which is not loaded; what the dynamic linker says; operators that are registered already.
absl::StatusOr<std::vector<std::string>> LoadOperatorLibrary(const std::string& path);

// The mark by which LoadOperatorLibrary tells, before it loads a library, which version of doppio
// it was built for.
#define DOPPIO_OPERATOR_LIBRARY()                         \
  extern "C" __attribute__((visibility("default"), used)) \
  const char doppio_operator_library_version[] = DOPPIO_OPERATOR_LIBRARY_MARK DOPPIO_VERSION ";"
#define DOPPIO_OPERATOR_LIBRARY_MARK "doppio-operator-library-version="

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_LIBRARY_H_
