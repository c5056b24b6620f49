#ifndef DOPPIO_TRAINING_BATCHES_H_
#define DOPPIO_TRAINING_BATCHES_H_

#include <map>
#include <string>
#include <vector>

#include "doppio/workspace.h"

namespace doppio::training {

// Arrays cut along their first dimension. Which examples a batch holds depends on the seed and its
// number alone.
class Batches {
 public:
  // InvalidArgument where the numbers of examples differ, or an array has no first dimension.
  // `what` is how errors call the data.
  static absl::StatusOr<Batches> Create(const std::map<std::string, Tensor>& arrays,
                                        absl::string_view what);

  bool empty() const { return arrays_.empty(); }
  int64_t examples() const { return examples_; }
  const std::map<std::string, Tensor>& arrays() const { return arrays_; }

  // The order of the examples in an epoch (from 0 on).
  void Shuffle(uint64_t seed, int64_t epoch);
  // As they are given.
  void InOrder();
  // Puts the examples [begin, end) of the order into the blobs.
  absl::Status Feed(int64_t begin, int64_t end, Workspace* workspace) const;

 private:
  std::map<std::string, Tensor> arrays_;
  int64_t examples_ = 0;
  std::vector<int64_t> order_;
};

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_BATCHES_H_
