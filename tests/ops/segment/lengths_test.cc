#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "doppio/float16.h"
#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Floats(std::initializer_list<float> values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}
absl::StatusOr<Tensor> Ints(std::initializer_list<int32_t> values) {
  return Tensor::Of<int32_t>({static_cast<int64_t>(values.size())}, values);
}

const absl::StatusOr<Tensor> kData = Floats({2, 4, 3, 1, 2, 10});
const absl::StatusOr<Tensor> kLengths = Ints({2, 3, 1});
const absl::StatusOr<Tensor> kTable = Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6});

OpTester Lengths(absl::string_view type, const absl::StatusOr<Tensor>& data,
                 const absl::StatusOr<Tensor>& lengths) {
  OpTester tester(type);
  tester.Input("data", data).Input("lengths", lengths).Outputs({"Y"});
  return tester;
}

OpTester Sparse(absl::string_view type, const absl::StatusOr<Tensor>& table,
                const absl::StatusOr<Tensor>& indices, const absl::StatusOr<Tensor>& lengths) {
  OpTester tester(type);
  tester.Input("table", table).Input("indices", indices).Input("lengths", lengths).Outputs({"Y"});
  return tester;
}

TEST(LengthsTest, SumsOfManyRowsAreAsExactAsSumsOfFew) {
  constexpr int64_t kRows = 60'000;
  for (const int64_t columns : {1, 8, 40}) {  // of one number, of a vector, of several
    const std::vector<float> tenths(static_cast<size_t>(kRows * columns), 0.1f);
    OpTester tester = Lengths("LengthsSum", Tensor::FromSpan<float>({kRows, columns}, tenths),
                              Ints({static_cast<int32_t>(kRows)}));
    ASSERT_TRUE(tester.Run().ok());
    for (const float sum : tester.Output(0).span<float>()) EXPECT_NEAR(sum, 6000, 0.06);
  }
}

TEST(LengthsTest, ReduceTheExamplesOfTheirDocs) {
  Lengths("LengthsSum", kData, kLengths).ExpectOutput(0, Floats({6, 6, 10}));
  Lengths("LengthsMean", kData, kLengths).ExpectOutput(0, Floats({3, 2, 10}));
  Lengths("LengthsMax", kData, kLengths).ExpectOutput(0, Floats({4, 3, 10}));
  OpTester("LengthsWeightedSum")
      .Input("data", kData)
      .Input("scalars", Floats({8, 2, 1, 4, 1, 0.5}))
      .Input("lengths", kLengths)
      .Outputs({"Y"})
      .ExpectOutput(0, Floats({24, 9, 5}));
}

TEST(LengthsTest, ReduceRowsOfHigherRank) {
  Lengths("LengthsSum", Tensor::Of<double>({3, 1, 2}, {1, 2, 3, 4, 5, 6}), Ints({1, 2}))
      .ExpectOutput(0, Tensor::Of<double>({2, 1, 2}, {1, 2, 8, 10}));
}

TEST(LengthsTest, GiveZerosForSegmentsWithoutRows) {
  for (const char* type : {"LengthsSum", "LengthsMean", "LengthsMax"}) {
    Lengths(type, Floats({-3}), Ints({0, 1, 0})).ExpectOutput(0, Floats({0, -3, 0}));
  }
}

TEST(LengthsTest, ReduceNothingToNothing) {
  Lengths("LengthsSum", Tensor::Of<float>({0, 4}, {}), Ints({}))
      .ExpectOutput(0, Tensor::Of<float>({0, 4}, {}));
  Lengths("LengthsMean", Tensor::Of<float>({2, 0}, {}), Ints({2}))
      .ExpectOutput(0, Tensor::Of<float>({1, 0}, {}));
}

TEST(LengthsMaxTest, KeepsNaNWhereverItStands) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& data : {Floats({nan, 1, 2}), Floats({1, nan, 2}), Floats({1, 2, nan})}) {
    OpTester tester = Lengths("LengthsMax", data, Ints({3}));
    ASSERT_TRUE(tester.Run().ok());
    EXPECT_TRUE(std::isnan(tester.Output(0).data<float>()[0]));
  }
}

TEST(LengthsMaxTest, OfNothingButMinusInfinityIsMinusInfinity) {
  const float infinity = std::numeric_limits<float>::infinity();
  Lengths("LengthsMax", Floats({-infinity, -infinity}), Ints({2}))
      .ExpectOutput(0, Floats({-infinity}));
}

// Longer than what one thread sums alone.
TEST(LengthsTest, ReduceLongSegmentsInPieces) {
  for (const int64_t block : {1, 3, 16, 71}) {
    const int64_t rows = 200000 / block + 200;
    std::vector<float> data(static_cast<size_t>(rows * block));
    double sum = 0;
    for (size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<float>(i % 7) - 2;
      if (static_cast<int64_t>(i) % block == 0) sum += data[i];
    }
    const auto x = Tensor::FromSpan<float>({rows, block}, absl::MakeConstSpan(data));
    const auto lengths = Ints({0, static_cast<int32_t>(rows - 1), 1});
    OpTester total = Lengths("LengthsSum", x, lengths);
    ASSERT_TRUE(total.Run().ok());
    const double last = data[static_cast<size_t>((rows - 1) * block)];
    EXPECT_EQ(total.Output(0).data<float>()[block], sum - last) << block;
    EXPECT_EQ(total.Output(0).data<float>()[2 * block], last) << block;
    OpTester mean = Lengths("LengthsMean", x, lengths);
    ASSERT_TRUE(mean.Run().ok());
    EXPECT_FLOAT_EQ(mean.Output(0).data<float>()[block],
                    static_cast<float>((sum - last) / static_cast<double>(rows - 1)));
    OpTester most = Lengths("LengthsMax", x, lengths);
    ASSERT_TRUE(most.Run().ok());
    EXPECT_EQ(most.Output(0).data<float>()[block], 4) << block;
  }
}

TEST(LengthsTest, RejectLengthsThatDoNotAddUp) {
  Lengths("LengthsSum", kData, Ints({2, 3}))
      .ExpectError(kInvalid, "LENGTHS add up to 5, but there are 6 rows of DATA");
  Lengths("LengthsMax", kData,
          Ints({std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::max(), 8}))
      .ExpectError(kInvalid, "LENGTHS add up to 4294967302");
}

TEST(LengthsTest, RejectNegativeLengths) {
  Lengths("LengthsMean", kData, Ints({7, -1}))
      .ExpectError(kInvalid, "LENGTHS[1] is -1, but a length is not negative");
}

TEST(LengthsTest, RejectLengthsOfOtherTypesAndRanks) {
  Lengths("LengthsSum", kData, Tensor::Of<int64_t>({1}, {6}))
      .ExpectError(kInvalid, "LENGTHS must be a vector of int32, but is int64[1]");
  Lengths("LengthsSum", kData, Tensor::Scalar<int32_t>(6))
      .ExpectError(kInvalid, "LENGTHS must be a vector of int32, but is int32[]");
}

TEST(LengthsTest, RejectDataWithoutRowsOrOfOtherTypes) {
  Lengths("LengthsSum", Tensor::Scalar<float>(1), Ints({1}))
      .ExpectError(kInvalid, "DATA is a scalar");
  Lengths("LengthsSum", Ints({1}), Ints({1}))
      .ExpectError(kInvalid, "int32 is not supported here; supported: float, double");
}

TEST(LengthsWeightedSumTest, RejectsScalarsThatAreNotOneForEachRow) {
  OpTester("LengthsWeightedSum")
      .Input("data", kData)
      .Input("scalars", Floats({1, 2}))
      .Input("lengths", kLengths)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "SCALARS has 2 elements, but there are 6 rows of DATA");
}

TEST(SparseLengthsTest, ReduceTheExamplesOfTheirDocs) {
  const auto indices = Tensor::Of<int64_t>({3}, {2, 0, 1});
  const auto lengths = Ints({2, 0, 1});
  Sparse("SparseLengthsSum", kTable, indices, lengths)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {6, 8, 0, 0, 3, 4}));
  Sparse("SparseLengthsMean", kTable, indices, lengths)
      .ExpectOutput(0, Tensor::Of<float>({3, 2}, {3, 4, 0, 0, 3, 4}));
  for (const auto& [type, scalars, last] :
       {std::make_tuple("SparseLengthsWeightedSum", Floats({1, 10, 2}), 2.0F),
        std::make_tuple("SparseLengthsPositionalWeightedSum", Floats({1, 10}), 1.0F)}) {
    OpTester(type)
        .Input("table", kTable)
        .Input("scalars", scalars)
        .Input("indices", indices)
        .Input("lengths", lengths)
        .Outputs({"Y"})
        .ExpectOutput(0, Tensor::Of<float>({3, 2}, {15, 26, 0, 0, 3 * last, 4 * last}));
  }
}

TEST(SparseLengthsTest, SumHalfsInFloat) {
  const auto table = Tensor::Of<float16>({2, 1}, {float16(2048), float16(1)});
  Sparse("SparseLengthsSum", table, Ints({0, 1, 1}), Ints({3}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1}, {2050}));
}

TEST(SparseLengthsTest, RejectIndicesOutsideOfTheTable) {
  for (int64_t index : {int64_t{3}, int64_t{-1}, std::numeric_limits<int64_t>::min(),
                        std::numeric_limits<int64_t>::max()}) {
    Sparse("SparseLengthsSum", kTable, Tensor::Of<int64_t>({2}, {0, index}), Ints({2}))
        .ExpectError(kInvalid, absl::StrCat("index 1 is ", index, ", but must be in [0, 3)"));
  }
  Sparse("SparseLengthsMean", Tensor::Of<float>({0, 2}, {}), Ints({0}), Ints({1}))
      .ExpectError(kInvalid, "index 0 is 0, but must be in [0, 0)");
}

TEST(SparseLengthsTest, RejectLengthsThatDoNotAddUpToTheIndices) {
  Sparse("SparseLengthsSum", kTable, Ints({0, 1, 2}), Ints({2}))
      .ExpectError(kInvalid, "LENGTHS add up to 2, but there are 3 INDICES");
}

TEST(SparseLengthsTest, RejectIndicesOfOtherTypesAndRanks) {
  Sparse("SparseLengthsSum", kTable, Floats({0}), Ints({1}))
      .ExpectError(kInvalid, "INDICES float[1] must be a vector of int32 or int64");
  Sparse("SparseLengthsSum", kTable, Tensor::Of<int32_t>({1, 1}, {0}), Ints({1}))
      .ExpectError(kInvalid, "INDICES int32[1,1] must be a vector");
}

TEST(SparseLengthsTest, RejectAnOutputOfMoreThan63Bits) {
  Sparse("SparseLengthsSum", Tensor::Create(DataType::kFloat, {0, int64_t{1} << 60}), Ints({}),
         Ints({0, 0, 0, 0, 0, 0, 0, 0}))
      .ExpectError(kInvalid, "more elements than fit into 64 bits");
}

TEST(SparseLengthsPositionalWeightedSumTest, RejectsTooFewScalars) {
  OpTester("SparseLengthsPositionalWeightedSum")
      .Input("table", kTable)
      .Input("scalars", Floats({1}))
      .Input("indices", Ints({0, 1}))
      .Input("lengths", Ints({2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "SCALARS has 1 elements, but a segment has 2 rows");
}

absl::StatusOr<GradientOpsMeta> Gradient(absl::string_view type,
                                         const std::vector<std::string>& inputs,
                                         bool grad_on_weights = false) {
  std::vector<Argument> args;
  if (grad_on_weights) args.push_back(MakeArgument("grad_on_weights", 1));
  return GetGradientForOp(CreateOperatorDef(type, "", inputs, {"Y"}, args),
                          {GradientWrapper::Dense("dY")});
}

void ExpectGradient(const absl::StatusOr<GradientOpsMeta>& meta, absl::string_view op) {
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), op);
}

TEST(LengthsGradientTest, IsCaffe2sOperator) {
  ExpectGradient(Gradient("LengthsSum", {"x", "l"}),
                 "LengthsIndicesInGradientSumGradient(dY, l, x) -> x_grad");
  ExpectGradient(Gradient("LengthsMean", {"x", "l"}),
                 "LengthsIndicesInGradientMeanGradient(dY, l, x) -> x_grad");
  ExpectGradient(Gradient("LengthsMax", {"x", "l"}),
                 "LengthsMaxWithMainInputAndForwardOutputGradient(Y, dY, l, x) -> x_grad");
  ExpectGradient(Gradient("LengthsWeightedSum", {"x", "w", "l"}),
                 "LengthsWeightedSumGradient(w, dY, l) -> x_grad");
  ExpectGradient(Gradient("LengthsWeightedSum", {"x", "w", "l"}, true),
                 "LengthsWeightedSumWithMainInputGradient(w, dY, l, x) -> x_grad, w_grad");
}

TEST(SparseLengthsGradientTest, IsCaffe2sSlice) {
  const auto sum = Gradient("SparseLengthsSum", {"t", "i", "l"});
  ExpectGradient(sum, "SparseLengthsIndicesInGradientSumGradient(dY, l, i) -> t_grad_values");
  EXPECT_EQ(sum->g_input[0], GradientWrapper::Sparse("i", "t_grad_values"));
  ExpectGradient(Gradient("SparseLengthsMean", {"t", "i", "l"}),
                 "SparseLengthsIndicesInGradientMeanGradient(dY, l, i) -> t_grad_values");
  ExpectGradient(Gradient("SparseLengthsWeightedSum", {"t", "w", "i", "l"}),
                 "SparseLengthsIndicesInGradientWeightedSumGradient(w, dY, l, i) -> t_grad_values");
  const auto weights = Gradient("SparseLengthsWeightedSum", {"t", "w", "i", "l"}, true);
  ExpectGradient(weights,
                 "SparseLengthsIndicesInGradientWeightedSumWithMainInputGradient(w, dY, l, t, i) "
                 "-> t_grad_values, w_grad");
  EXPECT_EQ(weights->g_input[1], GradientWrapper::Dense("w_grad"));
}

TEST(LengthsGradientTest, GivesEveryRowTheGradientOfItsSegment) {
  OpTester("LengthsSumGradient")
      .Input("dY", Floats({1, 2, 3}))
      .Input("lengths", Ints({2, 0, 1}))
      .Outputs({"dX"})
      .ExpectOutput(0, Floats({1, 1, 3}));
  OpTester("SparseLengthsIndicesInGradientMeanGradient")
      .Input("dY", Floats({1, 2, 3}))
      .Input("lengths", Ints({2, 0, 1}))
      .Input("indices", Ints({7, 7, 7}))
      .Outputs({"dX"})
      .ExpectOutput(0, Floats({0.5, 0.5, 3}));
}

TEST(LengthsGradientTest, OfWeightsReadsTablesOfHalfs) {
  OpTester tester("SparseLengthsIndicesInGradientWeightedSumWithMainInputGradient");
  tester.Input("w", Floats({2, 3}))
      .Input("dY", Tensor::Of<float>({1, 2}, {1, 10}))
      .Input("lengths", Ints({2}))
      .Input("table", Tensor::Of<float16>({2, 2}, {float16(1), float16(2), float16(3), float16(4)}))
      .Input("indices", Ints({1, 0}))
      .Outputs({"dX", "dw"});
  tester.ExpectOutput(0, Tensor::Of<float>({2, 2}, {2, 20, 3, 30}));
  tester.ExpectOutput(1, Floats({43, 21}));
}

TEST(LengthsGradientTest, RejectsWhatDoesNotGoTogether) {
  OpTester("LengthsSumGradient")
      .Input("dY", Floats({1, 2}))
      .Input("lengths", Ints({2, 0, 1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "must have a row for each of 3 LENGTHS");
  OpTester("LengthsMeanGradient")
      .Input("dY", Floats({1, 2}))
      .Input("lengths", Ints({2, -1}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "LENGTHS[1] is -1, but a length is not negative");
  OpTester("LengthsIndicesInGradientSumGradient")
      .Input("dY", Floats({1, 2}))
      .Input("lengths", Ints({2, 1}))
      .Input("x", Floats({1, 2}))
      .Outputs({"dX"})
      .ExpectError(kInvalid, "LENGTHS add up to 3, but there are 2 rows");
  OpTester("SparseLengthsWeightedSumWithMainInputGradient")
      .Input("w", Floats({1}))
      .Input("dY", Floats({1}))
      .Input("lengths", Ints({1}))
      .Input("table", Floats({1, 2}))
      .Input("indices", Ints({2}))
      .Outputs({"dX", "dw"})
      .ExpectError(kInvalid, "index 0 is 2, but must be in [0, 2)");
}

}  // namespace
}  // namespace doppio
