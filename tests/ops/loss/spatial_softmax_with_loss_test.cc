#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Loss(absl::StatusOr<Tensor> x, absl::StatusOr<Tensor> labels) {
  return OpTester("SpatialSoftmaxWithLoss")
      .Input("X", std::move(x))
      .Input("label", std::move(labels))
      .Outputs({"P", "loss"});
}

// Two classes of two pixels.
absl::StatusOr<Tensor> Logits() { return Tensor::Of<float>({1, 2, 1, 2}, {0, 5, 0, 0}); }

TEST(SpatialSoftmaxWithLossTest, LooksAtPixelsThatHaveALabel) {
  Loss(Logits(), Tensor::Of<int32_t>({1, 1, 2}, {1, -1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {0.5, 0.993307f, 0.5, 0.006693f}), 1e-6)
      .ExpectOutput(1, Tensor::Scalar<float>(0.693147f), 1e-6);
}

TEST(SpatialSoftmaxWithLossTest, WeighsPixels) {
  OpTester("SpatialSoftmaxWithLoss")
      .Input("X", Logits())
      .Input("label", Tensor::Of<int64_t>({1, 1, 2}, {1, 0}))
      .Input("weights", Tensor::Of<float>({2}, {3, 1}))
      .Outputs({"P", "loss"})
      .ExpectOutput(1, Tensor::Scalar<float>((3 * 0.693147f + 0.006715f) / 4), 1e-6);
}

TEST(SpatialSoftmaxWithLossTest, ScalesTheLossAsItsGradient) {
  Loss(Logits(), Tensor::Of<int32_t>({1, 1, 2}, {1, -1}))
      .Arg("scale", 2.0f)
      .ExpectOutput(1, Tensor::Scalar<float>(2 * 0.693147f), 1e-6);
  OpTester("SpatialSoftmaxWithLossGradient")
      .Input("X", Logits())
      .Input("label", Tensor::Of<int32_t>({1, 1, 2}, {1, -1}))
      .Input("P", Tensor::Of<float>({1, 2, 1, 2}, {0.5, 0.75, 0.5, 0.25}))
      .Input("dloss", Tensor::Scalar<float>(3))
      .Arg("scale", 2.0f)
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {3, 0, -3, 0}));
}

TEST(SpatialSoftmaxWithLossTest, KeepsLargeLossesExact) {
  Loss(Tensor::Of<float>({1, 2, 1, 1}, {1000, 0}), Tensor::Of<int32_t>({1, 1, 1}, {1}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {1, 0}))
      .ExpectOutput(1, Tensor::Scalar<float>(1000));
}

TEST(SpatialSoftmaxWithLossTest, LosesNothingWithoutWeight) {
  Loss(Logits(), Tensor::Of<int32_t>({1, 1, 2}, {-1, -1}))
      .ExpectOutput(1, Tensor::Scalar<float>(0));
  Loss(Tensor::Of<float>({0, 2, 1, 2}, {}), Tensor::Of<int32_t>({0, 1, 2}, {}))
      .ExpectOutput(1, Tensor::Scalar<float>(0));
  Loss(Tensor::Of<float>({1, 0, 1, 1}, {}), Tensor::Of<int32_t>({1, 1, 1}, {-1}))
      .ExpectOutput(1, Tensor::Scalar<float>(0));
  OpTester("SpatialSoftmaxWithLossGradient")
      .Input("X", Logits())
      .Input("label", Tensor::Of<int32_t>({1, 1, 2}, {0, 0}))
      .Input("weights", Tensor::Of<float>({1, 1, 2}, {1, -1}))
      .Input("P", Tensor::Of<float>({1, 2, 1, 2}, {0.5, 0.75, 0.5, 0.25}))
      .Input("dloss", Tensor::Scalar<float>(1))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {0, 0, 0, 0}));
}

TEST(SpatialSoftmaxWithLossTest, LetsNanThrough) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  Loss(Tensor::Of<float>({1, 2, 1, 1}, {0, kNan}), Tensor::Of<int32_t>({1, 1, 1}, {0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 1}, {kNan, kNan}))
      .ExpectOutput(1, Tensor::Scalar<float>(kNan));
}

TEST(SpatialSoftmaxWithLossTest, RejectsLabelsThatAreNoClass) {
  for (const int32_t label : {2, -2}) {
    Loss(Logits(), Tensor::Of<int32_t>({1, 1, 2}, {0, label}))
        .ExpectError(kInvalid, absl::StrCat("label 1 is ", label, ", but must be in [-1, 2)"));
    OpTester("SpatialSoftmaxWithLossGradient")
        .Input("X", Logits())
        .Input("label", Tensor::Of<int32_t>({1, 1, 2}, {0, label}))
        .Input("P", Logits())
        .Input("dloss", Tensor::Scalar<float>(1))
        .Outputs({"dX"})
        .ExpectError(kInvalid, "must be in [-1, 2)");
  }
}

TEST(SpatialSoftmaxWithLossTest, RejectsShapesAndTypesThatDoNotFit) {
  Loss(Tensor::Of<float>({1, 2}, {0, 0}), Tensor::Of<int32_t>({1}, {0}))
      .ExpectError(kInvalid, "the logits must be [N,D,H,W]");
  Loss(Logits(), Tensor::Of<int32_t>({1, 2, 1}, {0, 0})).ExpectError(kInvalid, "take labels");
  Loss(Logits(), Tensor::Of<float>({1, 1, 2}, {0, 0})).ExpectError(kInvalid, "float");
  const auto weighted = [](absl::StatusOr<Tensor> weights) {
    return OpTester("SpatialSoftmaxWithLoss")
        .Input("X", Logits())
        .Input("label", Tensor::Of<int32_t>({1, 1, 2}, {0, 0}))
        .Input("weights", std::move(weights))
        .Outputs({"P", "loss"});
  };
  weighted(Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "take as many weights");
  weighted(Tensor::Of<double>({2}, {1, 1})).ExpectError(kInvalid, "must have the type");
}

TEST(SpatialSoftmaxWithLossTest, RejectsOtherOrdersAndNegativeScales) {
  Loss(Logits(), Tensor::Of<int32_t>({1, 1, 2}, {0, 0}))
      .Arg("order", "NHWC")
      .ExpectError(absl::StatusCode::kUnimplemented, "only \"NCHW\"");
  Loss(Logits(), Tensor::Of<int32_t>({1, 1, 2}, {0, 0}))
      .Arg("scale", -1.0f)
      .ExpectError(kInvalid, "must be >= 0");
}

}  // namespace
}  // namespace doppio
