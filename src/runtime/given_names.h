#ifndef DOPPIO_RUNTIME_GIVEN_NAMES_H_
#define DOPPIO_RUNTIME_GIVEN_NAMES_H_

#include <map>
#include <string>

#include "doppio/net.h"

namespace doppio {

// Errors of a net that was rewritten, and whose blobs may share buffers, by the names of the net as
// it was given.
class GivenNames {
 public:
  // `made_from` is that of OptimizedNet.
  explicit GivenNames(std::map<std::string, std::string> made_from = {})
      : made_from_(std::move(made_from)) {}

  // Of an error about the rewritten net or what it is made from.
  absl::Status Restore(const absl::Status& status) const;
  // Of the run of `net`, which is `rewritten` with shared buffers.
  absl::Status Restore(const absl::Status& status, const Net& net, const NetDef& rewritten) const;

 private:
  OperatorDef Given(const OperatorDef& op) const;

  std::map<std::string, std::string> made_from_;
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_GIVEN_NAMES_H_
