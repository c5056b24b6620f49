#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

OpTester Pair(const char* type, absl::StatusOr<Tensor> a, absl::StatusOr<Tensor> b) {
  OpTester tester(type);
  tester.Input("A", std::move(a)).Input("B", std::move(b)).Outputs({"C"});
  return tester;
}

TEST(OnnxExtremeTest, BroadcastsAndKeepsNaN) {
  Pair("OnnxMax", Tensor::Of<float>({2, 1}, {1, std::nanf("")}), Tensor::Of<float>({2}, {0, 3}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 3, std::nanf(""), std::nanf("")}));
  Pair("OnnxMin", Tensor::Of<int64_t>({2}, {INT64_MIN, 5}), Tensor::Scalar<int64_t>(3))
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {INT64_MIN, 3}));
}

TEST(OnnxExtremeTest, RejectsDifferentTypesAndShapes) {
  Pair("OnnxMax", Tensor::Of<float>({1}, {1}), Tensor::Of<double>({1}, {1}))
      .ExpectError(kInvalid, "must have the same type");
  Pair("OnnxMin", Tensor::Of<float>({2}, {1, 2}), Tensor::Of<float>({3}, {1, 2, 3}))
      .ExpectError(kInvalid, "[3]");
  Pair("OnnxMax", Tensor::Of<bool>({1}, {true}), Tensor::Of<bool>({1}, {true}))
      .ExpectError(kInvalid, "bool is not supported");
}

OpTester Mod(absl::StatusOr<Tensor> a, absl::StatusOr<Tensor> b, bool is_fmod) {
  OpTester tester = Pair("OnnxMod", std::move(a), std::move(b));
  tester.Arg("fmod", is_fmod);
  return tester;
}

TEST(OnnxModTest, HasTheSignOfTheDivisorOrOfWhatIsDivided) {
  const auto a = Tensor::Of<int32_t>({6}, {-4, 7, 5, 4, -7, 8});
  const auto b = Tensor::Of<int32_t>({6}, {2, -3, 8, -2, 3, 5});
  Mod(a, b, false).ExpectOutput(0, Tensor::Of<int32_t>({6}, {0, -2, 5, 0, 2, 3}));
  Mod(a, b, true).ExpectOutput(0, Tensor::Of<int32_t>({6}, {0, 1, 5, 0, -1, 3}));
  Mod(Tensor::Of<float>({2}, {-4.5f, 7}), Tensor::Scalar<float>(2), true)
      .ExpectOutput(0, Tensor::Of<float>({2}, {-0.5f, 1}));
}

TEST(OnnxModTest, TakesTheLeastIntegerByMinusOne) {
  for (const bool is_fmod : {false, true}) {
    Mod(Tensor::Scalar<int64_t>(INT64_MIN), Tensor::Scalar<int64_t>(-1), is_fmod)
        .ExpectOutput(0, Tensor::Scalar<int64_t>(0));
  }
}

TEST(OnnxModTest, RejectsZeroAndFloatsWithoutFmod) {
  Mod(Tensor::Of<int32_t>({2}, {1, 2}), Tensor::Of<int32_t>({2}, {1, 0}), false)
      .ExpectError(kInvalid, "division of whole numbers by zero");
  Mod(Tensor::Scalar<float>(1), Tensor::Scalar<float>(1), false)
      .ExpectError(kInvalid, "with fmod = 1");
  // Nothing is divided.
  Mod(Tensor::Of<int32_t>({0}, {}), Tensor::Scalar<int32_t>(0), false)
      .ExpectOutput(0, Tensor::Of<int32_t>({0}, {}));
}

TEST(BitShiftTest, LosesWhatLeaves) {
  const auto a = Tensor::Of<uint8_t>({4}, {129, 4, 1, 255});
  const auto b = Tensor::Of<uint8_t>({4}, {1, 2, 8, 200});
  Pair("BitShift", a, b)
      .Arg("direction", "LEFT")
      .ExpectOutput(0, Tensor::Of<uint8_t>({4}, {2, 16, 0, 0}));
  Pair("BitShift", a, b)
      .Arg("direction", "RIGHT")
      .ExpectOutput(0, Tensor::Of<uint8_t>({4}, {64, 1, 0, 0}));
}

TEST(BitShiftTest, RejectsAnotherDirectionAndSignedNumbers) {
  Pair("BitShift", Tensor::Scalar<uint8_t>(1), Tensor::Scalar<uint8_t>(1))
      .Arg("direction", "UP")
      .ExpectError(kInvalid, "direction must be LEFT or RIGHT, but is \"UP\"");
  Pair("BitShift", Tensor::Scalar<int8_t>(1), Tensor::Scalar<int8_t>(1))
      .Arg("direction", "LEFT")
      .ExpectError(kInvalid, "int8 is not supported");
}

TEST(OnnxPowTest, ComputesWholePowersExactly) {
  Pair("OnnxPow", Tensor::Of<int64_t>({6}, {3, -3, 1, -1, 7, 2}),
       Tensor::Of<int64_t>({6}, {39, 39, -5, -5, -1, 0}))
      .ExpectOutput(
          0, Tensor::Of<int64_t>({6}, {4052555153018976267, -4052555153018976267, 1, -1, 0, 1}));
  // They wrap.
  Pair("OnnxPow", Tensor::Of<int32_t>({2}, {2, 65537}), Tensor::Of<int32_t>({2}, {32, 2}))
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {0, 131073}));
}

TEST(OnnxPowTest, HasTheTypeOfTheBase) {
  Pair("OnnxPow", Tensor::Of<int64_t>({3}, {1, 2, 3}), Tensor::Of<float>({3}, {0.5f, 3, 1.5f}))
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {1, 8, 5}));
  Pair("OnnxPow", Tensor::Of<float>({2, 1}, {2, -2}), Tensor::Of<int32_t>({2}, {3, -1}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {8, 0.5f, -8, -0.5f}));
}

// 2^53 + 1 is no double: it must not become the even 2^53.
TEST(OnnxPowTest, SeesThatALargeExponentIsOdd) {
  const int64_t odd = (int64_t{1} << 53) + 1;
  Pair("OnnxPow", Tensor::Of<float>({2}, {-1, -0.0f}), Tensor::Of<int64_t>({2}, {odd, -1}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {-1, -kInfinity}));
}

TEST(OnnxPowTest, RejectsNegativePowersOfAWholeZero) {
  Pair("OnnxPow", Tensor::Of<int32_t>({2}, {3, 0}), Tensor::Of<int32_t>({2}, {-1, -1}))
      .ExpectError(kInvalid, "0, a whole number, has no power of -1 (element 1)");
  Pair("OnnxPow", Tensor::Of<int32_t>({2}, {3, 0}), Tensor::Of<int32_t>({2}, {-1, 1}))
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {0, 0}));
  Pair("OnnxPow", Tensor::Scalar<std::string>("a"), Tensor::Scalar<float>(1))
      .ExpectError(kInvalid, "both must be numbers");
}

TEST(OnnxWhereTest, BroadcastsAllThree) {
  OpTester("OnnxWhere")
      .Input("condition", Tensor::Of<bool>({2, 1}, {true, false}))
      .Input("X", Tensor::Of<int16_t>({2}, {1, 2}))
      .Input("Y", Tensor::Of<int16_t>({1, 1, 1}, {9}))
      .Outputs({"output"})
      .ExpectOutput(0, Tensor::Of<int16_t>({1, 2, 2}, {1, 2, 9, 9}));
}

TEST(OnnxWhereTest, RejectsAConditionThatIsNoneAndOtherTypes) {
  OpTester("OnnxWhere")
      .Input("condition", Tensor::Scalar<int32_t>(1))
      .Input("X", Tensor::Scalar<float>(1))
      .Input("Y", Tensor::Scalar<float>(1))
      .Outputs({"output"})
      .ExpectError(kInvalid, "condition is int32");
  OpTester("OnnxWhere")
      .Input("condition", Tensor::Scalar<bool>(true))
      .Input("X", Tensor::Scalar<float>(1))
      .Input("Y", Tensor::Scalar<double>(1))
      .Outputs({"output"})
      .ExpectError(kInvalid, "twice one type of numbers");
}

TEST(IsInfTest, TellsTheSign) {
  const auto x = Tensor::Of<float>({4}, {1, kInfinity, -kInfinity, std::nanf("")});
  OpTester("IsInf").Input("X", x).Outputs({"Y"}).ExpectOutput(
      0, Tensor::Of<bool>({4}, {false, true, true, false}));
  OpTester("IsInf")
      .Input("X", x)
      .Arg("detect_positive", false)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({4}, {false, false, true, false}));
  OpTester("IsInf")
      .Input("X", Tensor::Scalar<int32_t>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "int32 is not supported");
}

OpTester CumSum(absl::StatusOr<Tensor> x, absl::StatusOr<Tensor> axis) {
  OpTester tester("CumSum");
  tester.Input("x", std::move(x)).Input("axis", std::move(axis)).Outputs({"y"});
  return tester;
}

TEST(CumSumTest, SumsAlongAnAxisFromEitherEnd) {
  const auto x = Tensor::Of<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  CumSum(x, Tensor::Scalar<int32_t>(0))
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 3}, {1, 2, 3, 5, 7, 9}));
  CumSum(x, Tensor::Scalar<int64_t>(-1))
      .Arg("exclusive", true)
      .Arg("reverse", true)
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 3}, {5, 3, 0, 11, 6, 0}));
  CumSum(Tensor::Of<int32_t>({2}, {INT32_MAX, 1}), Tensor::Scalar<int32_t>(0))
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {INT32_MAX, INT32_MIN}));
}

TEST(CumSumTest, RejectsAnAxisThatIsNone) {
  CumSum(Tensor::Of<float>({1}, {1}), Tensor::Scalar<int32_t>(1)).ExpectError(kInvalid, "1");
  CumSum(Tensor::Of<float>({1}, {1}), Tensor::Of<int64_t>({2}, {0, 0}))
      .ExpectError(kInvalid, "axis must be one int32 or int64, but is int64[2]");
}

OpTester ReduceSum(absl::StatusOr<Tensor> axes) {
  OpTester tester("OnnxReduceSum");
  tester.Input("data", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Input("axes", std::move(axes))
      .Outputs({"reduced"});
  return tester;
}

TEST(OnnxReduceSumTest, TakesAxesFromAnInput) {
  ReduceSum(Tensor::Of<int64_t>({1}, {-1})).ExpectOutput(0, Tensor::Of<float>({2, 1}, {3, 7}));
  ReduceSum(Tensor::Of<int64_t>({0}, {}))
      .Arg("keepdims", false)
      .ExpectOutput(0, Tensor::Scalar<float>(10));
  ReduceSum(Tensor::Of<int64_t>({0}, {}))
      .Arg("noop_with_empty_axes", true)
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
}

TEST(OnnxReduceSumTest, RejectsAxesThatAreNoneOrComeTwice) {
  ReduceSum(Tensor::Of<int64_t>({1}, {2})).ExpectError(kInvalid, "2");
  ReduceSum(Tensor::Of<int64_t>({2}, {0, -2})).ExpectError(kInvalid, "axis 0 comes twice");
}

TEST(DetTest, ComputesDeterminants) {
  const auto det = [](absl::StatusOr<Tensor> x) {
    OpTester tester("Det");
    tester.Input("X", std::move(x)).Outputs({"Y"});
    return tester;
  };
  // The first pivot is 0.
  det(Tensor::Of<double>({2, 2, 2}, {0, 1, 1, 0, 1, 2, 3, 4}))
      .ExpectOutput(0, Tensor::Of<double>({2}, {-1, -2}), 1e-12);
  det(Tensor::Of<float>({2, 2}, {1, 2, 2, 4})).ExpectOutput(0, Tensor::Scalar<float>(0));
  det(Tensor::Of<float>({0, 0}, {})).ExpectOutput(0, Tensor::Scalar<float>(1));
  det(Tensor::Of<float>({1, 2}, {1, 2})).ExpectError(kInvalid, "are no square");
  det(Tensor::Of<float>({2}, {1, 2})).ExpectError(kInvalid, "are no square");
}

OpTester Einsum(const char* equation, absl::StatusOr<Tensor> a) {
  OpTester tester("Einsum");
  tester.Input("A", std::move(a)).Arg("equation", equation).Outputs({"Output"});
  return tester;
}

TEST(EinsumTest, SumsDiagonalsAndTransposes) {
  const auto a = Tensor::Of<int64_t>({2, 2}, {1, 2, 3, 4});
  Einsum("ii", a).ExpectOutput(0, Tensor::Scalar<int64_t>(5));
  Einsum("ii->i", a).ExpectOutput(0, Tensor::Of<int64_t>({2}, {1, 4}));
  Einsum("ij->ji", a).ExpectOutput(0, Tensor::Of<int64_t>({2, 2}, {1, 3, 2, 4}));
  Einsum("ba", a).ExpectOutput(0, Tensor::Of<int64_t>({2, 2}, {1, 3, 2, 4}));
  Einsum("...j->...", a).ExpectOutput(0, Tensor::Of<int64_t>({2}, {3, 7}));
}

TEST(EinsumTest, TakesManyOperandsAndBroadcastsWithoutLetters) {
  Einsum("i,j,i->ij", Tensor::Of<float>({2}, {1, 2}))
      .Input("B", Tensor::Of<float>({2}, {3, 4}))
      .Input("C", Tensor::Of<float>({2}, {5, 6}))
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {15, 20, 36, 48}));
  Einsum("...,...", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("B", Tensor::Of<float>({3}, {1, 10, 100}))
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {1, 10, 100, 2, 20, 200}));
}

TEST(EinsumTest, RejectsEquationsThatAreNone) {
  const auto a = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  Einsum("i->i", a).ExpectError(kInvalid, "input 0 [2,2] has not the dimensions \"i\"");
  Einsum("ij,j->i", a).ExpectError(kInvalid, "there are 1 inputs");
  Einsum("ij->k", a).ExpectError(kInvalid, "the output can not have 'k'");
  Einsum("ij->ii", a).ExpectError(kInvalid, "the output can not have 'i'");
  Einsum("i1->i", a).ExpectError(kInvalid, "'1' is no letter");
  Einsum("i.->i", a).ExpectError(kInvalid, "dots stand in threes");
  Einsum("ij->i->j", a).ExpectError(kInvalid, "there are two arrows");
  Einsum("ij,jk->ik", a)
      .Input("B", Tensor::Of<float>({3, 1}, {1, 2, 3}))
      .ExpectError(kInvalid, "dimension 0 of input 1 [3,1] is 3, but elsewhere 2");
}

TEST(ReduceLogSumExpTest, NeitherOverflowsNorLosesInfinity) {
  OpTester("ReduceLogSumExp")
      .Input("X", Tensor::Of<float>({3, 2}, {1000, 1000, -kInfinity, -kInfinity, kInfinity, 1}))
      .Arg("axes", std::vector<int64_t>{1})
      .Arg("keepdims", false)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({3}, {1000.693147f, -kInfinity, kInfinity}));
}

TEST(RoundTest, GoesToTheEvenNumberOfTwoThatAreAsNear) {
  OpTester("Round")
      .Input("X", Tensor::Of<float>({6}, {0.5f, 1.5f, -2.5f, 2.6f, -kInfinity, -0.2f}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({6}, {0, 2, -2, 3, -kInfinity, -0.0f}));
}

}  // namespace
}  // namespace doppio
