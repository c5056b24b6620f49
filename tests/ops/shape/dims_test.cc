// ExpandDims, Squeeze and Shape.
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester OnDims(absl::string_view type, std::initializer_list<int64_t> x,
                std::vector<int64_t> dims) {
  OpTester tester(type);
  const int64_t count = SizeFromDim(DimsView(x.begin(), x.size()), 0);
  tester.Input("X", Tensor::FromSpan<float>(DimsView(x.begin(), x.size()),
                                            std::vector<float>(static_cast<size_t>(count), 1)));
  tester.Arg("dims", dims).Outputs({"Y"});
  return tester;
}

std::string ShapeOf(OpTester tester) { return ShapeToString(tester.Output(0).dims()); }

TEST(ExpandDimsTest, PutsOnesWhereTheOutputShallHaveThem) {
  EXPECT_EQ(ShapeOf(OnDims("ExpandDims", {3, 4, 5}, {0, 4})), "[1,3,4,5,1]");
  EXPECT_EQ(ShapeOf(OnDims("ExpandDims", {3, 4}, {2, 1, 1})), "[3,1,1,4]");
  EXPECT_EQ(ShapeOf(OnDims("ExpandDims", {}, {0})), "[1]");
  EXPECT_EQ(ShapeOf(OnDims("ExpandDims", {0}, {0})), "[1,0]");
}

TEST(ExpandDimsTest, RejectsDimsThatTheOutputDoesNotHave) {
  OnDims("ExpandDims", {3}, {2})
      .ExpectError(kInvalid, "cannot add dimension 2 to [3]: the result has rank 2");
  OnDims("ExpandDims", {3}, {-1}).ExpectError(kInvalid, "must not be negative");
  OnDims("ExpandDims", {3}, {INT64_MAX}).ExpectError(kInvalid, "cannot add dimension");
  OnDims("ExpandDims", {3}, {}).ExpectError(kInvalid, "must name at least one dimension");
  std::vector<int64_t> many;
  for (int64_t i = 0; i < 32; ++i) many.push_back(i);
  OnDims("ExpandDims", {3}, many).ExpectError(kInvalid, "the limit is rank 32");
  OpTester("ExpandDims")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "argument \"dims\" is missing");
}

TEST(SqueezeTest, RemovesDimensionsOfSize1) {
  EXPECT_EQ(ShapeOf(OnDims("Squeeze", {1, 3, 4, 5, 1}, {0, 4})), "[3,4,5]");
  EXPECT_EQ(ShapeOf(OnDims("Squeeze", {1, 1}, {1})), "[1]");
  EXPECT_EQ(ShapeOf(OnDims("Squeeze", {1}, {0})), "[]");
}

TEST(SqueezeTest, RejectsDimensionsOfAnotherSize) {
  OnDims("Squeeze", {1, 3}, {1})
      .ExpectError(kInvalid, "cannot squeeze [1,3]: dimension 1 is 3, must be 1");
  OnDims("Squeeze", {1, 0}, {1}).ExpectError(kInvalid, "dimension 1 is 0");
  OnDims("Squeeze", {1}, {1}).ExpectError(kInvalid, "cannot squeeze dimension 1 of [1]");
  OnDims("Squeeze", {}, {0}).ExpectError(kInvalid, "cannot squeeze dimension 0 of []");
  OnDims("Squeeze", {1}, {-1}).ExpectError(kInvalid, "must not be negative");
}

TEST(SqueezeTest, CopiesNothingInPlace) {
  const Tensor x = *Tensor::Of<float>({1, 2}, {1, 2});
  MapScope scope;
  scope.Feed("X", x);
  for (const char* type : {"Squeeze", "ExpandDims"}) {
    const OperatorDef def =
        CreateOperatorDef(type, "", {"X"}, {"X"}, {MakeArgument("dims", std::vector<int64_t>{0})});
    ASSERT_TRUE((*CreateOperator(def, &scope))->Run().ok());
    EXPECT_TRUE(scope.Fetch("X")->SharesStorageWith(x)) << type;
  }
}

TEST(ShapeTest, GivesAllSizesOrThoseOfTheAxes) {
  OpTester("Shape")
      .Input("X", Tensor::Of<std::string>({2, 1, 0}, {}))
      .Outputs({"shape"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {2, 1, 0}));
  OpTester("Shape")
      .Input("X", Tensor::Of<float>({2, 1, 0}, {}))
      .Arg("axes", std::vector<int64_t>{2, 0, 0})
      .Outputs({"shape"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {0, 2, 2}));
  OpTester("Shape")
      .Input("X", Tensor::Scalar<float>(1))
      .Outputs({"shape"})
      .ExpectOutput(0, Tensor::Of<int64_t>({0}, {}));
}

TEST(ShapeTest, RejectsAxesOutOfRange) {
  for (int64_t axis : {int64_t{-1}, int64_t{1}, INT64_MIN}) {
    OpTester("Shape")
        .Input("X", Tensor::Of<float>({1}, {1}))
        .Arg("axes", std::vector<int64_t>{axis})
        .Outputs({"shape"})
        .ExpectError(kInvalid, "is out of range for [1]");
  }
}

TEST(ShapeTest, IsKnownToInference) {
  const OpSchema& schema = *OpSchemaRegistry::Schema("Shape");
  const auto outputs = schema.Infer(CreateOperatorDef("Shape", "", {"X"}, {"Y"}),
                                    {{DataType::kFloat, Dims{2, 3}, std::nullopt}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_TRUE((*outputs)[0].value.has_value());
  EXPECT_TRUE(TensorEquals(*(*outputs)[0].value, Tensor::Of<int64_t>({2}, {2, 3})));
}

}  // namespace
}  // namespace doppio
