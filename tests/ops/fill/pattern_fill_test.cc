// RangeFill, DiagonalFill and UniqueUniformFill.

#include <limits>
#include <random>
#include <set>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Fill(const char* type, std::vector<int64_t> shape) {
  OpTester tester(type);
  tester.Arg("shape", shape).Outputs({"Y"});
  return tester;
}

TEST(RangeFillTest, CountsElements) {
  Fill("RangeFill", {2, 3}).ExpectOutput(0, Tensor::Of<float>({2, 3}, {0, 1, 2, 3, 4, 5}));
  OpTester("RangeFill").Outputs({"Y"}).ExpectOutput(0, Tensor::Scalar<float>(0));
}

TEST(RangeFillTest, RejectsANegativeSize) {
  Fill("RangeFill", {2, -3}).ExpectError(kInvalid, "-3");
}

TEST(DiagonalFillTest, FillsWhereIndicesAreEqual) {
  Fill("DiagonalFill", {2, 3})
      .Arg("value", 1.5f)
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {1.5, 0, 0, 0, 1.5, 0}));
  Fill("DiagonalFill", {2, 2, 2})
      .Arg("value", 7)
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 2, 2}, {7, 0, 0, 0, 0, 0, 0, 7}));
}

TEST(DiagonalFillTest, EndsWithTheColumns) {
  Fill("DiagonalFill", {4, 2})
      .Arg("value", 1.0f)
      .ExpectOutput(0, Tensor::Of<float>({4, 2}, {1, 0, 0, 1, 0, 0, 0, 0}));
}

TEST(DiagonalFillTest, RejectsShapesWithoutADiagonal) {
  Fill("DiagonalFill", {3}).ExpectError(kInvalid, "the rank must be at least 2");
  OpTester("DiagonalFill").Outputs({"Y"}).ExpectError(kInvalid, "\"shape\" is missing");
  Fill("DiagonalFill", {2, 2, 3}).ExpectError(kInvalid, "must have dimensions of the same size");
}

TEST(DiagonalFillTest, RejectsValuesThatAreNoNumbersOfTheType) {
  Fill("DiagonalFill", {2, 2}).Arg("value", "text").ExpectError(kInvalid, "not a string");
  Fill("DiagonalFill", {2, 2})
      .Arg("value", 300)
      .Arg("dtype", static_cast<int>(DataType::kUInt8))
      .ExpectError(kInvalid, "does not fit");
}

OpTester Unique(std::vector<int64_t> shape, int64_t min, int64_t max) {
  OpTester tester = Fill("UniqueUniformFill", std::move(shape));
  tester.Arg("min", min).Arg("max", max).RandomSeed(1701);
  return tester;
}

TEST(UniqueUniformFillTest, DrawsEveryNumberOnce) {
  OpTester tester = Unique({3}, 4, 6);
  ASSERT_TRUE(tester.Run().ok());
  ASSERT_TRUE(tester.Output(0).Is<int32_t>());
  const auto numbers = tester.Output(0).span<int32_t>();
  EXPECT_EQ(std::set<int32_t>(numbers.begin(), numbers.end()), (std::set<int32_t>{4, 5, 6}));
}

TEST(UniqueUniformFillTest, DrawsAgainWhatWasDrawn) {
  std::mt19937 generator(1701);
  std::uniform_int_distribution<int64_t> distribution(0, 99);
  std::vector<int64_t> expected;
  std::set<int64_t> seen;
  while (expected.size() < 50) {
    const int64_t number = distribution(generator);
    if (seen.insert(number).second) expected.push_back(number);
  }
  Unique({50}, 0, 99)
      .Arg("dtype", static_cast<int>(DataType::kInt64))
      .ExpectOutput(0, Tensor::FromSpan<int64_t>({50}, expected));
}

OpTester Avoiding(absl::StatusOr<Tensor> avoid) {
  return OpTester("UniqueUniformFill")
      .Input("like", Tensor::Of<float>({2}, {0, 0}))
      .Input("avoid", std::move(avoid))
      .Arg("min", int64_t{0})
      .Arg("max", int64_t{2})
      .RandomSeed(1701)
      .Outputs({"Y"});
}

TEST(UniqueUniformFillTest, AvoidsNumbers) {
  OpTester tester = Avoiding(Tensor::Of<int32_t>({2}, {1, 77}));
  ASSERT_TRUE(tester.Run().ok());
  const auto numbers = tester.Output(0).span<int32_t>();
  EXPECT_EQ(std::set<int32_t>(numbers.begin(), numbers.end()), (std::set<int32_t>{0, 2}));
}

TEST(UniqueUniformFillTest, DrawsFromAllThereAre) {
  OpTester tester =
      Unique({4}, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(tester.Arg("dtype", static_cast<int>(DataType::kInt64)).Run().ok());
}

TEST(UniqueUniformFillTest, RejectsMoreThanThereAre) {
  Unique({4}, 4, 6).ExpectError(kInvalid, "no 4 different numbers between 4 and 6");
  Avoiding(Tensor::Of<int32_t>({2}, {1, 2})).ExpectError(kInvalid, "of which 2 are avoided");
}

TEST(UniqueUniformFillTest, RejectsWhatItCanNotAvoid) {
  Avoiding(Tensor::Of<int32_t>({2}, {1, 1})).ExpectError(kInvalid, "avoid holds 1 twice");
  Avoiding(Tensor::Of<int64_t>({1}, {1})).ExpectError(kInvalid, "avoid must be int32");
}

TEST(UniqueUniformFillTest, RejectsBoundsThatAreNone) {
  Unique({1}, 6, 6).ExpectError(kInvalid, "max must be larger than min");
  Unique({1}, 0, int64_t{1} << 31).ExpectError(kInvalid, "they do not fit");
  Unique({1}, 0, 9).Arg("dtype", static_cast<int>(DataType::kFloat)).ExpectError(kInvalid, "float");
  Fill("UniqueUniformFill", {1}).Arg("min", int64_t{0}).ExpectError(kInvalid, "max");
}

}  // namespace
}  // namespace doppio
