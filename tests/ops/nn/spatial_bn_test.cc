#include <cmath>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Two(float a, float b) { return Tensor::Of<float>({2}, {a, b}); }

// Two images of two channels and one pixel, with var + epsilon = 4 and 16 in test mode.
OpTester TestMode(std::initializer_list<int64_t> dims) {
  return OpTester("SpatialBN")
      .Input("X", Tensor::Of<float>(dims, {1, 2, 3, 4}))
      .Input("scale", Two(2, 4))
      .Input("bias", Two(10, 20))
      .Input("mean", Two(1, 2))
      .Input("var", Two(3, 15))
      .Arg("epsilon", 1.0f)
      .Arg("is_test", 1);
}

OpTester Training(absl::StatusOr<Tensor> x) {
  return OpTester("SpatialBN")
      .Input("X", x)
      .Input("scale", Tensor::Of<float>({1}, {2}))
      .Input("bias", Tensor::Of<float>({1}, {10}))
      .Input("mean", Tensor::Of<float>({1}, {100}))
      .Input("var", Tensor::Of<float>({1}, {200}))
      .Arg("epsilon", 3.0f)
      .Arg("momentum", 0.5f);
}

constexpr std::initializer_list<const char*> kTrainingOutputs = {"Y", "mean", "var", "saved_mean",
                                                                 "saved_inv_std"};

TEST(SpatialBNTest, NormalisesByWhatIsGivenInTestMode) {
  TestMode({2, 2, 1, 1})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2, 1, 1}, {10, 20, 12, 22}), 1e-6);
}

TEST(SpatialBNTest, FindsChannelsLast) {
  TestMode({1, 2, 2})
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {10, 20, 12, 22}), 1e-6);
}

TEST(SpatialBNTest, RunsInPlace) {
  TestMode({2, 2}).Outputs({"X"}).ExpectOutput(0, Tensor::Of<float>({2, 2}, {10, 20, 12, 22}),
                                               1e-6);
}

TEST(SpatialBNTest, KeepsRunningStatisticsWithTheUnbiasedVariance) {
  // The mean of X is 2, its variance 1 or, without bias, 2.
  Training(Tensor::Of<float>({2, 1, 1}, {1, 3}))
      .Outputs(kTrainingOutputs)
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 1}, {9, 11}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1}, {51}))
      .ExpectOutput(2, Tensor::Of<float>({1}, {101}))
      .ExpectOutput(3, Tensor::Of<float>({1}, {2}))
      .ExpectOutput(4, Tensor::Of<float>({1}, {0.5}));
}

TEST(SpatialBNTest, HasNoUnbiasedVarianceOfOneElement) {
  Training(Tensor::Of<float>({1, 1}, {6}))
      .Outputs(kTrainingOutputs)
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {10}))
      .ExpectOutput(2, Tensor::Of<float>({1}, {100}));
}

TEST(SpatialBNTest, LearnsNothingFromABatchOfNothing) {
  Training(Tensor::Of<float>({0, 1, 2}, {}))
      .Outputs(kTrainingOutputs)
      .ExpectOutput(0, Tensor::Of<float>({0, 1, 2}, {}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {100}))
      .ExpectOutput(2, Tensor::Of<float>({1}, {200}));
}

TEST(SpatialBNTest, SavesZerosOfABatchOfNothing) {
  for (int batches : {1, 2}) {
    OpTester tester("SpatialBN");
    tester.Input("X", Tensor::Of<float>({0, 1, 1, 1}, {}));
    for (const char* name : {"scale", "bias", "mean", "var"}) {
      tester.Input(name, Tensor::Of<float>({1}, {3}));
    }
    if (batches > 1) {
      tester.Input("sums", Tensor::Of<float>({1}, {2})).Input("sumsq", Tensor::Of<float>({1}, {9}));
    }
    tester.Arg("epsilon", 1e-5f)
        .Arg("num_batches", batches)
        .Outputs({"Y", "mean", "var", "saved_mean", "saved_inv_std"})
        .ExpectOutput(1, Tensor::Of<float>({1}, {3}))
        .ExpectOutput(3, Tensor::Of<float>({1}, {0}))
        .ExpectOutput(4, Tensor::Of<float>({1}, {0}));
  }
}

TEST(SpatialBNTest, TakesTheSumsOfManyBatches) {
  // Two batches of two elements: the mean is 8 / 4, the variance 20 / 4 - 4.
  Training(Tensor::Of<float>({2, 1, 1}, {1, 3}))
      .Input("sums", Tensor::Of<float>({1}, {8}))
      .Input("sumsq", Tensor::Of<float>({1}, {20}))
      .Arg("num_batches", 2)
      .Outputs(kTrainingOutputs)
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 1}, {9, 11}), 1e-6)
      .ExpectOutput(1, Tensor::Of<float>({1}, {51}))
      .ExpectOutput(3, Tensor::Of<float>({1}, {2}));
}

TEST(SpatialBNTest, RejectsAScaleOfAnotherLength) {
  OpTester("SpatialBN")
      .Input("X", Tensor::Of<float>({1, 2}, {1, 2}))
      .Input("scale", Tensor::Of<float>({3}, {1, 1, 1}))
      .Input("bias", Two(0, 0))
      .Input("mean", Two(0, 0))
      .Input("var", Two(1, 1))
      .Arg("is_test", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "scale [3] must have 2 elements for X [1,2]");
}

TEST(SpatialBNTest, RejectsATensorWithoutChannels) {
  TestMode({4}).Outputs({"Y"}).ExpectError(kInvalid, "must have a dimension of images and one of");
}

TEST(SpatialBNTest, RejectsTrainingWithoutItsOutputs) {
  Training(Tensor::Of<float>({1, 1}, {6}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "training needs the 5 outputs");
}

TEST(SpatialBNTest, RejectsSumsThatAreMissing) {
  Training(Tensor::Of<float>({1, 1}, {6}))
      .Arg("num_batches", 2)
      .Outputs(kTrainingOutputs)
      .ExpectError(kInvalid, "which needs the sums of inputs 5 and 6");
}

TEST(SpatialBNTest, RejectsOrdersThatAreNone) {
  TestMode({2, 2})
      .Arg("order", "CHWN")
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be NCHW or NHWC");
}

TEST(SpatialBNTest, RejectsDifferentTypes) {
  OpTester("SpatialBN")
      .Input("X", Tensor::Of<double>({1, 2}, {1, 2}))
      .Input("scale", Two(1, 1))
      .Input("bias", Two(0, 0))
      .Input("mean", Two(0, 0))
      .Input("var", Two(1, 1))
      .Arg("is_test", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the inputs must have the same type");
}

std::string GradientOf(const OperatorDef& def) {
  std::vector<GradientWrapper> gradients(static_cast<size_t>(def.output_size()));
  gradients[0] = GradientWrapper::Dense("Y_grad");
  const auto meta = GetGradientForOp(def, gradients);
  if (!meta.ok()) return meta.status().ToString();
  return OpToString(meta->ops[0]);
}

TEST(SpatialBNGradientTest, IsMadeOfTheSavedStatisticsInTraining) {
  EXPECT_EQ(GradientOf(CreateOperatorDef("SpatialBN", "", {"X", "s", "b", "m", "v"},
                                         {"Y", "m", "v", "sm", "si"})),
            "SpatialBNGradient(X, s, Y_grad, sm, si) -> X_grad, s_grad, b_grad");
}

TEST(SpatialBNGradientTest, IsMadeOfTheGivenStatisticsInTestMode) {
  EXPECT_EQ(GradientOf(CreateOperatorDef("SpatialBN", "", {"X", "s", "b", "m", "v"}, {"Y"},
                                         {MakeArgument("is_test", 1)})),
            "SpatialBNGradient(X, s, Y_grad, m, v) -> X_grad, s_grad, b_grad");
}

TEST(SpatialBNGradientTest, IsNotMadeForSumsOfManyBatches) {
  EXPECT_NE(GradientOf(CreateOperatorDef("SpatialBN", "", {"X", "s", "b", "m", "v", "t", "u"},
                                         {"Y", "m", "v", "sm", "si"}))
                .find("takes 5 inputs"),
            std::string::npos);
}

TEST(SpatialBNGradientTest, DividesTheSumsOfManyBatches) {
  OpTester("SpatialBNGradient")
      .Input("X", Tensor::Of<float>({2, 1}, {1, 3}))
      .Input("scale", Tensor::Of<float>({1}, {2}))
      .Input("dY", Tensor::Of<float>({2, 1}, {1, 0}))
      .Input("saved_mean", Tensor::Of<float>({1}, {2}))
      .Input("saved_inv_std", Tensor::Of<float>({1}, {0.5}))
      .Input("dscale_sum", Tensor::Of<float>({1}, {4}))
      .Input("dbias_sum", Tensor::Of<float>({1}, {2}))
      .Arg("num_batches", 2)
      .Outputs({"dX", "dscale", "dbias"})
      // 2 * 0.5 * (dY - (1 + x * 2) / 2) with x = -0.5 and 0.5.
      .ExpectOutput(0, Tensor::Of<float>({2, 1}, {1, -1}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {2}))
      .ExpectOutput(2, Tensor::Of<float>({1}, {1}));
}

TEST(SpatialBNGradientTest, IsZeroOfBatchesOfNothing) {
  OpTester("SpatialBNGradient")
      .Input("X", Tensor::Of<float>({0, 1, 1, 1}, {}))
      .Input("scale", Tensor::Of<float>({1}, {1}))
      .Input("dY", Tensor::Of<float>({0, 1, 1, 1}, {}))
      .Input("mean", Tensor::Of<float>({1}, {0}))
      .Input("inv_std", Tensor::Of<float>({1}, {0}))
      .Input("scale_grads", Tensor::Of<float>({1}, {2}))
      .Input("bias_grads", Tensor::Of<float>({1}, {3}))
      .Arg("num_batches", 2)
      .Outputs({"dX", "dscale", "dbias"})
      .ExpectOutput(0, Tensor::Of<float>({0, 1, 1, 1}, {}))
      .ExpectOutput(1, Tensor::Of<float>({1}, {0}))
      .ExpectOutput(2, Tensor::Of<float>({1}, {0}));
}

TEST(SpatialBNGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("SpatialBNGradient")
      .Input("X", Tensor::Of<float>({2, 1}, {1, 3}))
      .Input("scale", Tensor::Of<float>({1}, {2}))
      .Input("dY", Tensor::Of<float>({1, 1}, {1}))
      .Input("saved_mean", Tensor::Of<float>({1}, {2}))
      .Input("saved_inv_std", Tensor::Of<float>({1}, {0.5}))
      .Outputs({"dX", "dscale", "dbias"})
      .ExpectError(kInvalid, "must have the shape of X");
}

}  // namespace
}  // namespace doppio
