#include <cmath>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const char* const kReductions[] = {"ReduceSum", "ReduceMean"};

OpTester Reduce(const char* type, std::vector<int64_t> axes, bool keepdims) {
  OpTester tester(type);
  tester.Input("X", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}))
      .Arg("axes", axes)
      .Arg<int>("keepdims", keepdims)
      .Outputs({"Y"});
  return tester;
}

TEST(ReduceTest, SumsAndAveragesAlongAxes) {
  Reduce("ReduceSum", {0}, true).ExpectOutput(0, Tensor::Of<float>({1, 3}, {5, 7, 9}));
  Reduce("ReduceSum", {-1}, false).ExpectOutput(0, Tensor::Of<float>({2}, {6, 15}));
  Reduce("ReduceMean", {1}, false).ExpectOutput(0, Tensor::Of<float>({2}, {2, 5}));
  Reduce("ReduceMean", {}, true).ExpectOutput(0, Tensor::Of<float>({1, 1}, {3.5f}));
}

TEST(ReduceTest, ReducesAllAndKeepsDimensionsByDefault) {
  OpTester("ReduceSum")
      .Input("X", Tensor::Of<int64_t>({1, 2}, {3, 4}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int64_t>({1, 1}, {7}));
}

TEST(ReduceTest, OfNothingIsZeroOrNaN) {
  OpTester("ReduceSum")
      .Input("X", Tensor::Of<float>({0, 1}, {}))
      .Arg("axes", std::vector<int64_t>{0})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {0}));
  OpTester("ReduceMean")
      .Input("X", Tensor::Of<float>({0}, {}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1}, {std::nanf("")}));
}

TEST(ReduceTest, RefusesAnAxisThatXHasNot) {
  for (const char* type : kReductions) {
    Reduce(type, {2}, true).ExpectError(kInvalid, "2");
    Reduce(type, {-3}, true).ExpectError(kInvalid, "-3");
  }
}

TEST(ReduceTest, RefusesAnAxisTwice) {
  for (const char* type : kReductions) {
    Reduce(type, {1, -1}, true).ExpectError(kInvalid, "names dimension 1 of X [2,3] twice");
  }
}

TEST(ReduceTest, RefusesTypesWithoutASum) {
  for (const char* type : kReductions) {
    OpTester(type)
        .Input("X", Tensor::Of<bool>({1}, {true}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, "bool is not supported here");
  }
}

TEST(ReduceGradientTest, TakesDYWithOrWithoutTheReducedDimensions) {
  for (const bool keeps : {false, true}) {
    OpTester("ReduceMeanGradient")
        .Input("dY", keeps ? Tensor::Of<float>({2, 1}, {2, 4}) : Tensor::Of<float>({2}, {2, 4}))
        .Input("X", Tensor::Of<float>({2, 2}, {0, 0, 0, 0}))
        .Input("Y", Tensor::Of<float>({2}, {0, 0}))
        .Arg("axes", std::vector<int64_t>{1})
        .Outputs({"dX"})
        .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 1, 2, 2}));
  }
}

TEST(ReduceGradientTest, RefusesADYOfAnotherShape) {
  for (const char* type : {"ReduceSumGradient", "ReduceMeanGradient"}) {
    OpTester(type)
        .Input("dY", Tensor::Of<float>({3}, {1, 2, 3}))
        .Input("X", Tensor::Of<float>({2, 2}, {0, 0, 0, 0}))
        .Input("Y", Tensor::Of<float>({2}, {0, 0}))
        .Arg("axes", std::vector<int64_t>{1})
        .Outputs({"dX"})
        .ExpectError(kInvalid, "dY [3] must have the shape [2,1] or [2]");
  }
}

TEST(SumElementsTest, SumsOrAverages) {
  for (const bool average : {false, true}) {
    OpTester("SumElements")
        .Input("X", Tensor::Of<double>({2, 2}, {1, 2, 3, 4}))
        .Arg<int>("average", average)
        .Outputs({"sum"})
        .ExpectOutput(0, Tensor::Of<double>({}, {average ? 2.5 : 10.0}));
  }
}

TEST(SumElementsTest, RefusesStringsAndSumElementsIntFloats) {
  OpTester("SumElements")
      .Input("X", Tensor::Of<std::string>({1}, {"1"}))
      .Outputs({"sum"})
      .ExpectError(kInvalid, "string is not supported here");
  OpTester("SumElementsInt")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Outputs({"sum"})
      .ExpectError(kInvalid, "float is not supported here");
}

TEST(SumElementsTest, ItsGradientRefusesMoreThanOneElement) {
  OpTester("SumElementsGradient")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("dsum", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must be one element");
}

TEST(ArgMaxTest, TakesTheFirstOfEqualsAndNaNAsTheLargest) {
  OpTester("ArgMax")
      .Input("X", Tensor::Of<float>({2, 3}, {1, 5, 5, 7, std::nanf(""), 9}))
      .Outputs({"I"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 1}, {1, 1}));
}

TEST(ArgMaxTest, DropsTheDimensionOnRequest) {
  OpTester("ArgMax")
      .Input("X", Tensor::Of<int32_t>({2, 3}, {1, 5, 5, 7, 0, 9}))
      .Arg<int>("axis", 0)
      .Arg<int>("keepdims", 0)
      .Outputs({"I"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {1, 0, 1}));
}

TEST(ArgMaxTest, RefusesScalarsAndAxesThatXHasNot) {
  OpTester("ArgMax")
      .Input("X", Tensor::Of<float>({}, {1}))
      .Outputs({"I"})
      .ExpectError(kInvalid, "");
  OpTester("ArgMax")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg<int>("axis", 1)
      .Outputs({"I"})
      .ExpectError(kInvalid, "1");
}

TEST(ArgMaxTest, RefusesToFindTheLargestOfNone) {
  OpTester("ArgMax")
      .Input("X", Tensor::Of<float>({2, 0}, {}))
      .Outputs({"I"})
      .ExpectError(kInvalid, "dimension 1 of X [2,0] is empty");
}

TEST(ReduceGradientMakersTest, AreThoseOfCaffe2) {
  const auto gradient_of = [](const char* type) {
    const OperatorDef def = CreateOperatorDef(type, "", {"X"}, {"Y"});
    const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
    return meta.ok() ? OpToString(meta->ops[0]) : std::string(meta.status().message());
  };
  EXPECT_EQ(gradient_of("ReduceSum"), "ReduceSumGradient(Y_grad, X, Y) -> X_grad");
  EXPECT_EQ(gradient_of("ReduceMean"), "ReduceMeanGradient(Y_grad, X, Y) -> X_grad");
  EXPECT_EQ(gradient_of("SumElements"), "SumElementsGradient(X, Y_grad) -> X_grad");
  const OperatorDef arg_max = CreateOperatorDef("ArgMax", "", {"X"}, {"Y"});
  EXPECT_FALSE(GetGradientForOp(arg_max, {GradientWrapper::Dense("Y_grad")}).ok());
}

}  // namespace
}  // namespace doppio
