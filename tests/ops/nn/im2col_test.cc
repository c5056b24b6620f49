#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(Im2ColTest, WritesOutTapByTap) {
  OpTester("Im2Col")
      .Input("X", Tensor::Of<float>({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}))
      .Arg("kernel", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 4, 1, 2}, {1, 2, 2, 3, 4, 5, 5, 6}));
}

TEST(Im2ColTest, WritesOutPlaceByPlaceInNhwc) {
  OpTester("Im2Col")
      .Input("X", Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4}))
      .Arg("kernel_h", 1)
      .Arg("kernel_w", 2)
      .Arg("order", "NHWC")
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 4}, {1, 2, 3, 4}));
}

TEST(Im2ColTest, PadsWithZeros) {
  OpTester("Im2Col")
      .Input("X", Tensor::Of<float>({1, 1, 1, 1}, {5}))
      .Arg("kernel", 1)
      .Arg("pad", 1)
      .Arg("stride", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {0, 0, 0, 0}));
}

TEST(Im2ColTest, TakesAnEmptyBatch) {
  OpTester("Im2Col")
      .Input("X", Tensor::Create(DataType::kFloat, {0, 1, 2, 2}))
      .Arg("kernel", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 4, 1, 1}));
}

TEST(Im2ColTest, RejectsKernelsLargerThanTheImageEvenWithPads) {
  OpTester("Im2Col")
      .Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 2}))
      .Arg("kernel", 2)
      .Arg("pad", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid,
                   "kernel of 2 (dilation included) is larger than the image X [1,1,1,2]");
}

TEST(Im2ColTest, RejectsArgumentsThatMakeNoWindow) {
  const auto tester = [] {
    OpTester t("Im2Col");
    t.Input("X", Tensor::Of<float>({1, 1, 1, 2}, {1, 2})).Outputs({"Y"});
    return t;
  };
  tester().ExpectError(kInvalid, "kernel [0,0] has 0, below 1");
  tester().Arg("kernel", 1).Arg("stride_h", 0).ExpectError(kInvalid, "stride [0,1] has 0, below 1");
  tester().Arg("kernel", 1).Arg("pad", -1).ExpectError(kInvalid, "has -1, below 0");
  tester().Arg("kernel", 1).Arg("order", "HW").ExpectError(kInvalid, "must be NCHW or NHWC");
}

TEST(Col2ImTest, AddsUpWhatOverlaps) {
  OpTester("Col2Im")
      .Input("X", Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 10, 20}))
      .Input("Z", Tensor::Create(DataType::kUInt8, {1, 1, 1, 3}))
      .Arg("kernel_h", 1)
      .Arg("kernel_w", 2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 3}, {1, 12, 20}));
}

TEST(Col2ImTest, RejectsAnImageOfAnotherSize) {
  OpTester("Col2Im")
      .Input("X", Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 10, 20}))
      .Input("Z", Tensor::Create(DataType::kFloat, {1, 1, 1, 4}))
      .Arg("kernel_h", 1)
      .Arg("kernel_w", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "are [1,2,1,3]");
}

TEST(Col2ImTest, RejectsAnImageOfThreeDimensions) {
  OpTester("Col2Im")
      .Input("X", Tensor::Of<float>({1, 1, 1}, {1}))
      .Input("Z", Tensor::Of<float>({1, 1, 1}, {1}))
      .Arg("kernel", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the kernel [1,1] has 2 dimensions");
}

}  // namespace
}  // namespace doppio
