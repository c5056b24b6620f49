#ifndef DOPPIO_TESTS_TABLE_GRADIENT_CHECK_H_
#define DOPPIO_TESTS_TABLE_GRADIENT_CHECK_H_

// Runs the gradient operators of one case, and compares what they give with finite differences.

#include <optional>
#include <vector>

#include "doppio/gradient_maker.h"
#include "tests/table/op_table.h"

namespace doppio {

struct GradientRun {
  std::vector<std::optional<Tensor>> output_gradients;  // dY, which were drawn; absent: not given
  std::vector<std::optional<Tensor>> input_gradients;  // dense also where the operators gave slices
  std::vector<OpCase> cases;                           // the gradient operators that ran
};

// The outputs of one run of the operator in `scope`, which is fed here.
absl::StatusOr<std::vector<Tensor>> RunForward(const OpCase& op_case, BlobScope* scope);

// Draws gradients for the outputs that the row says, makes the gradient operators by
// GetGradientForOp and runs them after the forward operator.
absl::StatusOr<GradientRun> RunGradient(const OpRow& row, const OpCase& op_case, uint64_t seed);

// The dense gradient that a slice stands for: rows of `values` added up where `indices` say.
absl::StatusOr<Tensor> Densify(const Tensor& x, const Tensor& indices, const Tensor& values);

// d sum(dY * Y) / dX for input `input`, by central differences: all is double.
absl::StatusOr<Tensor> FiniteDifferences(const OpCase& op_case, int input, const GradientRun& run);

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_GRADIENT_CHECK_H_
