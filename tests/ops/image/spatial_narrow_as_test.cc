#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Narrow(const absl::StatusOr<Tensor>& a, const absl::StatusOr<Tensor>& b) {
  OpTester tester("SpatialNarrowAs");
  tester.Input("A", a).Input("B", b).Outputs({"C"});
  return tester;
}

absl::StatusOr<Tensor> Zeros(DimsView dims) {
  return Tensor::FromSpan<float>(
      dims, std::vector<float>(static_cast<size_t>(SizeFromDim(dims, 0)), 0.0f));
}

TEST(SpatialNarrowAsTest, GivesTheDocumentedExample) {
  Narrow(Tensor::Of<float>({1, 2, 3}, {1, 2, 3, 4, 5, 6}), Zeros({1, 1, 2}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2}, {1, 2}));
}

TEST(SpatialNarrowAsTest, TakesASizeWithoutChannels) {
  Narrow(Tensor::Of<int32_t>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), Zeros({1, 2, 1}))
      .ExpectOutput(0, Tensor::Of<int32_t>({1, 2, 2, 1}, {1, 3, 5, 7}));
}

TEST(SpatialNarrowAsTest, LeavesNothingOfASizeOfNothing) {
  Narrow(Zeros({2, 3, 4, 5}), Zeros({2, 3, 0, 5})).ExpectOutput(0, Zeros({2, 3, 0, 5}));
}

TEST(SpatialNarrowAsTest, RejectsSizesThatAreNoParts) {
  const auto a = Zeros({1, 2, 3, 3});
  for (const Dims& b : {Dims{2, 2, 3, 3}, Dims{1, 1, 3, 3}, Dims{1, 2, 4, 3}, Dims{1, 2, 3, 4},
                        Dims{1, 4, 3}, Dims{3, 3}}) {
    Narrow(a, Zeros(b)).ExpectError(kInvalid, "but they are [1,2,3,3] and");
  }
  Narrow(Zeros({1, 3, 3}), Zeros({1, 1, 3, 3})).ExpectError(kInvalid, "A must be [N,C,H,W]");
}

TEST(SpatialNarrowAsGradientTest, FillsWithZeros) {
  OpTester("SpatialNarrowAsGradient")
      .Input("A", Zeros({1, 2, 3}))
      .Input("B", Zeros({1, 1, 2}))
      .Input("dC", Tensor::Of<float>({1, 1, 2}, {7, 8}))
      .Outputs({"dA"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 3}, {7, 8, 0, 0, 0, 0}));
}

TEST(SpatialNarrowAsGradientTest, RejectsAGradientOfAnotherShape) {
  OpTester("SpatialNarrowAsGradient")
      .Input("A", Zeros({1, 2, 3}))
      .Input("B", Zeros({1, 1, 2}))
      .Input("dC", Zeros({1, 2, 1}))
      .Outputs({"dA"})
      .ExpectError(kInvalid, "is not what SpatialNarrowAs makes of A");
}

}  // namespace
}  // namespace doppio
