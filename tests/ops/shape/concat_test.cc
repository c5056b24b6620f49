#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Concat(absl::StatusOr<Tensor> a, absl::StatusOr<Tensor> b) {
  OpTester tester("Concat");
  tester.Input("A", std::move(a)).Input("B", std::move(b)).Outputs({"Y", "split_info"});
  return tester;
}

TEST(ConcatTest, JoinsAlongTheAxis) {
  Concat(Tensor::Of<float>({2, 2}, {1, 2, 3, 4}), Tensor::Of<float>({1, 2}, {5, 6}))
      .Arg("axis", 0)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {2, 1}));
  Concat(Tensor::Of<int64_t>({2, 1}, {1, 2}), Tensor::Of<int64_t>({2, 2}, {3, 4, 5, 6}))
      .Arg("axis", -1)
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 3}, {1, 3, 4, 2, 5, 6}));
}

TEST(ConcatTest, JoinsChannelsByDefaultAndByOrder) {
  const auto a = Tensor::Of<float>({1, 1, 1, 2}, {1, 2});
  const auto b = Tensor::Of<float>({1, 1, 1, 2}, {3, 4});
  Concat(a, b).ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 3, 4}));
  Concat(a, b).Arg("order", "NCHW").ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 3, 4}));
  Concat(a, b).Arg("order", "NHWC").ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 4}, {1, 2, 3, 4}));
}

TEST(ConcatTest, StacksAlongANewAxis) {
  Concat(Tensor::Of<float>({2}, {1, 2}), Tensor::Of<float>({2}, {3, 4}))
      .Arg("axis", 1)
      .Arg("add_axis", 1)
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 3, 2, 4}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {1, 1}));
  Concat(Tensor::Scalar<float>(1), Tensor::Scalar<float>(2))
      .Arg("axis", 0)
      .Arg("add_axis", 1)
      .ExpectOutput(0, Tensor::Of<float>({2}, {1, 2}));
}

TEST(ConcatTest, JoinsStringsAndEmptyTensors) {
  Concat(Tensor::Of<std::string>({1}, {"a"}), Tensor::Of<std::string>({0}, {}))
      .Arg("axis", 0)
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"a"}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {1, 0}));
}

TEST(ConcatTest, TakesTheSameBlobTwice) {
  OpTester("Concat")
      .Input("A", Tensor::Of<float>({1}, {7}))
      .Input("A")
      .Arg("axis", 0)
      .Outputs({"Y", "split_info"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {7, 7}));
}

TEST(ConcatTest, RejectsShapesThatDifferElsewhere) {
  Concat(Tensor::Of<float>({1, 2}, {1, 2}), Tensor::Of<float>({1, 1}, {1}))
      .Arg("axis", 0)
      .ExpectError(kInvalid,
                   "cannot concatenate [1,2] and [1,1] (input 1): only dimension 0 may differ");
  Concat(Tensor::Of<float>({1}, {1}), Tensor::Of<float>({1, 1}, {1}))
      .Arg("axis", 0)
      .ExpectError(kInvalid, "cannot concatenate [1] and [1,1]");
  Concat(Tensor::Of<float>({2}, {1, 2}), Tensor::Of<float>({1}, {1}))
      .Arg("axis", 0)
      .Arg("add_axis", 1)
      .ExpectError(kInvalid, "along a new axis: they must have the same shape");
}

TEST(ConcatTest, RejectsTypesThatDiffer) {
  Concat(Tensor::Of<float>({1}, {1}), Tensor::Of<double>({1}, {1}))
      .Arg("axis", 0)
      .ExpectError(kInvalid, "cannot concatenate float and double (input 1)");
}

TEST(ConcatTest, RejectsABadAxis) {
  const auto x = Tensor::Of<float>({1}, {1});
  Concat(x, x).Arg("axis", 1).ExpectError(kInvalid, "axis 1 is out of range");
  Concat(x, x).Arg("axis", -2).ExpectError(kInvalid, "axis -2 is out of range");
  Concat(x, x).ExpectError(kInvalid, "axis 1 is out of range");
  Concat(x, x).Arg("order", "HWC").ExpectError(kInvalid, "must be NCHW or NHWC");
  Concat(x, x)
      .Arg("axis", 0)
      .Arg("order", "NCHW")
      .ExpectError(kInvalid, "give either \"axis\" or \"order\", not both");
  Concat(Tensor::Scalar<float>(1), Tensor::Scalar<float>(1))
      .Arg("axis", 0)
      .ExpectError(kInvalid, "axis 0 is out of range for a tensor of rank 0");
}

TEST(ConcatTest, RejectsSizesThatDoNotFitIntoSplitInfo) {
  const auto wide = Tensor::Create(DataType::kFloat, {0, int64_t{1} << 40});
  Concat(wide, wide).Arg("axis", 1).ExpectError(kInvalid, "does not fit into split_info");
}

TEST(ConcatTest, RejectsNoInputs) {
  OpTester("Concat").Outputs({"Y", "split_info"}).ExpectError(kInvalid, "takes at least 1 inputs");
}

}  // namespace
}  // namespace doppio
