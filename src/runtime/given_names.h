#ifndef DOPPIO_RUNTIME_GIVEN_NAMES_H_
#define DOPPIO_RUNTIME_GIVEN_NAMES_H_

#include <map>
#include <string>
#include <vector>

#include "doppio/net.h"

namespace doppio {

// Errors of a net that was rewritten, and whose blobs may share buffers, by the names of blobs and
// the operators of the net as it was given.
class GivenNames {
 public:
  GivenNames() = default;
  // `made_from` is that of OptimizedNet.
  GivenNames(const NetDef& given, std::map<std::string, std::string> made_from);

  // Of an error about the rewritten net or what it is made from.
  absl::Status Restore(const absl::Status& status) const;
  // Of the run of `net`, which is `rewritten` with shared buffers.
  absl::Status Restore(const absl::Status& status, const Net& net, const NetDef& rewritten) const;

 private:
  OperatorDef Given(const OperatorDef& op) const;

  struct OpEnds {
    std::string type;
    std::string input;
    std::string weights;
    std::string output;
  };
  static OpEnds EndsOf(const OperatorDef& op);
  // Where the operator that became `op` stood, or -1 where that can not be told.
  int IndexOf(const OperatorDef& op) const;

  std::map<std::string, std::string> made_from_;
  std::vector<OpEnds> ops_;  // of the net as it was given
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_GIVEN_NAMES_H_
