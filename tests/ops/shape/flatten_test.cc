#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(FlattenTest, MakesAMatrix) {
  const auto x = Tensor::Create(DataType::kString, {2, 3, 4});
  const auto run = [&](int axis, std::initializer_list<int64_t> dims) {
    OpTester("Flatten")
        .Input("X", x)
        .Arg("axis", axis)
        .Outputs({"Y"})
        .ExpectOutput(0, Tensor::Create(DataType::kString, DimsView(dims.begin(), dims.size())));
  };
  run(0, {1, 24});
  run(1, {2, 12});
  run(2, {6, 4});
  run(3, {24, 1});
}

TEST(FlattenTest, KeepsTheElementsInTheirOrder) {
  OpTester("Flatten")
      .Input("X", Tensor::Of<float>({2, 1, 2}, {1, 2, 3, 4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
}

TEST(FlattenTest, FlattensNothing) {
  OpTester("Flatten")
      .Input("X", Tensor::Create(DataType::kFloat, {0, 2, 3}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 6}));
}

TEST(FlattenTest, RejectsAnAxisThatXHasNot) {
  for (const int axis : {-1, 2}) {
    OpTester("Flatten")
        .Input("X", Tensor::Of<float>({1}, {1}))
        .Arg("axis", axis)
        .Outputs({"Y"})
        .ExpectError(kInvalid, absl::StrCat("axis is ", axis, ", but must be in [0, 1]"));
  }
  OpTester("Flatten")
      .Input("X", Tensor::Scalar<float>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis is 1, but must be in [0, 0]");
}

TEST(FlattenTest, HasTheGradientInXsShape) {
  for (const char* type : {"Flatten", "FlattenToVec"}) {
    const auto meta =
        GetGradientForOp(CreateOperatorDef(type, "", {"X"}, {"Y"}), {GradientWrapper::Dense("dY")});
    ASSERT_TRUE(meta.ok()) << meta.status();
    ASSERT_EQ(meta->ops.size(), 1u);
    EXPECT_EQ(OpToString(meta->ops[0]), "ResizeLike(dY, X) -> X_grad");
  }
}

TEST(FlattenToVecTest, MakesAVector) {
  OpTester("FlattenToVec")
      .Input("X", Tensor::Of<int32_t>({2, 2}, {1, 2, 3, 4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({4}, {1, 2, 3, 4}));
}

TEST(FlattenToVecTest, RejectsAScalar) {
  OpTester("FlattenToVec")
      .Input("X", Tensor::Scalar<float>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "is a scalar");
}

TEST(ResizeLikeTest, TakesTheShapeOfAnother) {
  OpTester("ResizeLike")
      .Input("X", Tensor::Of<float>({4}, {1, 2, 3, 4}))
      .Input("like", Tensor::Create(DataType::kBool, {2, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
}

TEST(ResizeLikeTest, RejectsAnotherNumberOfElements) {
  OpTester("ResizeLike")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("like", Tensor::Create(DataType::kFloat, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have as many elements");
}

TEST(SizeTest, CountsElements) {
  const auto run = [](std::initializer_list<int64_t> dims, int64_t size) {
    OpTester("Size")
        .Input("X", Tensor::Create(DataType::kInt8, DimsView(dims.begin(), dims.size())))
        .Outputs({"size"})
        .ExpectOutput(0, Tensor::Scalar<int64_t>(size));
  };
  run({3, 4, 5}, 60);
  run({}, 1);
  run({0, 4}, 0);
}

TEST(SizeTest, RejectsTwoInputs) {
  OpTester("Size")
      .Input("X", Tensor::Scalar<float>(1))
      .Input("Z", Tensor::Scalar<float>(1))
      .Outputs({"size"})
      .ExpectError(kInvalid, "takes 1 input, but has 2");
}

TEST(LengthsToShapeTest, GivesCountAndLength) {
  OpTester("LengthsToShape")
      .Input("lengths", Tensor::Of<int32_t>({3}, {4, 4, 4}))
      .Outputs({"shape"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {3, 4}));
  OpTester("LengthsToShape")
      .Input("lengths", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"shape"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {1, 0}));
}

TEST(LengthsToShapeTest, RejectsLengthsOfNoMatrix) {
  const auto run = [](absl::StatusOr<Tensor> lengths, const char* message) {
    OpTester("LengthsToShape")
        .Input("lengths", std::move(lengths))
        .Outputs({"shape"})
        .ExpectError(kInvalid, message);
  };
  run(Tensor::Of<int32_t>({3}, {4, 4, 5}), "length 2 is 5 and length 0 is 4");
  run(Tensor::Of<int32_t>({2}, {-1, -1}), "length 0 is -1, must not be negative");
  run(Tensor::Create(DataType::kInt32, {0}), "int32[0]");
  run(Tensor::Scalar<int32_t>(1), "int32[]");
  run(Tensor::Of<int64_t>({1}, {1}), "int64[1]");
}

TEST(EnsureTest, GivesWhatItIsGiven) {
  const auto x = Tensor::Of<float>({2}, {1, 2});
  for (const char* type : {"EnsureCPUOutput", "CopyFromCPUInput", "EnsureDense"}) {
    OpTester(type).Input("X", x).Outputs({"Y"}).ExpectOutput(0, x);
  }
  OpTester("AliasWithName").Input("X", x).Arg("name", "n").Outputs({"Y"}).ExpectOutput(0, x);
  OpTester("EnsureDense").Input("X", x).Outputs({"X"}).ExpectOutput(0, x);
}

TEST(EnsureTest, RejectsADenseScalar) {
  OpTester("EnsureDense")
      .Input("X", Tensor::Scalar<float>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be at least a vector");
}

TEST(EnsureDenseGradientTest, IsDenseWhateverItIsGiven) {
  const OperatorDef def = CreateOperatorDef("EnsureDense", "", {"X"}, {"Y"});
  const auto dense = GetGradientForOp(def, {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(dense.ok()) << dense.status();
  EXPECT_TRUE(dense->ops.empty());
  EXPECT_EQ(dense->g_input[0], GradientWrapper::Dense("dY"));
  const auto sparse = GetGradientForOp(def, {GradientWrapper::Sparse("rows", "values")});
  ASSERT_TRUE(sparse.ok()) << sparse.status();
  ASSERT_EQ(sparse->ops.size(), 1u);
  EXPECT_EQ(OpToString(sparse->ops[0]), "SparseToDense(rows, values, X) -> X_grad");
  EXPECT_EQ(sparse->g_input[0], GradientWrapper::Dense("X_grad"));
}

}  // namespace
}  // namespace doppio
