#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Clipped(absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> grad) {
  return OpTester("EnsureClipped")
      .Input("param", Tensor::Of<float>({2, 2}, {9, 1, 9, -9}))
      .Input("indices", std::move(indices))
      .Input("grad", std::move(grad))
      .Arg("min", -2.0f)
      .Arg("max", 2.0f)
      .Outputs({"param"});
}

absl::StatusOr<Tensor> Gradient() { return Tensor::Of<float>({1, 2}, {0, 0}); }

TEST(EnsureClippedTest, ClipsRowsThatWereUpdated) {
  Clipped(Tensor::Of<int32_t>({1}, {1}), Gradient())
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {9, 1, 2, -2}));
  Clipped(Tensor::Of<int64_t>({0}, {}), Tensor::Of<float>({0, 2}, {}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {9, 1, 9, -9}));
}

TEST(EnsureClippedTest, ClipsAllWithoutIndices) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  OpTester("EnsureClipped")
      .Input("param", Tensor::Of<float>({3}, {-5, 5, kNan}))
      .Arg("min", 0.0f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {0, 5, kNan}));
}

TEST(EnsureClippedTest, RejectsIndicesThatAreNoRows) {
  for (const int32_t index : {-1, 2}) {
    Clipped(Tensor::Of<int32_t>({1}, {index}), Gradient())
        .ExpectError(kInvalid, "must be in [0, 2)");
  }
}

TEST(EnsureClippedTest, RejectsAGradientOfAnotherSize) {
  Clipped(Tensor::Of<int32_t>({2}, {0, 1}), Gradient())
      .ExpectError(kInvalid, "must have a row of param");
}

TEST(EnsureClippedTest, RejectsRowsThatAreNotInPlace) {
  OpTester("EnsureClipped")
      .Input("param", Tensor::Of<float>({1, 1}, {1}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("grad", Tensor::Of<float>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the output must be param itself");
}

TEST(EnsureClippedTest, RejectsIndicesWithoutAGradientAndOtherTypes) {
  OpTester("EnsureClipped")
      .Input("param", Tensor::Of<float>({1, 1}, {1}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "as a third input");
  OpTester("EnsureClipped")
      .Input("param", Tensor::Of<double>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "double");
}

TEST(EnsureClippedTest, RejectsBoundsWithNothingBetween) {
  OpTester("EnsureClipped")
      .Input("param", Tensor::Of<float>({1}, {1}))
      .Arg("min", 2.0f)
      .Arg("max", 1.0f)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "nothing between");
}

}  // namespace
}  // namespace doppio
