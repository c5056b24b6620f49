// UniformFill, UniformIntFill, GaussianFill, XavierFill and MSRAFill.
#include <cmath>
#include <random>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr uint32_t kSeed = 1701;

OpTester Fill(absl::string_view type, std::vector<int64_t> shape) {
  OpTester tester(type);
  tester.Arg("shape", shape).RandomSeed(kSeed).Outputs({"Y"});
  return tester;
}

// What Caffe2 draws: one number after another from one generator.
template <typename T, typename Distribution>
absl::StatusOr<Tensor> Drawn(std::initializer_list<int64_t> dims, Distribution distribution) {
  std::mt19937 generator(kSeed);
  std::vector<T> values(static_cast<size_t>(SizeFromDim(DimsView(dims.begin(), dims.size()), 0)));
  for (T& value : values) value = distribution(generator);
  return Tensor::FromSpan<T>(DimsView(dims.begin(), dims.size()), values);
}

TEST(RandomFillTest, DrawsWhatTheDistributionsOfTheStandardLibraryDraw) {
  Fill("UniformFill", {5, 4})
      .Arg("min", -2.0f)
      .Arg("max", 3.0f)
      .ExpectOutput(0, Drawn<float>({5, 4}, std::uniform_real_distribution<float>(-2, 3)));
  Fill("UniformIntFill", {20})
      .Arg("min", -2)
      .Arg("max", 3)
      .ExpectOutput(0, Drawn<int32_t>({20}, std::uniform_int_distribution<int32_t>(-2, 3)));
  Fill("GaussianFill", {20})
      .Arg("mean", 5.0f)
      .Arg("std", 2.0f)
      .ExpectOutput(0, Drawn<float>({20}, std::normal_distribution<float>(5, 2)));
  const float xavier = std::sqrt(3.0f / 6);
  Fill("XavierFill", {4, 2, 3})
      .ExpectOutput(
          0, Drawn<float>({4, 2, 3}, std::uniform_real_distribution<float>(-xavier, xavier)));
  Fill("MSRAFill", {4, 2, 3})
      .ExpectOutput(
          0, Drawn<float>({4, 2, 3}, std::normal_distribution<float>(0, std::sqrt(2.0f / 12))));
}

TEST(RandomFillTest, HasTheDefaultsOfCaffe2) {
  Fill("UniformFill", {3})
      .ExpectOutput(0, Drawn<float>({3}, std::uniform_real_distribution<float>(0, 1)));
  Fill("UniformIntFill", {3})
      .ExpectOutput(0, Drawn<int32_t>({3}, std::uniform_int_distribution<int32_t>(0, 1)));
  Fill("GaussianFill", {3})
      .ExpectOutput(0, Drawn<float>({3}, std::normal_distribution<float>(0, 1)));
}

TEST(RandomFillTest, ContinuesTheSequenceInASecondRun) {
  OperatorDef def = CreateOperatorDef("UniformFill", "", {}, {"Y"},
                                      {MakeArgument("shape", std::vector<int64_t>{2})});
  def.mutable_device_option()->set_random_seed(kSeed);
  MapScope scope;
  auto op = CreateOperator(def, &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  const Tensor four = *Drawn<float>({4}, std::uniform_real_distribution<float>(0, 1));
  for (int run = 0; run < 2; ++run) {
    ASSERT_TRUE((*op)->Run().ok());
    EXPECT_EQ(scope.Fetch("Y")->data<float>()[1], four.data<float>()[2 * run + 1]);
  }
}

TEST(RandomFillTest, DiffersFromOperatorToOperatorWithoutASeed) {
  const OperatorDef def = CreateOperatorDef("GaussianFill", "", {}, {"Y"},
                                            {MakeArgument("shape", std::vector<int64_t>{8})});
  MapScope a;
  MapScope b;
  ASSERT_TRUE((*CreateOperator(def, &a))->Run().ok());
  ASSERT_TRUE((*CreateOperator(def, &b))->Run().ok());
  EXPECT_FALSE(TensorEquals(*a.Fetch("Y"), *b.Fetch("Y")));
}

TEST(RandomFillTest, TakesTheShapeFromAnInput) {
  OpTester("XavierFill")
      .Input("shape", Tensor::Of<int64_t>({2}, {4, 6}))
      .Arg("input_as_shape", 1)
      .RandomSeed(kSeed)
      .Outputs({"Y"})
      .ExpectOutput(0, Drawn<float>({4, 6}, std::uniform_real_distribution<float>(
                                                -std::sqrt(0.5f), std::sqrt(0.5f))));
}

TEST(RandomFillTest, HandlesTensorsWithoutElements) {
  for (const char* type : {"UniformFill", "GaussianFill", "XavierFill", "MSRAFill"}) {
    Fill(type, {0, 3}).ExpectOutput(0, Tensor::Of<float>({0, 3}, {}));
    Fill(type, {3, 0}).ExpectOutput(0, Tensor::Of<float>({3, 0}, {}));
  }
}

TEST(UniformFillTest, TakesItsBoundsFromInputs) {
  OpTester("UniformFill")
      .Input("X", Tensor::Of<float>({3}, {0, 0, 0}))
      .Input("min", Tensor::Scalar<float>(-2))
      .Input("max", Tensor::Of<float>({1}, {3}))
      .RandomSeed(kSeed)
      .Outputs({"Y"})
      .ExpectOutput(0, Drawn<float>({3}, std::uniform_real_distribution<float>(-2, 3)));
}

TEST(UniformFillTest, GivesNothingWhereMaxIsBelowMin) {
  OpTester("UniformIntFill")
      .Input("X", Tensor::Of<float>({3, 2}, {0, 0, 0, 0, 0, 0}))
      .Input("min", Tensor::Scalar<int32_t>(1))
      .Input("max", Tensor::Scalar<int32_t>(0))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({0, 2}, {}));
}

TEST(UniformFillTest, RejectsBadBounds) {
  Fill("UniformFill", {1}).Arg("min", 1.0f).ExpectError(kInvalid, "max must be larger than min");
  Fill("UniformFill", {1}).Arg("min", NAN).ExpectError(kInvalid, "cannot draw between nan and 1");
  Fill("UniformFill", {1})
      .Arg("min", -3e38f)
      .Arg("max", 3e38f)
      .ExpectError(kInvalid, "cannot draw between");
  Fill("UniformIntFill", {1}).Arg("min", 5).ExpectError(kInvalid, "cannot draw between 5 and 1");
  Fill("UniformIntFill", {1}).Arg("max", int64_t{1} << 40).ExpectError(kInvalid, "does not fit");
}

OpTester BoundsFromInputs(absl::StatusOr<Tensor> min, absl::StatusOr<Tensor> max) {
  OpTester tester("UniformFill");
  tester.Input("X", Tensor::Scalar<float>(0)).Input("min", std::move(min));
  tester.Input("max", std::move(max)).Outputs({"Y"});
  return tester;
}

TEST(UniformFillTest, RejectsBoundsThatAreNoSingleNumbers) {
  const auto one = Tensor::Scalar<float>(1);
  BoundsFromInputs(Tensor::Of<float>({2}, {0, 0}), one)
      .ExpectError(kInvalid, "min must be a single float, but is float[2]");
  BoundsFromInputs(one, Tensor::Scalar<double>(1))
      .ExpectError(kInvalid, "max must be a single float");
  BoundsFromInputs(one, Tensor::Scalar<float>(NAN)).ExpectError(kInvalid, "cannot draw between");
  BoundsFromInputs(one, Tensor::Scalar<float>(0))
      .ExpectError(kInvalid, "max is below min, but a scalar can not be empty");
  BoundsFromInputs(one, one).Arg("max", 2.0f).ExpectError(kInvalid, "as inputs and as arguments");
}

TEST(UniformFillTest, RejectsTwoInputs) {
  OpTester("UniformFill")
      .Input("X", Tensor::Scalar<float>(0))
      .Input("min", Tensor::Scalar<float>(0))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "or a shape, min and max, but are 2");
}

TEST(GaussianFillTest, GivesTheMeanWithoutDeviation) {
  Fill("GaussianFill", {2})
      .Arg("mean", 4.0f)
      .Arg("std", 0.0f)
      .ExpectOutput(0, Tensor::Of<float>({2}, {4, 4}));
}

TEST(GaussianFillTest, RejectsANegativeDeviation) {
  Fill("GaussianFill", {2}).Arg("std", -1.0f).ExpectError(kInvalid, "must not be negative");
  Fill("GaussianFill", {2}).Arg("std", NAN).ExpectError(kInvalid, "must not be negative");
}

TEST(XavierFillTest, RejectsShapesWithoutAFan) {
  Fill("XavierFill", {}).ExpectError(kInvalid, "a scalar has no fan-in");
  Fill("MSRAFill", {3}).ExpectError(kInvalid, "shape [3] has no fan-out");
}

}  // namespace
}  // namespace doppio
