#ifndef DOPPIO_TRAINING_INPUT_PLACES_H_
#define DOPPIO_TRAINING_INPUT_PLACES_H_

#include <set>
#include <string>
#include <vector>

#include "doppio/net.h"
#include "doppio/workspace.h"

namespace doppio::training {

// Where the operators of nets that read examples are. What a training can go on with are readers
// that one such operator reads: then how many records it took is the place.
class InputPlaces {
 public:
  // FailedPrecondition for a reader that several operators read, or one without places.
  static absl::StatusOr<InputPlaces> Find(const std::vector<Net*>& nets,
                                          const Workspace& workspace);

  // Blobs that are readers whose place is told here.
  const std::set<std::string>& readers() const { return readers_; }

  absl::StatusOr<std::vector<std::string>> Places() const;
  size_t size() const { return ops_.size(); }
  // As InputPlace::GoTo.
  absl::Status GoTo(const std::vector<std::string>& places) const;

 private:
  std::vector<OperatorBase*> ops_;
  std::set<std::string> readers_;
};

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_INPUT_PLACES_H_
