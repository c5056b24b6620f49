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

  // Takes every `every`-th example out, and gives these.
  Batches HoldOut(int64_t every);

  bool empty() const { return arrays_.empty(); }
  int64_t examples() const { return static_cast<int64_t>(rows_.size()); }

  const std::map<std::string, Tensor>& arrays() const { return arrays_; }
  // Rows of the arrays, as they are taken.
  const std::vector<int64_t>& order() const { return order_; }

  // The order of the examples in an epoch (from 0 on).
  void Shuffle(uint64_t seed, int64_t epoch);
  // Puts the examples [begin, end) of the order into the blobs.
  absl::Status Feed(int64_t begin, int64_t end, Workspace* workspace) const;

 private:
  std::map<std::string, Tensor> arrays_;
  std::vector<int64_t> rows_;   // of the arrays: the examples, as they are given
  std::vector<int64_t> order_;  // the same, as they are taken
};

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_BATCHES_H_
