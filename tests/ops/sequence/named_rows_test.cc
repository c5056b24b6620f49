// Operators that work on the rows that indices name.

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester RemoveDataBlocks(const absl::StatusOr<Tensor>& data,
                          const absl::StatusOr<Tensor>& indices) {
  OpTester tester("RemoveDataBlocks");
  tester.Input("data", data).Input("indices", indices).Outputs({"Y"});
  return tester;
}

TEST(RemoveDataBlocksTest, TakesRowsOutInAnyOrder) {
  const auto data = Tensor::Of<float>({4}, {5, 6, 7, 8});
  RemoveDataBlocks(data, Tensor::Of<int32_t>({3}, {2, 0, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {6, 8}));
  RemoveDataBlocks(data, Tensor::Of<int64_t>({1}, {3}))
      .ExpectOutput(0, Tensor::Of<float>({3}, {5, 6, 7}));
  RemoveDataBlocks(Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}),
                   Tensor::Of<int32_t>({1}, {0}))
      .ExpectOutput(0, Tensor::Of<std::string>({1, 2}, {"c", "d"}));
  RemoveDataBlocks(data, Tensor::Of<int32_t>({4}, {3, 2, 1, 0}))
      .ExpectOutput(0, Tensor::Of<float>({0}, {}));
}

TEST(RemoveDataBlocksTest, TakesAnEmptyListOfAnyType) {
  const auto data = Tensor::Of<float>({2}, {5, 6});
  RemoveDataBlocks(data, Tensor::Of<double>({0}, {})).ExpectOutput(0, data);
  RemoveDataBlocks(data, Tensor::Of<int32_t>({0}, {})).ExpectOutput(0, data);
}

TEST(RemoveDataBlocksTest, RejectsWhatIsNoRow) {
  const auto data = Tensor::Of<float>({2}, {5, 6});
  RemoveDataBlocks(data, Tensor::Of<int32_t>({2}, {0, 2}))
      .ExpectError(kInvalid, "index 1 is 2, but must be in [0, 2)");
  RemoveDataBlocks(data, Tensor::Of<int64_t>({1}, {-1}))
      .ExpectError(kInvalid, "index 0 is -1, but must be in [0, 2)");
  RemoveDataBlocks(data, Tensor::Of<double>({1}, {0}))
      .ExpectError(kInvalid, "element type double is not supported");
  RemoveDataBlocks(data, Tensor::Of<int32_t>({1, 1}, {0}))
      .ExpectError(kInvalid, "indices must be a vector");
  RemoveDataBlocks(Tensor::Scalar(1.0f), Tensor::Of<int32_t>({0}, {}))
      .ExpectError(kInvalid, "data must be at least a vector");
}

OpTester CopyRowsToTensor(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& indices,
                          const absl::StatusOr<Tensor>& row) {
  OpTester tester("CopyRowsToTensor");
  tester.Input("X", x).Input("indices", indices).Input("row", row).Outputs({"X"});
  return tester;
}

TEST(CopyRowsToTensorTest, OverwritesRows) {
  const auto x = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto row = Tensor::Of<float>({2}, {9, 0});
  CopyRowsToTensor(x, Tensor::Of<int64_t>({1}, {1}), row)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 2, 9, 0, 5, 6}));
  CopyRowsToTensor(x, Tensor::Of<int64_t>({3}, {2, 0, 2}), row)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {9, 0, 3, 4, 9, 0}));
  CopyRowsToTensor(x, Tensor::Of<int64_t>({0}, {}), row).ExpectOutput(0, x);
}

TEST(CopyRowsToTensorTest, RejectsWhatDoesNotFit) {
  const auto x = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto row = Tensor::Of<float>({2}, {9, 0});
  const auto indices = Tensor::Of<int64_t>({1}, {1});
  CopyRowsToTensor(x, Tensor::Of<int64_t>({2}, {0, 3}), row)
      .ExpectError(kInvalid, "index 1 is 3, but must be in [0, 3)");
  CopyRowsToTensor(x, Tensor::Of<int64_t>({1}, {-1}), row)
      .ExpectError(kInvalid, "index 0 is -1, but must be in [0, 3)");
  CopyRowsToTensor(x, Tensor::Of<int32_t>({1}, {1}), row)
      .ExpectError(kInvalid, "indices must be a vector of int64, but is int32[1]");
  CopyRowsToTensor(x, indices, Tensor::Of<float>({3}, {1, 2, 3}))
      .ExpectError(kInvalid, "row \"row\" float[3] must be a vector of the type of input_tensor");
  CopyRowsToTensor(x, indices, Tensor::Of<double>({2}, {1, 2}))
      .ExpectError(kInvalid, "row \"row\" double[2] must be a vector");
  CopyRowsToTensor(Tensor::Of<float>({2}, {1, 2}), indices, row)
      .ExpectError(kInvalid, "which must be a matrix");
  OpTester("CopyRowsToTensor")
      .Input("X", x)
      .Input("indices", indices)
      .Input("row", row)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "");
}

TEST(CopyRowsToTensorTest, ItsGradientGoesToTheRowsThatStayedAndToTheRow) {
  const auto gradient =
      GetGradientForOp(CreateOperatorDef("CopyRowsToTensor", "", {"X", "I", "R"}, {"X"}),
                       {GradientWrapper::Dense("dX")});
  ASSERT_TRUE(gradient.ok()) << gradient.status();
  ASSERT_EQ(gradient->ops.size(), 1u);
  OpTester(gradient->ops[0])
      .Feed("I", Tensor::Of<int64_t>({3}, {2, 0, 2}))
      .Feed("dX", Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {0, 0, 3, 4, 0, 0}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {6, 8}));
}

TEST(CopyRowsToTensorGradientTest, CopiesWithoutIndicesAsOldNetsHaveIt) {
  const auto dy = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  OpTester("CopyRowsToTensorGradient").Input("dY", dy).Outputs({"dX"}).ExpectOutput(0, dy);
  OpTester("CopyRowsToTensorGradient")
      .Input("dY", Tensor::Of<float16>({1}, {float16(2.0f)}))
      .Outputs({"dY"})
      .ExpectOutput(0, Tensor::Of<float16>({1}, {float16(2.0f)}));
}

TEST(CopyRowsToTensorGradientTest, RejectsWhatDoesNotFit) {
  const auto dy = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  OpTester("CopyRowsToTensorGradient")
      .Input("dY", dy)
      .Outputs({"dX", "drow"})
      .ExpectError(kInvalid, "drow needs indices");
  OpTester("CopyRowsToTensorGradient")
      .Input("dY", dy)
      .Input("indices", Tensor::Of<int64_t>({1}, {2}))
      .Outputs({"dX", "drow"})
      .ExpectError(kInvalid, "index 0 is 2, but must be in [0, 2)");
  OpTester("CopyRowsToTensorGradient")
      .Input("dY", Tensor::Of<float>({2}, {1, 2}))
      .Input("indices", Tensor::Of<int64_t>({0}, {}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "dY must be a matrix");
  OpTester("CopyRowsToTensorGradient")
      .Input("dY", Tensor::Of<bool>({1, 1}, {true}))
      .Input("indices", Tensor::Of<int64_t>({0}, {}))
      .Outputs({"dX", "drow"})
      .ExpectError(kInvalid, "element type bool is not supported");
}

}  // namespace
}  // namespace doppio
