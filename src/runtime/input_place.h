#ifndef DOPPIO_RUNTIME_INPUT_PLACE_H_
#define DOPPIO_RUNTIME_INPUT_PLACE_H_

#include <string>

#include "doppio/status.h"

namespace doppio {

// What an operator that reads examples from its first input, a reader, is too, so that a training
// can go on where another one ended.
class InputPlace {
 public:
  virtual ~InputPlace() = default;

  // How far its runs have come; what was read ahead of them does not count. Not while it runs.
  // Errors: a reader without places, as that of a queue.
  virtual absl::StatusOr<std::string> Place() const = 0;
  // Goes there, from where its reader stands when a training begins. FailedPrecondition when it has
  // run already; DataLoss where that is no place, or the reader has no such one.
  virtual absl::Status GoTo(const std::string& place) = 0;
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_INPUT_PLACE_H_
