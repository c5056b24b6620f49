#ifndef DOPPIO_GRAPH_GRADIENT_ACCUMULATOR_H_
#define DOPPIO_GRAPH_GRADIENT_ACCUMULATOR_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "src/graph/backward_ops.h"
#include "src/graph/ssa.h"

namespace doppio {

// Remembers which gradients there are of each version of each blob, and adds the operators that sum
// them up where a blob is used more than once: a Sum for dense gradients, two Concats for sparse
// ones.
class GradientAccumulator {
 public:
  // One gradient of a blob: made by operators of the list (their outputs may be renamed), or passed
  // on, as the gradient of an output is by Sum, and the indices of a slice are by Gather.
  struct Generator {
    GradientValue gradient;
    bool dense_is_made = false;
    bool indices_are_made = false;
    bool values_are_made = false;
  };

  explicit GradientAccumulator(BackwardOps* ops) : ops_(ops) {}

  void Add(const std::string& blob, int version, Generator generator) {
    generators_[{blob, version}].push_back(std::move(generator));
  }

  // Notes the gradients `g_input` of the inputs of `forward`, made by the operators from `first`
  // on, or passed on.
  void AddGenerated(const OperatorDef& forward, const Ssa::Op& versions, int first,
                    const std::vector<GradientValue>& g_input);

  // The sum of the gradients of that version of a blob, or an empty gradient where there is nothing
  // to sum.
  absl::StatusOr<GradientValue> Sum(const std::string& blob, int version);

 private:
  using Generators = std::vector<Generator>;

  absl::Status CheckSameDevice(const std::string& blob, const Generators& generators) const;
  GradientValue SumDense(const std::string& base, const Generators& generators);
  GradientValue SumSparse(const std::string& base, const Generators& generators);
  BlobValue AddConcat(const std::vector<BlobValue>& inputs, const std::string& output,
                      const Generators& generators);
  std::string BaseName(const std::string& blob, const Generators& generators) const;
  void RenamePart(const BlobValue& value, int* count);
  void SetDevice(const Generators& generators, OperatorDef* sum) const;

  BackwardOps* ops_;
  std::map<std::pair<std::string, int>, Generators> generators_;
};

}  // namespace doppio

#endif  // DOPPIO_GRAPH_GRADIENT_ACCUMULATOR_H_
