#include <algorithm>
#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const char* const kComparisons[] = {"EQ", "NE", "LT", "LE", "GT", "GE"};

template <typename T>
void ExpectComparisons(std::initializer_list<T> a, std::initializer_list<T> b,
                       const std::vector<std::vector<bool>>& expected) {
  for (size_t k = 0; k < expected.size(); ++k) {
    absl::StatusOr<Tensor> c =
        Tensor::Create(DataType::kBool, {static_cast<int64_t>(expected[k].size())});
    std::copy(expected[k].begin(), expected[k].end(), c->mutable_data<bool>());
    OpTester(kComparisons[k])
        .Input("A", Tensor::Of<T>({static_cast<int64_t>(a.size())}, a))
        .Input("B", Tensor::Of<T>({static_cast<int64_t>(b.size())}, b))
        .Outputs({"C"})
        .ExpectOutput(0, c);
  }
}

TEST(ComparisonTest, ComparesElements) {
  ExpectComparisons<float>({1, 5, 2, 9}, {1, 3, 4, 9},
                           {{true, false, false, true},
                            {false, true, true, false},
                            {false, false, true, false},
                            {true, false, true, true},
                            {false, true, false, false},
                            {true, true, false, true}});
}

TEST(ComparisonTest, KeepsAllBitsOfLargeIntegers) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const int64_t least = std::numeric_limits<int64_t>::min();
  ExpectComparisons<int64_t>({most, most - 1, least}, {most, most, most},
                             {{true, false, false},
                              {false, true, true},
                              {false, true, true},
                              {true, true, true},
                              {false, false, false},
                              {true, false, false}});
}

TEST(ComparisonTest, FindsNothingEqualToNanNorLessNorGreater) {
  const float nan = std::nanf("");
  ExpectComparisons<float>({nan, nan, 1}, {nan, 1, nan},
                           {{false, false, false},
                            {true, true, true},
                            {false, false, false},
                            {false, false, false},
                            {false, false, false},
                            {false, false, false}});
}

TEST(ComparisonTest, TakesZeroAndMinusZeroForEqual) {
  ExpectComparisons<double>({0.0}, {-0.0}, {{true}, {false}, {false}, {true}, {false}, {true}});
}

TEST(ComparisonTest, OrdersFalseBeforeTrue) {
  ExpectComparisons<bool>(
      {false, true}, {true, true},
      {{false, true}, {true, false}, {true, false}, {true, true}, {false, false}, {false, true}});
}

TEST(ComparisonTest, ComparesHalfFloatsByValue) {
  ExpectComparisons<float16>(
      {float16(-2), float16(0.5F)}, {float16(-1), float16(0.25F)},
      {{false, false}, {true, true}, {true, false}, {true, false}, {false, true}, {false, true}});
}

TEST(ComparisonTest, BroadcastsBothOperands) {
  OpTester("GT")
      .Input("A", Tensor::Of<int32_t>({2, 1}, {1, 3}))
      .Input("B", Tensor::Of<int32_t>({3}, {0, 1, 2}))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<bool>({2, 3}, {true, false, false, true, true, true}));
}

TEST(ComparisonTest, AlignsAtTheAxisByTheOlderRule) {
  OpTester("EQ")
      .Input("A", Tensor::Of<int64_t>({2, 2}, {1, 2, 2, 1}))
      .Input("B", Tensor::Of<int64_t>({2}, {1, 2}))
      .Arg<int>("broadcast", 1)
      .Arg<int>("axis", 0)
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<bool>({2, 2}, {true, false, true, false}));
}

TEST(ComparisonTest, GivesNothingForNothing) {
  OpTester("LE")
      .Input("A", Tensor::Create(DataType::kFloat, {0, 3}))
      .Input("B", Tensor::Scalar<float>(1))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Create(DataType::kBool, {0, 3}));
}

TEST(ComparisonTest, RejectsOperandsOfDifferentTypes) {
  for (const char* type : kComparisons) {
    OpTester(type)
        .Input("A", Tensor::Scalar<float>(1))
        .Input("B", Tensor::Scalar<int32_t>(1))
        .Outputs({"C"})
        .ExpectError(kInvalid, "must have the same type");
  }
}

TEST(ComparisonTest, RejectsStrings) {
  OpTester("EQ")
      .Input("A", Tensor::Scalar<std::string>("a"))
      .Input("B", Tensor::Scalar<std::string>("a"))
      .Outputs({"C"})
      .ExpectError(kInvalid, "element type string is not supported here");
}

TEST(ComparisonTest, RejectsShapesThatDoNotGoTogether) {
  OpTester("LT")
      .Input("A", Tensor::Create(DataType::kFloat, {2, 3}))
      .Input("B", Tensor::Create(DataType::kFloat, {2}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "[2,3]");
  OpTester("LT")
      .Input("A", Tensor::Create(DataType::kFloat, {2, 3}))
      .Input("B", Tensor::Create(DataType::kFloat, {2}))
      .Arg<int>("broadcast", 1)
      .Arg<int>("axis", 5)
      .Outputs({"C"})
      .ExpectError(kInvalid, "the axis must be -1 or in [0, 1]");
}

TEST(ComparisonTest, RejectsAResultInPlaceOfAnOperand) {
  OpTester("EQ")
      .Input("A", Tensor::Scalar<bool>(true))
      .Input("B", Tensor::Scalar<bool>(true))
      .Outputs({"A"})
      .ExpectError(kInvalid, "A");
}

TEST(ComparisonTest, RejectsOneOperand) {
  OpTester("NE")
      .Input("A", Tensor::Scalar<bool>(true))
      .Outputs({"C"})
      .ExpectError(kInvalid, "inputs");
}

}  // namespace
}  // namespace doppio
