#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// One sequence of one step with one cell.
OpTester Lstm(const absl::StatusOr<Tensor>& input, const absl::StatusOr<Tensor>& w_hh) {
  return OpTester("InferenceLSTM")
      .Input("x", input)
      .Input("hidden_0", Tensor::Of<float>({1, 1, 1}, {0}))
      .Input("cell_0", Tensor::Of<float>({1, 1, 1}, {0}))
      .Input("w_ih", Tensor::Of<float>({4, 1}, {0, 0, 1, 0}))
      .Input("w_hh", w_hh)
      .Outputs({"y", "hidden", "cell"})
      .Arg("has_biases", 0);
}

const auto kZeros = Tensor::Of<float>({4, 1}, {0, 0, 0, 0});

TEST(InferenceLstmTest, ExampleOfTheDocumentation) {
  Lstm(Tensor::Of<float>({1, 1, 1}, {1}), kZeros)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1}, {0.18169977f}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1, 1, 1}, {0.18169977f}), 1e-6)
      .ExpectOutput(2, Tensor::Of<float>({1, 1, 1}, {0.38079708f}), 1e-6);
}

TEST(InferenceLstmTest, NoStepLeavesTheStates) {
  Lstm(Tensor::Of<float>({0, 1, 1}, {}), kZeros)
      .ExpectOutput(0, Tensor::Of<float>({0, 1, 1}, {}))
      .ExpectOutput(2, Tensor::Of<float>({1, 1, 1}, {0}));
}

TEST(InferenceLstmTest, RefusesWeightsThatAreTooFewOrTooMany) {
  Lstm(Tensor::Of<float>({1, 1, 1}, {1}), kZeros)
      .Arg("num_layers", 2)
      .ExpectError(kInvalid,
                   "num_layers = 2 with 1 direction(s) and 2 weights each do not make "
                   "the 2 weights that are given");
  Lstm(Tensor::Of<float>({1, 1, 1}, {1}), kZeros)
      .Arg("num_layers", 0)
      .ExpectError(kInvalid, "num_layers = 0");
  OpTester("InferenceLSTM")
      .Input("x", Tensor::Of<float>({1, 1, 1}, {1}))
      .Outputs({"y", "hidden", "cell"})
      .ExpectError(kInvalid, "there must be input, hidden_0, cell_0 and weights");
}

TEST(InferenceLstmTest, RefusesShapesAndTypesThatDoNotFit) {
  Lstm(Tensor::Of<float>({1, 1, 1}, {1}), Tensor::Of<float>({4, 2}, {0, 0, 0, 0, 0, 0, 0, 0}))
      .ExpectError(kInvalid, "w_hh of layer 0 must be float[4,1], but is float[4,2]");
  Lstm(Tensor::Of<float>({1, 2, 1}, {1, 2}), kZeros)
      .ExpectError(kInvalid, "hidden_0 must be float[1,2,1], but is float[1,1,1]");
  Lstm(Tensor::Of<float>({1, 1}, {1}), kZeros)
      .ExpectError(kInvalid, "must have three dimensions, but have the shapes [1,1]");
  Lstm(Tensor::Of<double>({1, 1, 1}, {1}), kZeros)
      .ExpectError(kInvalid, "hidden_0 must be double[1,1,1], but is float[1,1,1]");
}

}  // namespace
}  // namespace doppio
