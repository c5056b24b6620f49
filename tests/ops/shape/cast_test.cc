#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Cast(absl::StatusOr<Tensor> x) {
  OpTester tester("Cast");
  tester.Input("X", std::move(x)).Outputs({"Y"});
  return tester;
}

TEST(CastTest, TakesTheTypeAsANumberOrAName) {
  const auto x = Tensor::Of<float>({3}, {1.9f, -1.9f, 0});
  const auto y = Tensor::Of<int32_t>({3}, {1, -1, 0});
  Cast(x).Arg("to", 2).ExpectOutput(0, y);
  Cast(x).Arg("to", "INT32").ExpectOutput(0, y);
  Cast(x).Arg("to", "int32").ExpectOutput(0, y);
  Cast(x).Arg("to", "bfloat16").ExpectOutput(0, ConvertTensor(*x, DataType::kBFloat16));
}

TEST(CastTest, GivesFloatsWithoutAType) {
  Cast(Tensor::Of<int64_t>({2}, {1, -2})).ExpectOutput(0, Tensor::Of<float>({2}, {1, -2}));
}

TEST(CastTest, SaturatesFloatingPointThatIntegersDoNotHave) {
  const float inf = std::numeric_limits<float>::infinity();
  Cast(Tensor::Of<float>({4}, {300, -1, std::nanf(""), inf}))
      .Arg("to", "uint8")
      .ExpectOutput(0, Tensor::Of<uint8_t>({4}, {255, 0, 0, 255}));
}

TEST(CastTest, WrapsIntegersAndAsksBoolForZero) {
  Cast(Tensor::Of<int32_t>({3}, {256, -1, 0}))
      .Arg("to", "uint8")
      .ExpectOutput(0, Tensor::Of<uint8_t>({3}, {0, 255, 0}));
  Cast(Tensor::Of<int32_t>({3}, {256, -1, 0}))
      .Arg("to", "bool")
      .ExpectOutput(0, Tensor::Of<bool>({3}, {true, true, false}));
}

TEST(CastTest, WritesNumbersAsStrings) {
  Cast(Tensor::Of<int64_t>({2}, {12, -3}))
      .Arg("to", "string")
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"12", "-3"}));
  Cast(Tensor::Of<float16>({1}, {float16(0.5f)}))
      .Arg("to", 4)
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"0.500000"}));
}

TEST(CastTest, RejectsStrings) {
  Cast(Tensor::Of<std::string>({1}, {"1"}))
      .Arg("to", 1)
      .ExpectError(kInvalid, "cannot cast from string");
}

TEST(CastTest, RejectsTypesThatThereAreNot) {
  const auto x = Tensor::Of<float>({1}, {1});
  Cast(x).Arg("to", "quaternion").ExpectError(kInvalid, "is no element type");
  Cast(x).Arg("to", 0).ExpectError(kInvalid, "argument \"to\": 0 is no element type");
  Cast(x).Arg("to", 11).ExpectError(kInvalid, "11 is no element type");
  Cast(x).Arg("to", INT64_MAX).ExpectError(kInvalid, "is no element type");
  Cast(x).Arg("to", 1.0f).ExpectError(kInvalid, "an element type, as a number in `i`");
}

TEST(CastTest, MakesAGradientThatCastsBack) {
  const OperatorDef def =
      CreateOperatorDef("Cast", "", {"X"}, {"Y"},
                        {MakeArgument<std::string>("to", "FLOAT"), MakeArgument("from_type", 13)});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  const OperatorDef& op = meta->ops[0];
  EXPECT_EQ(OpToString(op), "Cast(Y_grad) -> X_grad");
  ASSERT_EQ(op.arg_size(), 2);
  EXPECT_EQ(op.arg(0).ShortDebugString(), "name: \"to\" i: 13");
  EXPECT_EQ(op.arg(1).ShortDebugString(), "name: \"from_type\" i: 1");
}

TEST(CastTest, RejectsAGradientWithoutItsOwnType) {
  const OperatorDef def = CreateOperatorDef("Cast", "", {"X"}, {"Y"}, {MakeArgument("to", 1)});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  EXPECT_EQ(meta.status().code(), kInvalid);
  EXPECT_NE(meta.status().message().find("from_type"), absl::string_view::npos);
}

}  // namespace
}  // namespace doppio
