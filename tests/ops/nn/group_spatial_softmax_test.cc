#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Softmax(const absl::StatusOr<Tensor>& scores, int classes) {
  OpTester tester("GroupSpatialSoftmax");
  tester.Input("scores", scores).Arg("num_classes", classes).Outputs({"probabilities"});
  return tester;
}

TEST(GroupSpatialSoftmaxTest, GivesTheDocumentedExample) {
  Softmax(Tensor::Of<float>({1, 4, 1, 1}, {0, 0, 0, 1.098612f}), 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 4, 1, 1}, {0.5, 0.5, 0.25, 0.75}), 1e-6);
}

TEST(GroupSpatialSoftmaxTest, LooksAtEachPositionAlone) {
  Softmax(Tensor::Of<float>({1, 2, 1, 2}, {0, 1000, 0, -1000}), 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {0.5, 1, 0.5, 0}));
}

TEST(GroupSpatialSoftmaxTest, SpoilsOnlyTheGroupWithNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Softmax(Tensor::Of<float>({1, 4, 1, 1}, {0, nan, 0, 0}), 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 4, 1, 1}, {nan, nan, 0.5, 0.5}));
}

TEST(GroupSpatialSoftmaxTest, RejectsChannelsThatAreNoGroups) {
  Softmax(Tensor::Of<float>({1, 3, 1, 1}, {0, 0, 0}), 2)
      .ExpectError(kInvalid, "must be [N,A*2,H,W] for some number A of groups, but are [1,3,1,1]");
  Softmax(Tensor::Of<float>({2}, {0, 0}), 2).ExpectError(kInvalid, "but are [2]");
  Softmax(Tensor::Of<float>({1, 0, 1, 1}, {}), 0)
      .ExpectError(kInvalid, "num_classes is 0, must be at least 1");
  Softmax(Tensor::Of<float>({1, 2, 1, 1}, {0, 0}), 2)
      .Arg("order", "NHWC")
      .ExpectError(absl::StatusCode::kUnimplemented, "order NCHW alone");
}

TEST(GroupSpatialSoftmaxGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("GroupSpatialSoftmaxGradient")
      .Input("probabilities", Tensor::Of<float>({1, 2, 1, 1}, {0.5, 0.5}))
      .Input("dP", Tensor::Of<float>({2, 1, 1, 1}, {1, 1}))
      .Arg("num_classes", 2)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have the same type and shape");
}

}  // namespace
}  // namespace doppio
