#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Where(absl::StatusOr<Tensor> c, absl::StatusOr<Tensor> x, absl::StatusOr<Tensor> y) {
  OpTester tester("Where");
  tester.Input("C", std::move(c)).Input("X", std::move(x)).Input("Y", std::move(y));
  return tester;
}

TEST(WhereTest, ChoosesElements) {
  Where(Tensor::Of<bool>({3}, {true, false, true}), Tensor::Of<float>({3}, {1, 2, 3}),
        Tensor::Of<float>({3}, {4, 5, 6}))
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {1, 5, 3}));
}

TEST(WhereTest, ChoosesStrings) {
  Where(Tensor::Of<bool>({2}, {true, false}), Tensor::Of<std::string>({2}, {"a", "b"}),
        Tensor::Of<std::string>({2}, {"c", "d"}))
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a", "d"}));
}

TEST(WhereTest, ChoosesRowsWithBroadcastOnRows) {
  Where(Tensor::Of<bool>({2}, {false, true}), Tensor::Of<int64_t>({2, 2}, {1, 2, 3, 4}),
        Tensor::Of<int64_t>({2, 2}, {5, 6, 7, 8}))
      .Arg<int>("broadcast_on_rows", 1)
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 2}, {5, 6, 3, 4}));
}

TEST(WhereTest, WritesInPlaceOfEither) {
  for (const char* output : {"X", "Y"}) {
    Where(Tensor::Of<bool>({2}, {false, true}), Tensor::Of<float>({2, 2}, {1, 2, 3, 4}),
          Tensor::Of<float>({2, 2}, {5, 6, 7, 8}))
        .Arg<int>("broadcast_on_rows", 1)
        .Outputs({output})
        .ExpectOutput(0, Tensor::Of<float>({2, 2}, {5, 6, 3, 4}));
  }
}

TEST(WhereTest, GivesNothingForNothing) {
  Where(Tensor::Create(DataType::kBool, {0, 2}), Tensor::Create(DataType::kFloat, {0, 2}),
        Tensor::Create(DataType::kFloat, {0, 2}))
      .Outputs({"Z"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 2}));
}

TEST(WhereTest, RejectsShapesThatDiffer) {
  const auto one = Tensor::Of<float>({1}, {1});
  const auto two = Tensor::Of<float>({2}, {1, 2});
  const auto condition = Tensor::Of<bool>({2}, {true, true});
  Where(condition, two, one).Outputs({"Z"}).ExpectError(kInvalid, "X and Y must have the same");
  Where(condition, one, one).Outputs({"Z"}).ExpectError(kInvalid, "all three must have the same");
  Where(condition, one, one)
      .Arg<int>("broadcast_on_rows", 1)
      .Outputs({"Z"})
      .ExpectError(kInvalid, "as many elements as X has rows");
  Where(condition, Tensor::Scalar<float>(1), Tensor::Scalar<float>(1))
      .Arg<int>("broadcast_on_rows", 1)
      .Outputs({"Z"})
      .ExpectError(kInvalid, "as many elements as X has rows");
}

TEST(WhereTest, RejectsTypesThatDoNotFit) {
  const auto two = Tensor::Of<float>({2}, {1, 2});
  Where(two, two, two).Outputs({"Z"}).ExpectError(kInvalid, "the condition is float");
  Where(Tensor::Of<bool>({2}, {true, true}), two, Tensor::Of<double>({2}, {1, 2}))
      .Outputs({"Z"})
      .ExpectError(kInvalid, "X is float and Y is double");
}

TEST(ConditionalTest, ChoosesRows) {
  OpTester("Conditional")
      .Input("condition", Tensor::Of<bool>({2}, {true, false}))
      .Input("T", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("F", Tensor::Of<float>({2, 2}, {5, 6, 7, 8}))
      .Outputs({"O"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 7, 8}));
}

TEST(ConditionalTest, RejectsAConditionOfTheWholeShape) {
  OpTester("Conditional")
      .Input("condition", Tensor::Of<bool>({1, 1}, {true}))
      .Input("T", Tensor::Of<float>({1, 1}, {1}))
      .Input("F", Tensor::Of<float>({1, 1}, {2}))
      .Outputs({"O"})
      .ExpectError(kInvalid, "the condition must be a vector");
}

TEST(ConditionalTest, RejectsDataOfDifferentTypesOfOneSize) {
  OpTester("Conditional")
      .Input("condition", Tensor::Of<bool>({1}, {true}))
      .Input("T", Tensor::Of<float>({1}, {1}))
      .Input("F", Tensor::Of<int32_t>({1}, {2}))
      .Outputs({"O"})
      .ExpectError(kInvalid, "X is float and Y is int32");
}

}  // namespace
}  // namespace doppio
