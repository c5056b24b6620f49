#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

// The gradient operators of Type(A, B, ...) -> Y, one a line, given Y_grad.
std::string GradientsOf(const std::string& type, const std::vector<std::string>& inputs) {
  OperatorDef def = CreateOperatorDef(type, "", inputs, {"Y"});
  *def.add_arg() = MakeArgument<int>("mark", 1);
  const absl::StatusOr<GradientOpsMeta> meta =
      GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  if (!meta.ok()) return std::string(meta.status().message());
  std::vector<std::string> lines;
  for (const OperatorDef& op : meta->ops) {
    EXPECT_TRUE(op.is_gradient_op());
    EXPECT_EQ(op.arg(op.arg_size() - 1).name(), "mark");  // forward arguments come last
    lines.push_back(OpToString(op));
  }
  return absl::StrJoin(lines, "; ");
}

TEST(GradientMakersTest, UnaryOnesAreThoseOfCaffe2) {
  EXPECT_EQ(GradientsOf("Relu", {"X"}), "ReluGradient(Y, Y_grad) -> X_grad");
  EXPECT_EQ(GradientsOf("Sigmoid", {"X"}), "SigmoidGradient(Y, Y_grad) -> X_grad");
  EXPECT_EQ(GradientsOf("Tanh", {"X"}), "TanhGradient(Y, Y_grad) -> X_grad");
  EXPECT_EQ(GradientsOf("Abs", {"X"}), "AbsGradient(X, Y_grad) -> X_grad");
  EXPECT_EQ(GradientsOf("Negative", {"X"}), "Negative(Y_grad) -> X_grad");
  EXPECT_EQ(GradientsOf("Exp", {"X"}), "Mul(Y, Y_grad) -> X_grad");
  EXPECT_EQ(GradientsOf("Log", {"X"}), "Div(Y_grad, X) -> X_grad");
  EXPECT_EQ(GradientsOf("Sqr", {"X"}), "Scale(Y_grad) -> Y_grad; Mul(Y_grad, X) -> X_grad");
  EXPECT_EQ(GradientsOf("Scale", {"X"}), "Scale(Y_grad) -> X_grad");
}

TEST(GradientMakersTest, BinaryOnesAreThoseOfCaffe2) {
  EXPECT_EQ(GradientsOf("Add", {"A", "B"}), "AddGradient(Y_grad, A, B) -> A_grad, B_grad");
  EXPECT_EQ(GradientsOf("Sub", {"A", "B"}), "SubGradient(Y_grad, A, B) -> A_grad, B_grad");
  EXPECT_EQ(GradientsOf("Mul", {"A", "B"}), "MulGradient(Y_grad, A, B) -> A_grad, B_grad");
  EXPECT_EQ(GradientsOf("Div", {"A", "B"}), "DivGradient(Y_grad, A, B, Y) -> A_grad, B_grad");
}

TEST(GradientMakersTest, SumPassesItsGradientOn) {
  const OperatorDef def = CreateOperatorDef("Sum", "", {"A", "B"}, {"Y"});
  const absl::StatusOr<GradientOpsMeta> meta =
      GetGradientForOp(def, {GradientWrapper::Dense("Y_grad")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_TRUE(meta->ops.empty());
  ASSERT_EQ(meta->g_input.size(), 2u);
  EXPECT_EQ(meta->g_input[0].dense, "Y_grad");
  EXPECT_EQ(meta->g_input[1].dense, "Y_grad");
}

TEST(GradientMakersTest, ASparseGradientIsRefused) {
  const OperatorDef def = CreateOperatorDef("Relu", "", {"X"}, {"Y"});
  EXPECT_FALSE(GetGradientForOp(def, {GradientWrapper::Sparse("i", "v")}).ok());
}

}  // namespace
}  // namespace doppio
