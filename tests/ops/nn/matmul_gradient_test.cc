#include <map>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

OperatorDef MatMul(const std::vector<Argument>& args) {
  return CreateOperatorDef("MatMul", "", {"A", "B"}, {"Y"}, args);
}

// "MatMul(Y_grad, B, A) -> A_grad trans_b=1 axis_b=1", for every gradient operator.
std::vector<std::string> Gradients(const OperatorDef& def) {
  const absl::StatusOr<GradientOpsMeta> meta =
      GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  EXPECT_TRUE(meta.ok()) << meta.status();
  std::vector<std::string> texts;
  if (!meta.ok()) return texts;
  for (const OperatorDef& op : meta->ops) {
    texts.push_back(OpToString(op));
    for (const Argument& arg : op.arg())
      absl::StrAppend(&texts.back(), " ", arg.name(), "=", arg.i());
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(MatMulGradientTest, IsTwoProducts) {
  EXPECT_EQ(Gradients(MatMul({})), Texts({"MatMul(Y_grad, B, A) -> A_grad trans_b=1 axis_b=1",
                                          "MatMul(A, Y_grad, B) -> B_grad trans_a=1 axis_a=1"}));
}

TEST(MatMulGradientTest, FollowsATransposedFirstInput) {
  EXPECT_EQ(Gradients(MatMul({MakeArgument("trans_a", 1)})),
            Texts({"MatMul(B, Y_grad, A) -> A_grad trans_b=1 axis_a=1",
                   "MatMul(A, Y_grad, B) -> B_grad axis_a=1"}));
}

TEST(MatMulGradientTest, FollowsATransposedSecondInput) {
  EXPECT_EQ(Gradients(MatMul({MakeArgument("trans_b", 1)})),
            Texts({"MatMul(Y_grad, B, A) -> A_grad axis_b=1",
                   "MatMul(Y_grad, A, B) -> B_grad trans_a=1 axis_b=1"}));
}

TEST(MatMulGradientTest, FollowsBothTransposed) {
  EXPECT_EQ(Gradients(MatMul({MakeArgument("trans_a", 1), MakeArgument("trans_b", 1)})),
            Texts({"MatMul(B, Y_grad, A) -> A_grad trans_a=1 trans_b=1 axis_a=1",
                   "MatMul(Y_grad, A, B) -> B_grad trans_a=1 trans_b=1 axis_b=1"}));
}

TEST(MatMulGradientTest, ReadsTheInputsAlongTheirAxes) {
  EXPECT_EQ(Gradients(MatMul({MakeArgument("axis_a", 2), MakeArgument("axis_b", 3)})),
            Texts({"MatMul(Y_grad, B, A) -> A_grad trans_b=1 axis_b=3",
                   "MatMul(A, Y_grad, B) -> B_grad trans_a=1 axis_a=2"}));
}

TEST(MatMulGradientTest, RejectsAnArgumentInTheWrongField) {
  const auto meta = GetGradientForOp(MatMul({MakeArgument<std::string>("trans_a", "yes")}),
                                     {GradientWrapper::Dense("Y_grad")});
  EXPECT_EQ(meta.status().code(), absl::StatusCode::kInvalidArgument) << meta.status();
}

TEST(MatMulGradientTest, RejectsAMissingOutputGradient) {
  const auto meta = GetGradientForOp(MatMul({}), {GradientWrapper()});
  EXPECT_EQ(meta.status().code(), absl::StatusCode::kInvalidArgument) << meta.status();
}

}  // namespace
}  // namespace doppio
