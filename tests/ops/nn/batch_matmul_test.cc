#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Product(absl::StatusOr<Tensor> a, absl::StatusOr<Tensor> b) {
  return OpTester("BatchMatMul").Input("A", a).Input("B", b).Outputs({"Y"});
}

TEST(BatchMatMulTest, MultipliesEveryPairOfMatrices) {
  Product(Tensor::Of<float>({2, 1, 2}, {1, 2, 3, 4}), Tensor::Of<float>({2, 2, 1}, {1, 1, 2, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 1}, {3, 14}));
}

TEST(BatchMatMulTest, RepeatsMatricesWhereItMay) {
  Product(Tensor::Of<float>({2, 1, 1}, {2, 3}), Tensor::Of<float>({1, 2}, {1, 10}))
      .Arg("broadcast", 1)
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 2}, {2, 20, 3, 30}));
}

TEST(BatchMatMulTest, TakesVectorsAsRowsAndColumnsWhereItMay) {
  Product(Tensor::Of<float>({2}, {1, 2}), Tensor::Of<float>({2, 2}, {1, 2, 3, 4}))
      .Arg("broadcast", 1)
      .ExpectOutput(0, Tensor::Of<float>({2}, {7, 10}));
  Product(Tensor::Of<float>({2}, {1, 2}), Tensor::Of<float>({2}, {3, 4}))
      .Arg("broadcast", 1)
      .ExpectOutput(0, Tensor::Of<float>({1}, {11}));
}

TEST(BatchMatMulTest, RejectsOtherBatchesWithoutBroadcast) {
  Product(Tensor::Of<float>({2, 1, 1}, {2, 3}), Tensor::Of<float>({1, 1, 1}, {1}))
      .ExpectError(kInvalid, "without broadcast=1");
}

TEST(BatchMatMulTest, RejectsVectorsWithoutBroadcast) {
  Product(Tensor::Of<float>({1}, {2}), Tensor::Of<float>({1, 1}, {1}))
      .ExpectError(kInvalid, "matrices have two dimensions or more");
}

TEST(BatchMatMulTest, RejectsMatricesThatDoNotGoTogether) {
  Product(Tensor::Of<float>({1, 2}, {1, 2}), Tensor::Of<float>({1, 2}, {1, 2}))
      .ExpectError(kInvalid, "rows of A have 2 elements, but columns of B 1");
}

TEST(BatchMatMulTest, RejectsDifferentTypes) {
  Product(Tensor::Of<float>({1, 1}, {1}), Tensor::Of<double>({1, 1}, {1}))
      .ExpectError(kInvalid, "must have the same type");
}

std::string GradientOf(std::vector<Argument> args) {
  const auto meta = GetGradientForOp(CreateOperatorDef("BatchMatMul", "", {"A", "B"}, {"Y"}, args),
                                     {GradientWrapper::Dense("G")});
  if (!meta.ok()) return meta.status().ToString();
  std::string all;
  for (const OperatorDef& op : meta->ops) {
    absl::StrAppend(&all, OpToString(op));
    for (const Argument& arg : op.arg()) absl::StrAppend(&all, " ", arg.name());
    absl::StrAppend(&all, ";");
  }
  return all;
}

TEST(BatchMatMulGradientTest, IsTwoProducts) {
  const Argument a = MakeArgument("trans_a", 1);
  const Argument b = MakeArgument("trans_b", 1);
  EXPECT_EQ(GradientOf({}),
            "BatchMatMul(G, B) -> A_grad trans_b;BatchMatMul(A, G) -> B_grad trans_a;");
  EXPECT_EQ(GradientOf({a}), "BatchMatMul(B, G) -> A_grad trans_b;BatchMatMul(A, G) -> B_grad;");
  EXPECT_EQ(GradientOf({b}), "BatchMatMul(G, B) -> A_grad;BatchMatMul(G, A) -> B_grad trans_a;");
  EXPECT_EQ(GradientOf({a, b}),
            "BatchMatMul(B, G) -> A_grad trans_a trans_b;"
            "BatchMatMul(G, A) -> B_grad trans_a trans_b;");
}

TEST(BatchMatMulGradientTest, IsNotMadeForBroadcast) {
  EXPECT_NE(GradientOf({MakeArgument("broadcast", 1)}).find("has no gradient"), std::string::npos);
}

}  // namespace
}  // namespace doppio
