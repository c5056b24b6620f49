#ifndef DOPPIO_GRAPH_GRADIENT_ACCUMULATOR_H_
#define DOPPIO_GRAPH_GRADIENT_ACCUMULATOR_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "src/graph/ssa.h"

namespace doppio {

// Remembers which gradient operators make (a part of) the gradient of each version of each blob,
// and adds the operators that sum them up where a blob is used more than once: a Sum for dense
// gradients, two Concats for sparse ones.
class GradientAccumulator {
 public:
  // Where one blob of a gradient comes from: output `index` of operator `op` of the list, or, where
  // op is -1, it is the gradient of an output passed on, or a blob of the forward net.
  struct Generator {
    int op = -1;
    int index = 0;
    GradientWrapper gradient;

    // Of a sparse gradient, op and index are those of the indices, and these those of the values.
    int values_op = -1;
    int values_index = 0;
  };

  // `ops` is the growing list of gradient operators; outputs in it are renamed where they are
  // summed.
  explicit GradientAccumulator(std::vector<OperatorDef>* ops) : ops_(ops) {}

  void AddDense(const std::string& blob, int version, Generator generator) {
    generators_[{blob, version}].push_back(std::move(generator));
  }

  // Notes the gradients `g_input` of the inputs of `forward`, made by the operators from `first`
  // on, whose outputs are `made`.
  void AddGenerated(const OperatorDef& forward, const Ssa::Op& versions, int first,
                    const std::vector<GradientWrapper>& g_input, const std::set<std::string>& made);

  // The sum of the gradients of that version of a blob, or an empty gradient where there is nothing
  // to sum.
  absl::StatusOr<GradientWrapper> Sum(const std::string& blob, int version);

 private:
  using Generators = std::vector<Generator>;

  absl::Status CheckSameDevice(const std::string& blob, const Generators& generators) const;
  absl::StatusOr<GradientWrapper> SumDense(const std::string& base, const Generators& generators);
  absl::StatusOr<GradientWrapper> SumSparse(const std::string& base, const Generators& generators);
  std::string BaseName(const std::string& blob, const Generators& generators) const;
  std::string RenameOutput(int op, int index, int* count);
  void SetDevice(const Generators& generators, OperatorDef* sum) const;

  std::vector<OperatorDef>* ops_;
  std::map<std::pair<std::string, int>, Generators> generators_;
};

}  // namespace doppio

#endif  // DOPPIO_GRAPH_GRADIENT_ACCUMULATOR_H_
