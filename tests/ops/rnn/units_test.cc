#include <cmath>
#include <limits>

#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// Two sequences with states of one number, the second of which ends before step 1.
OpTester Lstm() {
  return OpTester("LSTMUnit")
      .Input("HIDDEN_PREV", Tensor::Of<float>({1, 2, 1}, {1, 2}))
      .Input("CELL_PREV", Tensor::Of<float>({1, 2, 1}, {2, 3}))
      .Input("GATES", Tensor::Of<float>({1, 2, 4}, {0, 0, 0, 0, 0, 0, 0, 0}))
      .Outputs({"HIDDEN", "CELL"});
}

OpTester Gru() {
  return OpTester("GRUUnit")
      .Input("HIDDEN_PREV", Tensor::Of<float>({1, 2, 1}, {2, 3}))
      .Input("GATES", Tensor::Of<float>({1, 2, 3}, {0, 0, 0, 0, 0, 0}))
      .Outputs({"HIDDEN"});
}

OpTester AtStep(OpTester tester, int32_t t) {
  return tester.Input("SEQ_LENGTHS", Tensor::Of<int32_t>({2}, {2, 1}))
      .Input("timestep", Tensor::Of<int32_t>({1}, {t}));
}

TEST(UnitsTest, ExamplesOfTheDocumentation) {
  AtStep(Lstm(), 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {0.38079708f, 2}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1}, {1, 3}), 1e-6);
  AtStep(Gru(), 1).ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {1, 3}), 1e-6);
}

TEST(UnitsTest, StatesOfFinishedSequencesAreDropped) {
  AtStep(Lstm(), 1)
      .Arg("drop_states", 1)
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {0.38079708f, 0}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1}, {1, 0}), 1e-6);
  AtStep(Gru(), 5).Arg("drop_states", 1).ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {0, 0}));
}

TEST(UnitsTest, WithoutLengthsNoSequenceIsOver) {
  Lstm()
      .Input("timestep", Tensor::Of<int32_t>({1}, {9}))
      .Arg("sequence_lengths", 0)
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1}, {1, 1.5}), 1e-6);
  Gru()
      .Input("timestep", Tensor::Of<int32_t>({1}, {9}))
      .Arg("sequence_lengths", 0)
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {1, 1.5}), 1e-6);
}

TEST(UnitsTest, ForgetBiasIsAddedToTheForgetGate) {
  AtStep(Lstm(), 0)
      .Arg("forget_bias", std::log(3.0f))
      .ExpectOutput(1, Tensor::Of<float>({1, 2, 1}, {1.5, 2.25}), 1e-6);
}

TEST(UnitsTest, GatesFarFromZeroSaturate) {
  OpTester("GRUUnit")
      .Input("HIDDEN_PREV", Tensor::Of<float>({1, 2, 1}, {2, 3}))
      .Input("GATES", Tensor::Of<float>({1, 2, 3}, {0, 1e30f, 0, 0, -1e30f, 1e30f}))
      .Input("timestep", Tensor::Of<int32_t>({1}, {0}))
      .Arg("sequence_lengths", 0)
      .Outputs({"HIDDEN"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1}, {2, 1}));
}

TEST(UnitsTest, NotANumberGoesThroughItsOwnElementOnly) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  OpTester tester = OpTester("GRUUnit")
                        .Input("HIDDEN_PREV", Tensor::Of<float>({1, 2, 1}, {nan, 3}))
                        .Input("GATES", Tensor::Of<float>({1, 2, 3}, {0, 0, 0, 0, 0, 0}))
                        .Input("timestep", Tensor::Of<int32_t>({1}, {0}))
                        .Arg("sequence_lengths", 0)
                        .Outputs({"HIDDEN"});
  ASSERT_TRUE(tester.Run().ok());
  EXPECT_TRUE(std::isnan(tester.Output(0).data<float>()[0]));
  EXPECT_EQ(tester.Output(0).data<float>()[1], 1.5);
}

TEST(UnitsTest, RefusesAnotherNumberOfInputsThanTheArgumentSays) {
  Lstm()
      .Input("timestep", Tensor::Of<int32_t>({1}, {0}))
      .ExpectError(kInvalid, "with sequence_lengths = 1 there are 5 inputs, but 4 are given");
  AtStep(Gru(), 0)
      .Arg("sequence_lengths", 0)
      .ExpectError(kInvalid, "with sequence_lengths = 0 there are 3 inputs, but 4 are given");
}

TEST(UnitsTest, RefusesLengthsOfAnotherBatchAndNegativeOnes) {
  Lstm()
      .Input("SEQ_LENGTHS", Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .Input("timestep", Tensor::Of<int32_t>({1}, {0}))
      .ExpectError(kInvalid, "SEQ_LENGTHS must be int32[2], but is int32[3]");
  Gru()
      .Input("SEQ_LENGTHS", Tensor::Of<int32_t>({2}, {1, -1}))
      .Input("timestep", Tensor::Of<int32_t>({1}, {0}))
      .ExpectError(kInvalid, "SEQ_LENGTHS[1] is -1, but a length is not negative");
}

TEST(UnitsTest, RefusesATimestepThatIsNone) {
  AtStep(Lstm(), -1).ExpectError(kInvalid, "timestep is -1, but must not be negative");
  Gru()
      .Input("SEQ_LENGTHS", Tensor::Of<int32_t>({2}, {1, 1}))
      .Input("timestep", Tensor::Of<int64_t>({1}, {0}))
      .ExpectError(kInvalid, "timestep must be a single int32, but is int64[1]");
}

TEST(UnitsTest, RefusesStatesAndGatesThatDoNotFit) {
  const auto zero = Tensor::Of<int32_t>({1}, {0});
  OpTester("GRUUnit")
      .Input("HIDDEN_PREV", Tensor::Of<float>({1, 2}, {2, 3}))
      .Input("GATES", Tensor::Of<float>({1, 2, 3}, {0, 0, 0, 0, 0, 0}))
      .Input("timestep", zero)
      .Arg("sequence_lengths", 0)
      .Outputs({"HIDDEN"})
      .ExpectError(kInvalid, "HIDDEN_PREV must be [1,N,D], but has the shape [1,2]");
  OpTester("GRUUnit")
      .Input("HIDDEN_PREV", Tensor::Of<float>({1, 1, 1}, {2}))
      .Input("GATES", Tensor::Of<float>({1, 1, 4}, {0, 0, 0, 0}))
      .Input("timestep", zero)
      .Arg("sequence_lengths", 0)
      .Outputs({"HIDDEN"})
      .ExpectError(kInvalid, "GATES must be float[1,1,3], but is float[1,1,4]");
  OpTester("LSTMUnit")
      .Input("HIDDEN_PREV", Tensor::Of<float>({1, 1, 2}, {2, 3}))
      .Input("CELL_PREV", Tensor::Of<float>({1, 1, 1}, {2}))
      .Input("GATES", Tensor::Of<float>({1, 1, 4}, {0, 0, 0, 0}))
      .Input("timestep", zero)
      .Arg("sequence_lengths", 0)
      .Outputs({"HIDDEN", "CELL"})
      .ExpectError(kInvalid, "HIDDEN_PREV must be float[1,1,1], but is float[1,1,2]");
  OpTester("LSTMUnit")
      .Input("HIDDEN_PREV", Tensor::Of<int32_t>({1, 1, 1}, {2}))
      .Input("CELL_PREV", Tensor::Of<int32_t>({1, 1, 1}, {2}))
      .Input("GATES", Tensor::Of<int32_t>({1, 1, 4}, {0, 0, 0, 0}))
      .Input("timestep", zero)
      .Arg("sequence_lengths", 0)
      .Outputs({"HIDDEN", "CELL"})
      .ExpectError(kInvalid, "int32");
}

}  // namespace
}  // namespace doppio
