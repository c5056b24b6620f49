#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Sum(absl::StatusOr<Tensor> b) {
  OpTester tester("SumReduceLike");
  tester.Input("A", Tensor::Of<float>({2, 2}, {1, 2, 3, 4})).Input("B", std::move(b));
  return tester;
}

TEST(SumReduceLikeTest, SumsOverTheDimensionsThatBHasNot) {
  const auto b = Tensor::Create(DataType::kFloat, {2});
  Sum(b).Outputs({"C"}).ExpectOutput(0, Tensor::Of<float>({2}, {4, 6}));
  Sum(b).Arg<int>("axis", 0).Outputs({"C"}).ExpectOutput(0, Tensor::Of<float>({2}, {3, 7}));
  Sum(b).Arg("axis_str", "N").Outputs({"C"}).ExpectOutput(0, Tensor::Of<float>({2}, {3, 7}));
}

TEST(SumReduceLikeTest, SumsAllForASingleElement) {
  Sum(Tensor::Scalar<float>(0)).Outputs({"C"}).ExpectOutput(0, Tensor::Scalar<float>(10));
  Sum(Tensor::Of<float>({1, 1, 1}, {0}))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1}, {10}));
}

TEST(SumReduceLikeTest, SumsOnBothSidesOfB) {
  OpTester("SumReduceLike")
      .Input("A", Tensor::Of<int64_t>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}))
      .Input("B", Tensor::Create(DataType::kFloat, {2}))
      .Arg<int>("axis", 1)
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {14, 22}));
}

TEST(SumReduceLikeTest, GivesZerosForNoRows) {
  OpTester("SumReduceLike")
      .Input("A", Tensor::Create(DataType::kFloat, {0, 2}))
      .Input("B", Tensor::Create(DataType::kFloat, {2}))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(SumReduceLikeTest, RejectsAShapeThatIsNoPart) {
  Sum(Tensor::Create(DataType::kFloat, {3})).Outputs({"C"}).ExpectError(kInvalid, "must be 2");
  Sum(Tensor::Create(DataType::kFloat, {1, 2, 2}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "B has more dimensions");
  Sum(Tensor::Create(DataType::kFloat, {2}))
      .Arg<int>("axis", 2)
      .Outputs({"C"})
      .ExpectError(kInvalid, "the axis must be -1 or in [0, 1]");
}

TEST(SumReduceLikeTest, RejectsBool) {
  OpTester("SumReduceLike")
      .Input("A", Tensor::Of<bool>({1}, {true}))
      .Input("B", Tensor::Of<bool>({1}, {true}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "element type bool is not supported here");
}

TEST(SumReduceLikeTest, RejectsAnAxisGivenTwice) {
  Sum(Tensor::Create(DataType::kFloat, {2}))
      .Arg<int>("axis", 1)
      .Arg("axis_str", "C")
      .Outputs({"C"})
      .ExpectError(kInvalid, "exclude each other");
}

}  // namespace
}  // namespace doppio
