#include <cmath>

#include "doppio/float16.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// X [3,2] with weight 1, and one row [10,20] with weight 0.5.
OpTester WeightedSum(absl::StatusOr<Tensor> indices, float weight0 = 1) {
  return OpTester("ScatterWeightedSum")
      .Input("X", Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6}))
      .Input("w0", Tensor::Of<float>({1}, {weight0}))
      .Input("indices", indices)
      .Input("X1", Tensor::Of<float>({1, 2}, {10, 20}))
      .Input("w1", Tensor::Of<float>({1}, {0.5}));
}

TEST(ScatterWeightedSumTest, AddsToTheRowsThatTheIndicesName) {
  WeightedSum(Tensor::Of<int64_t>({1}, {1}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {1, 2, 8, 14, 5, 6}));
}

TEST(ScatterWeightedSumTest, ScalesThoseRowsAlone) {
  WeightedSum(Tensor::Of<int32_t>({1}, {0}), 2)
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {7, 14, 3, 4, 5, 6}));
}

TEST(ScatterWeightedSumTest, AddsTwiceWhereAnIndexStandsTwice) {
  OpTester("ScatterWeightedSum")
      .Input("X", Tensor::Of<double>({2}, {1, 2}))
      .Input("w0", Tensor::Scalar<double>(1))
      .Input("indices", Tensor::Of<int32_t>({2}, {1, 1}))
      .Input("X1", Tensor::Of<double>({2}, {10, 100}))
      .Input("w1", Tensor::Scalar<double>(2))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<double>({2}, {1, 222}));
}

TEST(ScatterWeightedSumTest, TakesFloatWeightsForDoubles) {
  OpTester("ScatterWeightedSum")
      .Input("X", Tensor::Of<double>({2}, {1, 2}))
      .Input("w0", Tensor::Of<float>({1}, {0.5f}))
      .Input("indices", Tensor::Of<int32_t>({1}, {1}))
      .Input("slices", Tensor::Of<double>({1}, {10}))
      .Input("w1", Tensor::Of<double>({1}, {2}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<double>({2}, {1, 21}));
}

TEST(ScatterWeightedSumTest, RejectsWeightsOfAnotherType) {
  OpTester("ScatterWeightedSum")
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Input("w0", Tensor::Of<double>({1}, {0.5}))
      .Input("indices", Tensor::Of<int32_t>({1}, {1}))
      .Input("slices", Tensor::Of<float>({1}, {10}))
      .Input("w1", Tensor::Of<float>({1}, {2}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "must be a weight: one float");
}

TEST(ScatterWeightedSumTest, RejectsIndicesOutOfRange) {
  for (int32_t index : {-1, 3}) {
    WeightedSum(Tensor::Of<int32_t>({1}, {index}))
        .Outputs({"X"})
        .ExpectError(kInvalid, absl::StrCat("index 0 is ", index, ", but must be in [0, 3)"));
  }
}

TEST(ScatterWeightedSumTest, RejectsSlicesOfAnotherSize) {
  WeightedSum(Tensor::Of<int32_t>({2}, {0, 1}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "must have X_0's type and 4 elements");
}

TEST(ScatterWeightedSumTest, RejectsAnotherOutput) {
  WeightedSum(Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be the same blob as input 0");
}

TEST(ScatterWeightedSumTest, RejectsAMissingWeight) {
  WeightedSum(Tensor::Of<int32_t>({1}, {0}))
      .Input("X2", Tensor::Of<float>({1, 2}, {1, 1}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "pairs of slices and their weight, but there are 6");
}

TEST(ScatterWeightedSumTest, RejectsTheTableAsItsOwnUpdate) {
  WeightedSum(Tensor::Of<int32_t>({1}, {0}))
      .Input("X")
      .Input("w1")
      .Outputs({"X"})
      .ExpectError(kInvalid, "input 5 is X_0 too");
}

TEST(ScatterAssignTest, OverwritesRowsAndTheLastOneWins) {
  OpTester("ScatterAssign")
      .Input("X", Tensor::Of<int32_t>({3, 1}, {1, 2, 3}))
      .Input("indices", Tensor::Of<int64_t>({3}, {2, 0, 2}))
      .Input("slices", Tensor::Of<int32_t>({3, 1}, {10, 20, 30}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<int32_t>({3, 1}, {20, 2, 30}));
}

TEST(ScatterAssignTest, OverwritesStrings) {
  OpTester("ScatterAssign")
      .Input("X", Tensor::Of<std::string>({2}, {"a", "b"}))
      .Input("indices", Tensor::Of<int32_t>({1}, {1}))
      .Input("slices", Tensor::Of<std::string>({1}, {"c"}))
      .Outputs({"X"})
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a", "c"}));
}

TEST(ScatterAssignTest, RejectsIndicesOutOfRange) {
  OpTester("ScatterAssign")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("indices", Tensor::Of<int32_t>({1}, {1}))
      .Input("slices", Tensor::Of<float>({1}, {2}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "index 0 is 1, but must be in [0, 1)");
}

TEST(ScatterAssignTest, RejectsSlicesOfAnotherType) {
  OpTester("ScatterAssign")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("slices", Tensor::Of<double>({1}, {2}))
      .Outputs({"X"})
      .ExpectError(kInvalid, "SLICES");
}

OpTester Scatter(absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> updates) {
  return OpTester("Scatter")
      .Input("data", Tensor::Of<float>({1, 5}, {1, 2, 3, 4, 5}))
      .Input("indices", indices)
      .Input("updates", updates);
}

TEST(ScatterTest, OverwritesElementsAlongAnAxis) {
  Scatter(Tensor::Of<int32_t>({1, 2}, {1, 3}), Tensor::Of<float>({1, 2}, {7, 8}))
      .Outputs({"data"})
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {1, 7, 3, 8, 5}));
  OpTester("Scatter")
      .Input("data", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}))
      .Input("indices", Tensor::Of<int64_t>({1, 2}, {1, 0}))
      .Input("updates", Tensor::Of<std::string>({1, 2}, {"x", "y"}))
      .Arg("axis", 0)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<std::string>({2, 2}, {"a", "y", "x", "d"}));
}

TEST(ScatterTest, LetsTheLastUpdateWin) {
  Scatter(Tensor::Of<int32_t>({1, 3}, {2, 2, 2}), Tensor::Of<float>({1, 3}, {7, 8, 9}))
      .Arg("axis", -1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 5}, {1, 2, 9, 4, 5}));
}

TEST(ScatterTest, RejectsIndicesOutOfRange) {
  for (int32_t index : {-1, 5}) {
    Scatter(Tensor::Of<int32_t>({1, 1}, {index}), Tensor::Of<float>({1, 1}, {7}))
        .Outputs({"Y"})
        .ExpectError(kInvalid, absl::StrCat("index 0 is ", index, ", but must be in [0, 5)"));
  }
}

TEST(ScatterTest, RejectsWhatDoesNotGoTogether) {
  Scatter(Tensor::Of<int32_t>({2}, {1, 3}), Tensor::Of<float>({2}, {7, 8}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "INDICES [2] must have as many dimensions as DATA [1,5]");
  Scatter(Tensor::Of<int32_t>({2, 1}, {1, 3}), Tensor::Of<float>({2, 1}, {7, 8}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "none larger but for axis 1");
  Scatter(Tensor::Of<int32_t>({1, 2}, {1, 3}), Tensor::Of<float>({1, 1}, {7}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "UPDATES [1,1] must have the shape of INDICES [1,2]");
  Scatter(Tensor::Of<int32_t>({1, 1}, {1}), Tensor::Of<double>({1, 1}, {7}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be of the type of DATA");
  Scatter(Tensor::Of<int32_t>({1, 1}, {1}), Tensor::Of<float>({1, 1}, {7}))
      .Arg("axis", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 2 is out of range");
}

OpTester Normalize(absl::StatusOr<Tensor> indices) {
  return OpTester("SparseNormalize")
      .Input("param", Tensor::Of<float>({3, 2}, {3, 4, 6, 8, 0, 1}))
      .Input("indices", indices)
      .Outputs({"param"});
}

TEST(SparseNormalizeTest, ShortensTheRowsOfTheIndices) {
  Normalize(Tensor::Of<int64_t>({1}, {1}))
      .Arg("norm", 5.0f)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {3, 4, 3, 4, 0, 1}));
  OpTester("Float16SparseNormalize")
      .Input("param", Tensor::Of<float16>({1, 2}, {float16(3), float16(4)}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Input("grad", Tensor::Of<float16>({1, 2}, {float16(0), float16(0)}))
      .Arg("norm", 2.5f)
      .Outputs({"param"})
      .ExpectOutput(0, Tensor::Of<float16>({1, 2}, {float16(1.5f), float16(2)}));
}

TEST(SparseNormalizeTest, LengthensThemWhereTheNormIsNotTheMost) {
  const auto indices = Tensor::Of<int32_t>({2}, {0, 2});
  Normalize(indices)
      .Arg("norm", 10.0f)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {3, 4, 6, 8, 0, 1}));
  Normalize(indices)
      .Arg("norm", 10.0f)
      .Arg("use_max_norm", 0)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {6, 8, 6, 8, 0, 10}), 1e-6);
}

TEST(SparseNormalizeTest, MakesARowWithNanAllNan) {
  OpTester tester("SparseNormalize");
  tester.Input("param", Tensor::Of<float>({1, 2}, {NAN, 1}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"param"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2}, {NAN, NAN}));
}

TEST(SparseNormalizeTest, RejectsWhatMakesNoSense) {
  Normalize(Tensor::Of<int32_t>({1}, {3}))
      .ExpectError(kInvalid, "index 0 is 3, but must be in [0, 3)");
  Normalize(Tensor::Of<int32_t>({1}, {0}))
      .Arg("norm", -1.0f)
      .ExpectError(kInvalid, "norm is -1, but must not be negative");
  OpTester("SparseNormalize")
      .Input("param", Tensor::Of<double>({1}, {3}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "param must be float");
  OpTester("SparseNormalize")
      .Input("param", Tensor::Scalar<float>(3))
      .Input("indices", Tensor::Of<int32_t>({0}, {}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "param must be at least a vector");
}

}  // namespace
}  // namespace doppio
