#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(LogicTest, CombinesTruthValues) {
  const auto a = Tensor::Of<bool>({4}, {true, true, false, false});
  const auto b = Tensor::Of<bool>({4}, {true, false, true, false});
  const auto run = [&](const char* type, std::initializer_list<bool> expected) {
    OpTester(type).Input("A", a).Input("B", b).Outputs({"C"}).ExpectOutput(
        0, Tensor::Of<bool>({4}, expected));
  };
  run("And", {true, false, false, false});
  run("Or", {true, true, true, false});
  run("Xor", {false, true, true, false});
  run("BitwiseAnd", {true, false, false, false});
}

TEST(LogicTest, WritesInPlaceOfA) {
  OpTester("And")
      .Input("A", Tensor::Of<bool>({2, 2}, {true, true, false, true}))
      .Input("B", Tensor::Of<bool>({2}, {true, false}))
      .Outputs({"A"})
      .ExpectOutput(0, Tensor::Of<bool>({2, 2}, {true, false, false, false}));
}

TEST(LogicTest, BroadcastsByTheOlderRuleToo) {
  OpTester("Or")
      .Input("A", Tensor::Of<bool>({2, 2}, {false, false, true, false}))
      .Input("B", Tensor::Of<bool>({2}, {true, false}))
      .Arg<int>("broadcast", 1)
      .Arg<int>("axis", 0)
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Of<bool>({2, 2}, {true, true, true, false}));
}

TEST(LogicTest, RejectsNumbers) {
  for (const char* type : {"And", "Or", "Xor"}) {
    OpTester(type)
        .Input("A", Tensor::Scalar<int32_t>(1))
        .Input("B", Tensor::Scalar<int32_t>(1))
        .Outputs({"C"})
        .ExpectError(kInvalid, "element type int32 is not supported here; supported: bool");
  }
}

TEST(LogicTest, RejectsAResultThatIsLargerThanWhatItReplaces) {
  OpTester("Xor")
      .Input("A", Tensor::Of<bool>({1}, {true}))
      .Input("B", Tensor::Of<bool>({2}, {true, false}))
      .Outputs({"A"})
      .ExpectError(kInvalid, "can not be written in place of input 0");
}

TEST(BitwiseTest, CombinesBits) {
  const auto a = Tensor::Of<int32_t>({2}, {12, -1});
  const auto b = Tensor::Of<int32_t>({2}, {10, 7});
  const auto run = [&](const char* type, std::initializer_list<int32_t> expected) {
    OpTester(type).Input("A", a).Input("B", b).Outputs({"C"}).ExpectOutput(
        0, Tensor::Of<int32_t>({2}, expected));
  };
  run("BitwiseAnd", {8, 7});
  run("BitwiseOr", {14, -1});
  run("BitwiseXor", {6, -8});
}

TEST(BitwiseTest, KeepsAllBitsOfInt64) {
  OpTester("BitwiseXor")
      .Input("A", Tensor::Scalar<int64_t>(std::numeric_limits<int64_t>::min()))
      .Input("B", Tensor::Scalar<int64_t>(-1))
      .Outputs({"C"})
      .ExpectOutput(0, Tensor::Scalar<int64_t>(std::numeric_limits<int64_t>::max()));
}

TEST(BitwiseTest, RejectsFloats) {
  for (const char* type : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}) {
    OpTester(type)
        .Input("A", Tensor::Scalar<float>(1))
        .Input("B", Tensor::Scalar<float>(1))
        .Outputs({"C"})
        .ExpectError(kInvalid, "element type float is not supported here");
  }
}

TEST(BitwiseTest, RejectsShapesThatDoNotGoTogether) {
  OpTester("BitwiseAnd")
      .Input("A", Tensor::Create(DataType::kInt8, {2, 3}))
      .Input("B", Tensor::Create(DataType::kInt8, {2, 2}))
      .Outputs({"C"})
      .ExpectError(kInvalid, "[2,3]");
}

TEST(NotTest, Negates) {
  OpTester("Not")
      .Input("X", Tensor::Of<bool>({2}, {true, false}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({2}, {false, true}));
  OpTester("Not")
      .Input("X", Tensor::Create(DataType::kBool, {0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Create(DataType::kBool, {0}));
}

TEST(NotTest, RejectsNumbers) {
  OpTester("Not")
      .Input("X", Tensor::Scalar<uint8_t>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type uint8 is not supported here; supported: bool");
}

}  // namespace
}  // namespace doppio
