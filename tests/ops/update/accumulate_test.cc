#include <limits>

#include "tests/support/op_tester.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

using AccumulateTest = StateTest;

TEST_F(AccumulateTest, AddsToWhatIsThere) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  MustRun("Accumulate", {"X"}, {"Y"}, {Arg("gamma", 0.5f)});
  ExpectBlob("Y", Tensor::Of<float>({2}, {1, 2}));
  const absl::StatusOr<Tensor> first = workspace_.Fetch("Y");
  MustRun("Accumulate", {"X"}, {"Y"}, {Arg("gamma", 0.5f)});
  ExpectBlob("Y", Tensor::Of<float>({2}, {1.5, 3}));
  EXPECT_TRUE(TensorEquals(*first, Tensor::Of<float>({2}, {1, 2})));
}

TEST_F(AccumulateTest, StartsAnewWithAnotherShape) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  MustRun("Accumulate", {"X"}, {"Y"});
  Feed("X", Tensor::Of<float>({1, 2}, {3, 4}));
  MustRun("Accumulate", {"X"}, {"Y"});
  ExpectBlob("Y", Tensor::Of<float>({1, 2}, {3, 4}));
  MustRun("Accumulate", {"X"}, {"Y"});
  ExpectBlob("Y", Tensor::Of<float>({1, 2}, {6, 8}));
}

TEST_F(AccumulateTest, KeepsNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Feed("X", Tensor::Of<float>({1}, {1}));
  Feed("Y", Tensor::Of<float>({1}, {nan}));
  MustRun("Accumulate", {"X"}, {"Y"});
  ExpectBlob("Y", Tensor::Of<float>({1}, {nan}));
}

TEST_F(AccumulateTest, TakesScalarsAndEmptyTensors) {
  Feed("X", Tensor::Scalar<float>(2));
  Feed("E", Tensor::Of<float>({0, 2}, {}));
  for (int run = 0; run < 2; ++run) {
    MustRun("Accumulate", {"X"}, {"Y"});
    MustRun("Accumulate", {"E"}, {"F"});
  }
  ExpectBlob("Y", Tensor::Scalar<float>(4));
  ExpectBlob("F", Tensor::Of<float>({0, 2}, {}));
}

TEST_F(AccumulateTest, RejectsOtherTypesAndItsInputAsOutput) {
  Feed("X", Tensor::Scalar<double>(2));
  ExpectFailure(Def("Accumulate", {"X"}, {"Y"}), "X must be of float, but is \"X\" double[]");
  ExpectFailure(Def("Accumulate", {"X"}, {"X"}), "may not write output 0 to its own input");
}

}  // namespace
}  // namespace doppio
