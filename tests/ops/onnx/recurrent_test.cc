// RNN, GRU and LSTM: functions and lengths that the table does not have, and what they reject.

#include <cmath>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// One gate of width 1 that adds x and the state before.
OpTester Sums(const std::vector<std::string>& given = {}) {
  OpTester tester("RNN");
  tester.Input("X", Tensor::Of<float>({3, 1, 1}, {1, -2, 3}))
      .Input("W", Tensor::Of<float>({1, 1, 1}, {1}))
      .Input("R", Tensor::Of<float>({1, 1, 1}, {1}))
      .Arg("given", given)
      .Outputs({"Y", "Y_h"});
  return tester;
}

TEST(RnnTest, TakesTheFunctionsOfOnnx) {
  const auto with = [](const char* name) {
    OpTester tester = Sums();
    tester.Arg("activations", std::vector<std::string>{name});
    return tester;
  };
  with("Relu").ExpectOutput(1, Tensor::Of<float>({1, 1, 1}, {3}));
  with("Affine")
      .Arg("activation_alpha", std::vector<float>{2})
      .Arg("activation_beta", std::vector<float>{1})
      .ExpectOutput(0, Tensor::Of<float>({3, 1, 1, 1}, {3, 3, 13}));
  with("LeakyRelu")
      .Arg("activation_alpha", std::vector<float>{0.5f})
      .ExpectOutput(0, Tensor::Of<float>({3, 1, 1, 1}, {1, -0.5f, 2.5f}));
  with("HardSigmoid").ExpectOutput(0, Tensor::Of<float>({3, 1, 1, 1}, {0.7f, 0.24f, 1}), 1e-6);
  with("Softsign")
      .ExpectOutput(0, Tensor::Of<float>({3, 1, 1, 1}, {0.5f, -0.6f, 2.4f / 3.4f}), 1e-6);
  with("Relu").Arg("clip", 2.5f).ExpectOutput(1, Tensor::Of<float>({1, 1, 1}, {2.5f}));
}

TEST(RnnTest, LeavesStepsBehindTheEndOfASequenceAtZero) {
  Sums({"sequence_lens"})
      .Input("lengths", Tensor::Of<int32_t>({1}, {2}))
      .Arg("activations", std::vector<std::string>{"Affine"})
      .ExpectOutput(0, Tensor::Of<float>({3, 1, 1, 1}, {1, -1, 0}))
      .ExpectOutput(1, Tensor::Of<float>({1, 1, 1}, {-1}));
}

TEST(RnnTest, RejectsWhatDoesNotGoTogether) {
  Sums({"P"}).Input("p", Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "given has \"P\"");
  Sums({"B"}).ExpectError(kInvalid, "there are 3 inputs");
  Sums({"B"}).Input("b", Tensor::Of<float>({1, 1}, {1})).ExpectError(kInvalid, "B is float[1,1]");
  Sums({"sequence_lens"})
      .Input("lengths", Tensor::Of<int32_t>({1}, {4}))
      .ExpectError(kInvalid, "sequence_lens has 4");
  Sums().Arg("direction", "both").ExpectError(kInvalid, "direction is \"both\"");
  Sums().Arg("hidden_size", 2).ExpectError(kInvalid, "hidden_size is 2");
  Sums()
      .Arg("activations", std::vector<std::string>{"Cosine"})
      .ExpectError(kInvalid, "\"Cosine\" is no activation");
  Sums()
      .Arg("activations", std::vector<std::string>{"Tanh", "Tanh"})
      .ExpectError(kInvalid, "there are 2 activations, must be 1");
  Sums()
      .Arg("activation_alpha", std::vector<float>{1})
      .ExpectError(kInvalid, "the activations take 0 and 0");
  Sums()
      .Arg("activations", std::vector<std::string>{"ScaledTanh"})
      .ExpectError(kInvalid, "needs activation_alpha");
}

TEST(LstmTest, GivesTheExampleOfItsDocumentation) {
  OpTester("LSTM")
      .Input("X", Tensor::Of<float>({1, 1, 1}, {1}))
      .Input("W", Tensor::Of<float>({1, 4, 1}, {0, 0, 0, 1}))
      .Input("R", Tensor::Of<float>({1, 4, 1}, {0, 0, 0, 0}))
      .Outputs({"Y", "Y_h", "Y_c"})
      .ExpectOutput(1, Tensor::Of<float>({1, 1, 1}, {0.18169977f}), 1e-6)
      .ExpectOutput(2, Tensor::Of<float>({1, 1, 1}, {0.38079708f}), 1e-6);
}

TEST(GruTest, GivesTheExampleOfItsDocumentation) {
  OpTester("GRU")
      .Input("X", Tensor::Of<float>({1, 1, 1}, {1}))
      .Input("W", Tensor::Of<float>({1, 3, 1}, {0, 0, 1}))
      .Input("R", Tensor::Of<float>({1, 3, 1}, {0, 0, 0}))
      .Outputs({"Y", "Y_h"})
      .ExpectOutput(1, Tensor::Of<float>({1, 1, 1}, {0.38079708f}), 1e-6);
}

}  // namespace
}  // namespace doppio
