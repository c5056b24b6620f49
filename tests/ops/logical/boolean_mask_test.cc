#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(BooleanMaskTest, KeepsElementsAndSaysWhich) {
  OpTester("BooleanMask")
      .Input("data", Tensor::Of<int32_t>({6}, {1, 2, 3, 4, 5, 6}))
      .Input("mask", Tensor::Of<bool>({6}, {true, false, false, true, true, false}))
      .Outputs({"masked", "indices"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {1, 4, 5}))
      .ExpectOutput(1, Tensor::Of<int64_t>({3}, {0, 3, 4}));
}

TEST(BooleanMaskTest, KeepsRowsOfStrings) {
  OpTester("BooleanMask")
      .Input("data", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}))
      .Input("mask", Tensor::Of<bool>({2}, {false, true}))
      .Outputs({"masked"})
      .ExpectOutput(0, Tensor::Of<std::string>({1, 2}, {"c", "d"}));
}

TEST(BooleanMaskTest, KeepsNothing) {
  OpTester("BooleanMask")
      .Input("data", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("mask", Tensor::Of<bool>({2}, {false, false}))
      .Outputs({"masked", "indices"})
      .ExpectOutput(0, Tensor::Create(DataType::kFloat, {0, 1}))
      .ExpectOutput(1, Tensor::Create(DataType::kInt64, {0}));
}

TEST(BooleanMaskTest, RejectsAMaskOfAnotherSize) {
  OpTester("BooleanMask")
      .Input("data", Tensor::Of<float>({2}, {1, 2}))
      .Input("mask", Tensor::Of<bool>({3}, {true, true, true}))
      .Outputs({"masked"})
      .ExpectError(kInvalid, "must have an element for each row of \"data\" float[2]");
  OpTester("BooleanMask")
      .Input("data", Tensor::Scalar<float>(1))
      .Input("mask", Tensor::Of<bool>({1}, {true}))
      .Outputs({"masked"})
      .ExpectError(kInvalid, "must have an element for each row");
}

TEST(BooleanMaskTest, RejectsAMaskThatIsNone) {
  OpTester("BooleanMask")
      .Input("data", Tensor::Of<float>({1}, {1}))
      .Input("mask", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"masked"})
      .ExpectError(kInvalid, "must be a vector of bool, but is int32[1]");
  OpTester("BooleanMask")
      .Input("data", Tensor::Of<float>({1, 1}, {1}))
      .Input("mask", Tensor::Of<bool>({1, 1}, {true}))
      .Outputs({"masked"})
      .ExpectError(kInvalid, "must be a vector of bool, but is bool[1,1]");
}

TEST(BooleanMaskGradientTest, PutsRowsBack) {
  OpTester("BooleanMaskGradient")
      .Input("mask", Tensor::Of<bool>({3}, {true, false, true}))
      .Input("dY", Tensor::Of<float>({2}, {7, 8}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {7, 0, 8}));
  OpTester("BooleanMaskGradient")
      .Input("mask", Tensor::Of<bool>({2}, {false, true}))
      .Input("dY", Tensor::Of<double>({1, 2}, {7, 8}))
      .Outputs({"dX"})
      .ExpectOutput(0, Tensor::Of<double>({2, 2}, {0, 0, 7, 8}));
}

TEST(BooleanMaskGradientTest, RejectsMoreOrFewerRowsThanAreKept) {
  for (const int64_t rows : {0, 2}) {
    OpTester("BooleanMaskGradient")
        .Input("mask", Tensor::Of<bool>({2}, {false, true}))
        .Input("dY", Tensor::Create(DataType::kFloat, {rows}))
        .Outputs({"dX"})
        .ExpectError(kInvalid, "must have 1 rows");
  }
}

TEST(BooleanMaskGradientTest, RejectsShapesBeyondInt64) {
  OpTester("BooleanMaskGradient")
      .Input("mask",
             Tensor::Of<bool>({8}, {false, false, false, false, false, false, false, false}))
      .Input("dY", Tensor::Create(DataType::kFloat, {0, int64_t{1} << 60}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "[8,1152921504606846976]");
}

TEST(BooleanMaskGradientTest, IsMadeOfTheMaskAndTheGradient) {
  const auto meta = GetGradientForOp(
      CreateOperatorDef("BooleanMask", "", {"data", "mask"}, {"masked", "indices"}),
      {GradientWrapper::Dense("d"), GradientWrapper()});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "BooleanMaskGradient(mask, d) -> data_grad");
}

TEST(BooleanMaskLengthsTest, CountsWhatEachSegmentKeeps) {
  OpTester("BooleanMaskLengths")
      .Input("lengths", Tensor::Of<int32_t>({3}, {1, 3, 2}))
      .Input("mask", Tensor::Of<bool>({6}, {false, true, true, false, true, true}))
      .Outputs({"masked"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3}, {0, 2, 2}));
}

TEST(BooleanMaskLengthsTest, TakesEmptySegmentsAndNone) {
  OpTester("BooleanMaskLengths")
      .Input("lengths", Tensor::Of<int64_t>({3}, {0, 1, 0}))
      .Input("mask", Tensor::Of<bool>({1}, {true}))
      .Outputs({"masked"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {0, 1, 0}));
  OpTester("BooleanMaskLengths")
      .Input("lengths", Tensor::Create(DataType::kInt32, {0}))
      .Input("mask", Tensor::Create(DataType::kBool, {0}))
      .Outputs({"masked"})
      .ExpectOutput(0, Tensor::Create(DataType::kInt32, {0}));
}

TEST(BooleanMaskLengthsTest, RejectsLengthsThatDoNotAddUp) {
  const auto mask = Tensor::Of<bool>({2}, {true, true});
  const auto run = [&](absl::StatusOr<Tensor> lengths, const char* message) {
    OpTester("BooleanMaskLengths")
        .Input("lengths", std::move(lengths))
        .Input("mask", mask)
        .Outputs({"masked"})
        .ExpectError(kInvalid, message);
  };
  run(Tensor::Of<int32_t>({1}, {1}), "the lengths add up to 1, but the mask is");
  run(Tensor::Of<int32_t>({2}, {1, 2}), "length 1 is 2, but must be in [0, 1]");
  run(Tensor::Of<int32_t>({2}, {3, -1}), "length 0 is 3");
  run(Tensor::Of<int32_t>({2}, {-1, 3}), "length 0 is -1");
  run(Tensor::Of<int64_t>({2}, {1, std::numeric_limits<int64_t>::max()}), "length 1 is");
  run(Tensor::Of<float>({1}, {2}), "element type float is not supported here");
  run(Tensor::Scalar<int32_t>(2), "must be a vector");
}

TEST(BooleanUnmaskTest, PutsTogetherWhatMasksTookApart) {
  OpTester("BooleanUnmask")
      .Input("mask0", Tensor::Of<bool>({5}, {true, false, true, false, false}))
      .Input("values0", Tensor::Of<float>({2}, {1, 3}))
      .Input("mask1", Tensor::Of<bool>({5}, {false, true, false, false, false}))
      .Input("values1", Tensor::Of<float>({1}, {2}))
      .Input("mask2", Tensor::Of<bool>({5}, {false, false, false, true, true}))
      .Input("values2", Tensor::Of<float>({2}, {4, 5}))
      .Outputs({"data"})
      .ExpectOutput(0, Tensor::Of<float>({5}, {1, 2, 3, 4, 5}));
}

OpTester Overlapping(absl::StatusOr<Tensor> second_values) {
  OpTester tester("BooleanUnmask");
  tester.Input("mask0", Tensor::Of<bool>({2}, {true, false}))
      .Input("values0", Tensor::Of<std::string>({1}, {"one"}))
      .Input("mask1", Tensor::Of<bool>({2}, {true, true}))
      .Input("values1", std::move(second_values))
      .Outputs({"data"});
  return tester;
}

TEST(BooleanUnmaskTest, TakesTheFirstMaskWhereMasksOverlap) {
  const auto expected = Tensor::Of<std::string>({2}, {"one", "two"});
  Overlapping(Tensor::Of<std::string>({2}, {"skipped", "two"})).ExpectOutput(0, expected);
  Overlapping(Tensor::Of<std::string>({1}, {"two"})).ExpectOutput(0, expected);
}

TEST(BooleanUnmaskTest, RejectsTooManyOrTooFewValues) {
  Overlapping(Tensor::Create(DataType::kString, {0}))
      .ExpectError(kInvalid, "mask 1 is true at 2 elements, at 1 of them as the first one");
  Overlapping(Tensor::Create(DataType::kString, {3}))
      .ExpectError(kInvalid, "mask 1 is true at 2 elements, at 1 of them as the first one");
}

TEST(BooleanUnmaskTest, RejectsElementsWithoutAMask) {
  OpTester("BooleanUnmask")
      .Input("mask", Tensor::Of<bool>({2}, {true, false}))
      .Input("values", Tensor::Of<float>({1}, {1}))
      .Outputs({"data"})
      .ExpectError(kInvalid, "no mask is true at element 1");
}

TEST(BooleanUnmaskTest, RejectsAMaskWithoutValues) {
  OpTester("BooleanUnmask")
      .Input("mask0", Tensor::Of<bool>({1}, {true}))
      .Input("values0", Tensor::Of<float>({1}, {1}))
      .Input("mask1", Tensor::Of<bool>({1}, {true}))
      .Outputs({"data"})
      .ExpectError(kInvalid, "there are 3 inputs, but masks and values must come in pairs");
}

TEST(BooleanUnmaskTest, RejectsMasksOfDifferentSizesAndValuesOfDifferentTypes) {
  const auto second = [](absl::StatusOr<Tensor> mask, absl::StatusOr<Tensor> values) {
    OpTester tester("BooleanUnmask");
    tester.Input("mask0", Tensor::Of<bool>({1}, {true}))
        .Input("values0", Tensor::Of<float>({1}, {1}))
        .Input("mask1", std::move(mask))
        .Input("values1", std::move(values))
        .Outputs({"data"});
    return tester;
  };
  const auto mask = Tensor::Of<bool>({1}, {true});
  second(Tensor::Of<bool>({2}, {true, true}), Tensor::Of<float>({1}, {1}))
      .ExpectError(kInvalid, "mask 1 is [2] and mask 0 is [1]");
  second(mask, Tensor::Of<int32_t>({1}, {1})).ExpectError(kInvalid, "vectors of one type, float");
  second(mask, Tensor::Of<float>({1, 1}, {1})).ExpectError(kInvalid, "float[1,1]");
}

}  // namespace
}  // namespace doppio
