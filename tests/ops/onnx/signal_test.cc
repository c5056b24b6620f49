// Transforms of signals and their spectra: examples, and what they reject.

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Transform(absl::StatusOr<Tensor> x) {
  OpTester tester("DFT");
  tester.Input("X", std::move(x)).Outputs({"Y"});
  return tester;
}

TEST(DftTest, AddsZerosAndLeavesNumbersOut) {
  Transform(Tensor::Of<float>({1, 1, 1}, {3}))
      .Input("length", Tensor::Scalar<int64_t>(2))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {3, 0, 3, 0}));
  Transform(Tensor::Of<double>({1, 3, 1}, {1, 2, 9}))
      .Input("length", Tensor::Scalar<int32_t>(2))
      .ExpectOutput(0, Tensor::Of<double>({1, 2, 2}, {3, 0, -1, 0}));
}

TEST(DftTest, IsUndoneByTheInverse) {
  Transform(Tensor::Of<float>({1, 2, 2}, {3, 0, -1, 0}))
      .Arg("inverse", true)
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {1, 0, 2, 0}));
}

TEST(DftTest, RejectsWhatIsNoSignal) {
  Transform(Tensor::Of<float>({1, 3}, {1, 2, 3})).ExpectError(kInvalid, "end with one of 1 (real)");
  Transform(Tensor::Of<float>({1, 1, 3}, {1, 2, 3})).ExpectError(kInvalid, "2 (complex)");
  Transform(Tensor::Of<float>({1, 1, 1}, {1})).Arg("axis", 2).ExpectError(kInvalid, "behind axis");
  Transform(Tensor::Of<int32_t>({1, 1, 1}, {1})).ExpectError(kInvalid, "int32 is not supported");
}

TEST(DftTest, RejectsLengthsAndHalvesThatThereAreNot) {
  Transform(Tensor::Create(DataType::kFloat, {1, 0, 1})).ExpectError(kInvalid, "at least 1");
  Transform(Tensor::Of<float>({1, 1, 1}, {1}))
      .Input("length", Tensor::Scalar<int64_t>(INT64_MAX))
      .ExpectError(kInvalid, "9223372036854775807");
  Transform(Tensor::Of<float>({1, 1, 2}, {1, 2}))
      .Arg("onesided", true)
      .ExpectError(kInvalid, "complex numbers is not one-sided");
  Transform(Tensor::Of<float>({1, 1, 1}, {1}))
      .Arg("onesided", true)
      .Arg("inverse", true)
      .ExpectError(kInvalid, "inverse transform is not one-sided");
}

OpTester ShortTransforms(int64_t step, absl::StatusOr<Tensor> window) {
  OpTester tester("STFT");
  tester.Input("signal", Tensor::Of<float>({1, 3, 1}, {1, 2, 4}))
      .Input("frame_step", Tensor::Scalar<int64_t>(step))
      .Input("window", std::move(window))
      .Outputs({"Y"});
  return tester;
}

TEST(StftTest, LeavesOutFramesThatReachBeyondTheSignal) {
  ShortTransforms(1, Tensor::Of<float>({2}, {1, 1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2, 2}, {3, 0, -1, 0, 6, 0, -2, 0}));
  ShortTransforms(2, Tensor::Of<float>({2}, {1, 0.5f}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {2, 0, 0, 0}));
}

TEST(StftTest, RejectsStepsAndWindowsThatDoNotFit) {
  ShortTransforms(0, Tensor::Of<float>({2}, {1, 1})).ExpectError(kInvalid, "at least 1");
  ShortTransforms(1, Tensor::Of<float>({4}, {1, 1, 1, 1})).ExpectError(kInvalid, "1 to 3 numbers");
  ShortTransforms(1, Tensor::Of<double>({2}, {1, 1})).ExpectError(kInvalid, "double[2]");
}

OpTester Mel(int64_t bands, int64_t length, int64_t rate, float lower, float upper) {
  OpTester tester("MelWeightMatrix");
  tester.Input("num_mel_bins", Tensor::Scalar<int64_t>(bands))
      .Input("dft_length", Tensor::Scalar<int64_t>(length))
      .Input("sample_rate", Tensor::Scalar<int64_t>(rate))
      .Input("lower_edge_hertz", Tensor::Scalar<float>(lower))
      .Input("upper_edge_hertz", Tensor::Scalar<float>(upper))
      .Outputs({"Y"});
  return tester;
}

TEST(MelWeightMatrixTest, RisesAndFallsFromEdgeToEdge) {
  Mel(2, 8, 8, 0, 3).ExpectOutput(0, Tensor::Of<float>({5, 2}, {1, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(MelWeightMatrixTest, RejectsEdgesBeyondTheSpectrumAndSizesThatAreNone) {
  Mel(2, 8, 8, 0, 90).ExpectError(kInvalid, "beyond the spectrum, which ends at 4");
  Mel(0, 8, 8, 0, 3).ExpectError(kInvalid, "must be at least 1");
  Mel(2, 8, 0, 0, 3).ExpectError(kInvalid, "must be at least 1");
  Mel(2, 8, 8, 3, 0).ExpectError(kInvalid, "in order");
  Mel(2, 8, 8, -1, 3).ExpectError(kInvalid, "not negative");
}

}  // namespace
}  // namespace doppio
