#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

using Ints = std::vector<int64_t>;

// A table of the rows [10,20] and [30,40].
OpTester Sums(std::initializer_list<int64_t> index, std::initializer_list<int32_t> lengths) {
  return OpTester("TTSparseLengthsSum")
      .Input("core0", Tensor::Of<float>({2, 1, 2, 1}, {1, 2, 3, 4}))
      .Input("core1", Tensor::Of<float>({1, 1, 1, 1}, {10}))
      .Input("core2", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Input("index", Tensor::Of<int64_t>({static_cast<int64_t>(index.size())}, index))
      .Input("lengths", Tensor::Of<int32_t>({static_cast<int64_t>(lengths.size())}, lengths))
      .Outputs({"Y", "first", "second", "indices"});
}

OpTester& Described(OpTester&& tester, Ints i = {2, 1, 1}, Ints j = {2, 1, 1},
                    Ints r = {1, 1, 1, 1}, int64_t size = 2) {
  return tester.Arg("factor_i", i).Arg("factor_j", j).Arg("ranks", r).Arg("emb_size", size);
}

TEST(TTSparseLengthsSumTest, SumsRowsOfTheTable) {
  Described(Sums({0, 1, 1}, {2, 1}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {40, 60, 30, 40}))
      .ExpectOutput(1, Tensor::Of<float>({3, 2, 1}, {1, 2, 3, 4, 3, 4}))
      .ExpectOutput(2, Tensor::Of<float>({3, 2, 1}, {10, 20, 30, 40, 30, 40}))
      .ExpectOutput(3, Tensor::Of<int64_t>({3, 3}, {0, 0, 0, 1, 0, 0, 1, 0, 0}));
}

TEST(TTSparseLengthsSumTest, TakesSegmentsOfNothing) {
  Described(Sums({}, {0, 0})).ExpectOutput(0, Tensor::Of<float>({2, 2}, {0, 0, 0, 0}));
  Described(Sums({1}, {0, 1, 0})).ExpectOutput(0, Tensor::Of<float>({3, 2}, {0, 0, 30, 40, 0, 0}));
}

TEST(TTSparseLengthsSumTest, RejectsIndicesThatAreNoRows) {
  Described(Sums({0, 2}, {2})).ExpectError(kInvalid, "index 1 is 2, but must be in [0, 2)");
  Described(Sums({-1}, {1})).ExpectError(kInvalid, "index 0 is -1");
}

TEST(TTSparseLengthsSumTest, RejectsLengthsThatDoNotAddUp) {
  Described(Sums({0, 1}, {1})).ExpectError(kInvalid, "lengths sum to 1, but index has 2");
  Described(Sums({0, 1}, {3, -1})).ExpectError(kInvalid, "a length is not negative");
}

TEST(TTSparseLengthsSumTest, RejectsCoresOfAnotherShapeOrType) {
  Described(Sums({0}, {1}), {2, 2, 1}).ExpectError(kInvalid, "core1 [1,1,1,1] must be [2,1,1,1]");
  OpTester tester("TTSparseLengthsSum");
  tester.Input("core0", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Input("core1", Tensor::Of<double>({1, 1, 1, 1}, {1}))
      .Input("core2", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Input("index", Tensor::Of<int64_t>({1}, {0}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Arg("emb_size", int64_t{1})
      .Outputs({"Y", "first", "second", "indices"})
      .ExpectError(kInvalid, "must have the type of core0");
}

TEST(TTSparseLengthsSumTest, RejectsSizesThatDoNotGoTogether) {
  Described(Sums({0}, {1}), {2, 1}).ExpectError(kInvalid, "must hold 3 numbers, but holds 2");
  Described(Sums({0}, {1}), {2, 1, 0}).ExpectError(kInvalid, "must be at least 1");
  Described(Sums({0}, {1}), {2, 1, 1}, {2, 1, 1}, {2, 1, 1, 1})
      .ExpectError(kInvalid, "the first and the last rank must be 1");
  Described(Sums({0}, {1}), {2, 1, 1}, {2, 1, 1}, {1, 1, 1, 1}, 3)
      .ExpectError(kInvalid, "emb_size is 3");
  const int64_t large = int64_t{1} << 40;
  Described(Sums({0}, {1}), {large, large, 1}).ExpectError(absl::StatusCode::kOutOfRange, "");
}

OpTester Gradient(absl::StatusOr<Tensor> indices, absl::StatusOr<Tensor> dy) {
  return OpTester("TTSparseLengthsSumGradient")
      .Input("core0", Tensor::Of<float>({2, 1, 2, 1}, {1, 2, 3, 4}))
      .Input("core1", Tensor::Of<float>({1, 1, 1, 1}, {10}))
      .Input("core2", Tensor::Of<float>({1, 1, 1, 1}, {1}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {2}))
      .Input("first", Tensor::Of<float>({2, 2, 1}, {3, 4, 3, 4}))
      .Input("second", Tensor::Of<float>({2, 2, 1}, {30, 40, 30, 40}))
      .Input("indices", std::move(indices))
      .Input("dY", std::move(dy))
      .Outputs({"d0", "d1", "d2"});
}

TEST(TTSparseLengthsSumTest, AddsTheGradientsOfAMatrixThatIsUsedTwice) {
  Gradient(Tensor::Of<int64_t>({2, 3}, {1, 0, 0, 1, 0, 0}), Tensor::Of<float>({1, 2}, {1, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 2, 1}, {0, 0, 20, 40}))
      .ExpectOutput(1, Tensor::Of<float>({1, 1, 1, 1}, {22}))
      .ExpectOutput(2, Tensor::Of<float>({1, 1, 1, 1}, {220}));
}

TEST(TTSparseLengthsSumTest, RejectsGradientsThatDoNotFit) {
  Gradient(Tensor::Of<int64_t>({2, 3}, {1, 0, 0, 2, 0, 0}), Tensor::Of<float>({1, 2}, {1, 2}))
      .ExpectError(kInvalid, "must be in [0, 2)");
  Gradient(Tensor::Of<int64_t>({1, 3}, {1, 0, 0}), Tensor::Of<float>({1, 2}, {1, 2}))
      .ExpectError(kInvalid, "must be int64[2,3]");
  Gradient(Tensor::Of<int64_t>({2, 3}, {1, 0, 0, 1, 0, 0}), Tensor::Of<float>({2}, {1, 2}))
      .ExpectError(kInvalid, "must be float[1,2]");
}

}  // namespace
}  // namespace doppio
