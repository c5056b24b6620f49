#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const char* const kAll[] = {"Add", "Sub", "Mul", "Div"};

OpTester TwoShapes(const char* type, std::initializer_list<int64_t> a,
                   std::initializer_list<int64_t> b) {
  OpTester tester(type);
  tester.Input("A", Tensor::Create(DataType::kFloat, DimsView(a.begin(), a.size())))
      .Input("B", Tensor::Create(DataType::kFloat, DimsView(b.begin(), b.size())));
  return tester;
}

TEST(BinaryTest, BroadcastsBothOperands) {
  OpTester("Sub")
      .Input("A", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("B", Tensor::Of<float>({3}, {10, 20, 30}))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, {-9, -19, -29, -8, -18, -28}));
}

TEST(BinaryTest, LegacyBroadcastAlignsAtTheAxis) {
  const auto sum = Tensor::Of<float>({2, 2}, {11, 12, 23, 24});
  for (const bool by_letter : {false, true}) {
    OpTester tester("Add");
    tester.Input("A", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
        .Input("B", Tensor::Of<float>({2}, {10, 20}))
        .Arg<int>("broadcast", 1)
        .Outputs({"C"});
    if (by_letter) {
      tester.Arg("axis_str", "N");
    } else {
      tester.Arg<int>("axis", 0);
    }
    tester.ExpectOutput(0, sum);
  }
}

TEST(BinaryTest, LegacyBroadcastReadsTheOrder) {
  OpTester("Add")
      .Input("A", Tensor::Of<float>({1, 2, 1, 2}, {1, 2, 3, 4}))
      .Input("B", Tensor::Of<float>({2}, {10, 20}))
      .Arg<int>("broadcast", 1)
      .Arg("axis_str", "C")
      .Arg("order", "NHWC")
      .Outputs({"A"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 1, 2}, {11, 22, 13, 24}));
}

TEST(BinaryTest, LegacyBroadcastIgnoresOnesAtTheEndsOfB) {
  OpTester("Mul")
      .Input("A", Tensor::Of<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}))
      .Input("B", Tensor::Of<float>({1, 2, 1}, {1, 10}))
      .Arg<int>("broadcast", 1)
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2, 2}, {1, 2, 30, 40, 5, 6, 70, 80}));
}

TEST(BinaryTest, TheAxisMeansNothingWithoutLegacyBroadcast) {
  OpTester("Add")
      .Input("A", Tensor::Of<float>({2}, {1, 2}))
      .Input("B", Tensor::Of<float>({2}, {3, 4}))
      .Arg<int>("axis", 7)
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<float>({2}, {4, 6}));
}

TEST(BinaryTest, WorksInPlaceOfTheOperandOfTheResultsShape) {
  OpTester("Sub")
      .Input("A", Tensor::Of<int32_t>({}, {100}))
      .Input("B", Tensor::Of<int32_t>({2}, {1, 2}))
      .Outputs({"B"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {99, 98}));
}

TEST(BinaryTest, TheLeastIntegerByMinusOneWraps) {
  const int64_t least = std::numeric_limits<int64_t>::min();
  OpTester("Div")
      .Input("A", Tensor::Of<int64_t>({2}, {least, 7}))
      .Input("B", Tensor::Of<int64_t>({2}, {-1, -2}))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {least, -3}));
}

TEST(BinaryTest, RefusesShapesThatDoNotGoTogether) {
  for (const char* type : kAll) {
    TwoShapes(type, {2, 3}, {2}).Outputs({"C"}).ExpectError(kInvalid, "[2,3]");
    TwoShapes(type, {2, 3}, {4})
        .Arg<int>("broadcast", 1)
        .Outputs({"C"})
        .ExpectError(kInvalid, "dimension 0 of B is 4, must be 3");
  }
}

TEST(BinaryTest, RefusesABLargerThanAInLegacyBroadcast) {
  TwoShapes("Add", {3}, {2, 3})
      .Arg<int>("broadcast", 1)
      .Outputs({"C"})
      .ExpectError(kInvalid, "B has more dimensions");
}

TEST(BinaryTest, RefusesAnAxisOutOfRange) {
  for (const int axis : {2, 99, -2, std::numeric_limits<int>::min()}) {
    TwoShapes("Add", {2, 3}, {3})
        .Arg<int>("broadcast", 1)
        .Arg<int>("axis", axis)
        .Outputs({"C"})
        .ExpectError(kInvalid, "must be -1 or in [0, 1]");
  }
}

TEST(BinaryTest, RefusesAnAxisThatIsNoLetterOfTheOrder) {
  TwoShapes("Add", {2, 3}, {3})
      .Arg<int>("broadcast", 1)
      .Arg("axis_str", "X")
      .Outputs({"C"})
      .ExpectError(kInvalid, "no letter of order \"NCHW\"");
  TwoShapes("Add", {2, 3}, {3})
      .Arg<int>("broadcast", 1)
      .Arg("axis_str", "C")
      .Arg<int>("axis", 1)
      .Outputs({"C"})
      .ExpectError(kInvalid, "exclude each other");
}

TEST(BinaryTest, RefusesTwoTypesAndTypesThatAreNoNumbers) {
  OpTester("Mul")
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<double>({1}, {1}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "must have the same type");
  OpTester("Mul")
      .Input("A", Tensor::Of<bool>({1}, {true}))
      .Input("B", Tensor::Of<bool>({1}, {true}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "bool is not supported here");
}

TEST(BinaryTest, RefusesAWholeDivisorOfZero) {
  OpTester("Div")
      .Input("A", Tensor::Of<int32_t>({2}, {1, 2}))
      .Input("B", Tensor::Of<int32_t>({2}, {1, 0}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "element 1 of B [2] is 0");
}

TEST(BinaryTest, RefusesToGrowAnOperandInPlace) {
  TwoShapes("Add", {1}, {2})
      .Outputs({"A"})
      .ExpectError(kInvalid, "can not be written in place of input 0");
  TwoShapes("Div", {2}, {2}).Outputs({"B"}).ExpectError(kInvalid, "may not write");
}

OpTester GradientOf(const char* type, const char* da, const char* db) {
  OpTester tester(type);
  tester.Input("dC", Tensor::Of<double>({2, 2}, {1, 2, 3, 4}))
      .Input("A", Tensor::Of<double>({2, 2}, {5, 6, 7, 8}))
      .Input("B", Tensor::Of<double>({2, 2}, {1, 2, 4, 8}))
      .Outputs({da, db});
  return tester;
}

TEST(BinaryGradientTest, WorksInPlaceOfEitherOutput) {
  for (const char* da : {"dA", "dC"}) {
    for (const char* db : {"dB", "dC"}) {
      if (da == db) continue;
      GradientOf("MulGradient", da, db)
          .ExpectOutput(0, Tensor::Of<double>({2, 2}, {1, 4, 12, 32}))
          .ExpectOutput(1, Tensor::Of<double>({2, 2}, {5, 12, 21, 32}));
      GradientOf("SubGradient", da, db)
          .ExpectOutput(0, Tensor::Of<double>({2, 2}, {1, 2, 3, 4}))
          .ExpectOutput(1, Tensor::Of<double>({2, 2}, {-1, -2, -3, -4}));
    }
  }
}

TEST(BinaryGradientTest, DivGradientTakesTheInputsOfOldNets) {
  OpTester("DivGradient")
      .Input("B", Tensor::Of<double>({1}, {2}))
      .Input("C", Tensor::Of<double>({2}, {3, 5}))
      .Input("dC", Tensor::Of<double>({2}, {1, 4}))
      .Outputs({"dA", "dB"})
      .ExpectOutput(0, Tensor::Of<double>({2}, {0.5, 2}))
      .ExpectOutput(1, Tensor::Of<double>({1}, {-11.5}));
}

TEST(BinaryGradientTest, RefusesADCOfAnotherShape) {
  for (const char* type : {"AddGradient", "SubGradient", "MulGradient"}) {
    OpTester(type)
        .Input("dC", Tensor::Of<float>({2}, {1, 2}))
        .Input("A", Tensor::Of<float>({3}, {1, 2, 3}))
        .Input("B", Tensor::Of<float>({1}, {1}))
        .Outputs({"dA", "dB"})
        .ExpectError(kInvalid, "must have the shape of the result, [3]");
  }
}

TEST(BinaryGradientTest, RefusesInPlaceWhereTheShapesDiffer) {
  OpTester("AddGradient")
      .Input("dC", Tensor::Of<float>({2}, {1, 2}))
      .Input("A", Tensor::Of<float>({2}, {1, 2}))
      .Input("B", Tensor::Of<float>({1}, {1}))
      .Outputs({"dA", "dC"})
      .ExpectError(kInvalid, "can not be written in place of input 0");
}

TEST(BinaryGradientTest, RefusesTwoTypesAndAWholeDivisorOfZero) {
  OpTester("MulGradient")
      .Input("dC", Tensor::Of<float>({1}, {1}))
      .Input("A", Tensor::Of<float>({1}, {1}))
      .Input("B", Tensor::Of<double>({1}, {1}))
      .Outputs({"dA", "dB"})
      .ExpectError(kInvalid, "must have the same type");
  OpTester("DivGradient")
      .Input("B", Tensor::Of<int32_t>({1}, {0}))
      .Input("C", Tensor::Of<int32_t>({1}, {3}))
      .Input("dC", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"dA", "dB"})
      .ExpectError(kInvalid, "division of whole numbers by zero");
}

}  // namespace
}  // namespace doppio
