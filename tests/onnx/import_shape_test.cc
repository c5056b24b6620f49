// Of operators on shapes and indices, and of constants, what the published node tests do not show:
// the forms of old versions, which of two operators a node becomes, refusals.

#include "tests/onnx/small_model.h"

namespace doppio {
namespace {

using onnx::TensorProto;
using Types = std::vector<std::string>;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnimplemented = absl::StatusCode::kUnimplemented;

absl::StatusOr<Tensor> Vector(const std::vector<int64_t>& values) {
  return Tensor::FromSpan<int64_t>({static_cast<int64_t>(values.size())}, values);
}

TEST(OnnxReshapeTest, BecomesCaffe2sButForSizesOfZero) {
  SmallModel known("Reshape", 13);
  known.Input("X", TensorProto::FLOAT, {2, 2}).Weight("shape", Vector({0, -1, 1}));
  EXPECT_EQ(known.Operators(), Types({"Reshape"}));
  known.ExpectOutput({Tensor::Of<float>({2, 2}, {1, 2, 3, 4})},
                     Tensor::Of<float>({2, 2, 1}, {1, 2, 3, 4}));
  SmallModel zero("Reshape", 14);
  zero.Input("X", TensorProto::FLOAT, {3, 0}).Weight("shape", Vector({0, 5})).Int("allowzero", 1);
  zero.ExpectOutput({Tensor::Of<float>({3, 0}, {})}, Tensor::Of<float>({0, 5}, {}));
}

TEST(OnnxSqueezeTest, TakesAxesOfBothKinds) {
  const auto x = Tensor::Of<float>({1, 2, 1}, {7, 8});
  SmallModel attribute("Squeeze", 11);
  attribute.Input("X", TensorProto::FLOAT, {1, 2, 1}).Ints("axes", {-1});
  EXPECT_EQ(attribute.Operators(), Types({"Squeeze"}));
  attribute.ExpectOutput({x}, Tensor::Of<float>({1, 2}, {7, 8}));
  SmallModel unknown("Squeeze", 13);
  unknown.InputOfAnyShape("X", TensorProto::FLOAT).Weight("axes", Vector({-1}));
  EXPECT_EQ(unknown.Operators(), Types({"OnnxSqueeze"}));
  unknown.ExpectOutput({x}, Tensor::Of<float>({1, 2}, {7, 8}));
  SmallModel all("Squeeze", 13);
  all.Input("X", TensorProto::FLOAT, {1, 2, 1});
  all.ExpectOutput({x}, Tensor::Of<float>({2}, {7, 8}));
}

TEST(OnnxUnsqueezeTest, CountsAxesInTheOutput) {
  const auto x = Tensor::Of<float>({2}, {7, 8});
  SmallModel known("Unsqueeze", 11);
  known.Input("X", TensorProto::FLOAT, {-1}).Ints("axes", {-1, 0});
  EXPECT_EQ(known.Operators(), Types({"ExpandDims"}));
  known.ExpectOutput({x}, Tensor::Of<float>({1, 2, 1}, {7, 8}));
  SmallModel unknown("Unsqueeze", 11);
  unknown.InputOfAnyShape("X", TensorProto::FLOAT).Ints("axes", {-1, 0});
  unknown.ExpectOutput({x}, Tensor::Of<float>({1, 2, 1}, {7, 8}));
  SmallModel twice("Unsqueeze", 13);
  twice.Input("X", TensorProto::FLOAT, {2}).Weight("axes", Vector({0, -3}));
  twice.ExpectRefusal(kInvalid, "dimension 0 comes twice");
  SmallModel none("Unsqueeze", 13);
  none.Input("X", TensorProto::FLOAT, {2});
  none.ExpectRefusal(kInvalid, "there are no axes");
}

TEST(OnnxFlattenTest, CountsFromTheBackWhereTheRankIsKnown) {
  SmallModel known("Flatten", 11);
  known.Input("X", TensorProto::FLOAT, {-1, 2}).Int("axis", -1);
  known.ExpectOutput({Tensor::Of<float>({1, 2}, {1, 2})}, Tensor::Of<float>({1, 2}, {1, 2}));
  SmallModel unknown("Flatten", 11);
  unknown.InputOfAnyShape("X", TensorProto::FLOAT).Int("axis", -1);
  unknown.ExpectRefusal(kUnimplemented, "axis -1 of a tensor whose rank is not known");
}

absl::StatusOr<Tensor> Four() { return Tensor::Of<float>({4}, {0, 1, 2, 3}); }

TEST(OnnxSliceTest, BecomesCaffe2sWhereThatIsTheSameForEverySize) {
  SmallModel front("Slice", 9);
  front.Input("X", TensorProto::FLOAT, {-1}).Ints("starts", {1}).Ints("ends", {99});
  EXPECT_EQ(front.Operators(), Types({"Slice"}));
  front.ExpectOutput({Four()}, Tensor::Of<float>({3}, {1, 2, 3}));
  SmallModel axis("Slice", 13);
  axis.Input("X", TensorProto::FLOAT, {1, 4});
  axis.Weight("starts", Vector({-3})).Weight("ends", Vector({-1})).Weight("axes", Vector({-1}));
  EXPECT_EQ(axis.Operators(), Types({"Slice"}));
  axis.ExpectOutput({Tensor::Of<float>({1, 4}, {0, 1, 2, 3})}, Tensor::Of<float>({1, 2}, {1, 2}));
  // Of another size than the one declared it is refused, not wrong.
  EXPECT_EQ(axis.Run({*Tensor::Of<float>({1, 2}, {0, 1})}).status().code(), kInvalid);
}

TEST(OnnxSliceTest, IsItselfWhereBoundsMayCrossOrMove) {
  // From 1 to the last element, of a tensor that may have one alone.
  SmallModel inner("Slice", 9);
  inner.Input("X", TensorProto::FLOAT, {-1}).Ints("starts", {1}).Ints("ends", {-1});
  EXPECT_EQ(inner.Operators(), Types({"OnnxSlice"}));
  inner.ExpectOutput({Four()}, Tensor::Of<float>({2}, {1, 2}));
  inner.ExpectOutput({Tensor::Of<float>({1}, {7})}, Tensor::Of<float>({0}, {}));
  SmallModel before("Slice", 13);
  before.Input("X", TensorProto::FLOAT, {4});
  before.Weight("starts", Vector({-9})).Weight("ends", Vector({2}));
  before.ExpectOutput({Four()}, Tensor::Of<float>({2}, {0, 1}));
  SmallModel steps("Slice", 13);
  steps.Input("X", TensorProto::FLOAT, {4});
  steps.Weight("starts", Vector({3})).Input("ends", TensorProto::INT64, {1}).NoInput();
  steps.Weight("steps", Vector({-2}));
  steps.ExpectOutput({Four(), Vector({INT64_MIN})}, Tensor::Of<float>({2}, {3, 1}));
  SmallModel mismatch("Slice", 13);
  mismatch.Input("X", TensorProto::FLOAT, {4});
  mismatch.Weight("starts", Vector({0, 0})).Weight("ends", Vector({2}));
  mismatch.ExpectRefusal(kInvalid, "there are not as many starts as ends, axes and steps");
}

TEST(OnnxSplitTest, TakesLengthsOfBothKinds) {
  SmallModel attribute("Split", 11);
  attribute.Output().Input("X", TensorProto::FLOAT, {4}).Ints("split", {1, 3});
  attribute.ExpectOutput({Four()}, Tensor::Of<float>({1}, {0}));
  SmallModel input("Split", 13);
  input.Output().Input("X", TensorProto::FLOAT, {4}).Input("split", TensorProto::INT64, {2});
  input.ExpectOutput({Four(), Vector({3, 1})}, Tensor::Of<float>({3}, {0, 1, 2}));
  SmallModel wrong("Split", 11);
  wrong.Input("X", TensorProto::FLOAT, {4}).Ints("split", {1, 3});
  wrong.ExpectRefusal(kInvalid, "2 parts are given for 1 outputs");
}

TEST(OnnxPadTest, TakesBordersFromAttributesBeforeVersion11) {
  SmallModel pad("Pad", 10);
  pad.Input("X", TensorProto::DOUBLE, {2}).Ints("pads", {1, 0}).Float("value", 5);
  pad.ExpectOutput({Tensor::Of<double>({2}, {1, 2})}, Tensor::Of<double>({3}, {5, 1, 2}));
  SmallModel none("Pad", 10);
  none.Input("X", TensorProto::FLOAT, {2});
  none.ExpectRefusal(kInvalid, "there are no pads");
  SmallModel mode("Pad", 13);
  mode.Input("X", TensorProto::FLOAT, {2}).Weight("pads", Vector({1, 0})).Text("mode", "wrap");
  mode.ExpectRefusal(kInvalid, "but is \"wrap\"");
}

TEST(OnnxExpandTest, GoesBothWaysAndKnowsNoMinusOne) {
  SmallModel expand("Expand", 13);
  expand.Input("X", TensorProto::FLOAT, {2, 1}).Weight("shape", Vector({1, 1, 2}));
  expand.ExpectOutput({Tensor::Of<float>({2, 1}, {1, 2})},
                      Tensor::Of<float>({1, 2, 2}, {1, 1, 2, 2}));
  SmallModel negative("Expand", 13);
  negative.Input("X", TensorProto::FLOAT, {2, 1}).Weight("shape", Vector({-1, 2}));
  negative.ExpectRefusal(kInvalid, "a size is negative");
}

TEST(OnnxShapeTest, GivesAPart) {
  SmallModel part("Shape", 15);
  part.InputOfAnyShape("X", TensorProto::FLOAT).Int("start", -9).Int("end", -1);
  part.ExpectOutput({Tensor::Of<float>({1, 2, 1}, {1, 2})}, Vector({1, 2}));
}

TEST(OnnxGatherTest, IsCaffe2sWhereThereIsSomethingToGatherFrom) {
  SmallModel table("Gather", 13);
  table.Weight("X", Tensor::Of<float>({2, 2}, {1, 2, 3, 4}));
  table.Input("I", TensorProto::INT64, {-1}).Int("axis", 1);
  EXPECT_EQ(table.Operators(), Types({"Gather"}));
  table.ExpectOutput({Vector({-1})}, Tensor::Of<float>({2, 1}, {2, 4}));
  SmallModel unknown("Gather", 13);
  unknown.InputOfAnyShape("X", TensorProto::FLOAT).InputOfAnyShape("I", TensorProto::INT64);
  unknown.ExpectOutput({Tensor::Of<float>({0, 2}, {}), Tensor::Of<int64_t>({0, 3}, {})},
                       Tensor::Of<float>({0, 3, 2}, {}));
}

TEST(OnnxScatterTest, IsTheOldNameOfScatterElements) {
  SmallModel scatter("Scatter", 9);
  scatter.Input("X", TensorProto::FLOAT, {1, 3});
  scatter.Input("I", TensorProto::INT64, {1, 2}).Input("U", TensorProto::FLOAT, {1, 2});
  scatter.Int("axis", 1);
  scatter.ExpectOutput({Tensor::Of<float>({1, 3}, {1, 2, 3}), Tensor::Of<int64_t>({1, 2}, {2, 0}),
                        Tensor::Of<float>({1, 2}, {8, 9})},
                       Tensor::Of<float>({1, 3}, {9, 2, 8}));
  SmallModel most("ScatterElements", 16);
  most.Input("X", TensorProto::FLOAT, {3});
  most.Input("I", TensorProto::INT64, {1}).Input("U", TensorProto::FLOAT, {1});
  most.Text("reduction", "max");
  most.ExpectRefusal(kUnimplemented, "the reduction \"max\"");
}

TEST(OnnxTopKTest, TakesTheNumberOfBothKinds) {
  SmallModel attribute("TopK", 9);
  attribute.Output().Input("X", TensorProto::FLOAT, {4}).Int("k", 2);
  EXPECT_EQ(attribute.Operators(), Types({"TopK"}));
  attribute.ExpectOutput({Four()}, Tensor::Of<float>({2}, {3, 2}));
  SmallModel input("TopK", 11);
  input.Output().Input("X", TensorProto::INT32, {3}).Weight("K", Vector({2}));
  input.Int("largest", 0);
  input.ExpectOutput({Tensor::Of<int32_t>({3}, {5, 4, 6})}, Tensor::Of<int32_t>({2}, {4, 5}));
  // Caffe2's would pad.
  SmallModel many("TopK", 11);
  many.Output().Input("X", TensorProto::FLOAT, {4}).Weight("K", Vector({5}));
  many.ExpectRefusal(kInvalid, "K is 5, but dimension 0 of X [4] has 4 elements");
}

TEST(OnnxConstantTest, HasOneValueOfAnyKind) {
  SmallModel number("Constant", 13);
  number.Int("value_int", 7);
  number.ExpectOutput({}, Tensor::Scalar<int64_t>(7));
  SmallModel numbers("Constant", 13);
  numbers.Ints("value_ints", {7, 8});
  numbers.ExpectOutput({}, Vector({7, 8}));
  SmallModel text("Constant", 13);
  text.Text("value_string", "a");
  text.ExpectOutput({}, Tensor::Scalar<std::string>("a"));
  SmallModel none("Constant", 13);
  none.ExpectRefusal(kInvalid, "there must be one attribute, the value");
  SmallModel sparse("Constant", 13);
  sparse.Int("sparse_value", 1);
  sparse.ExpectRefusal(kUnimplemented, "the attribute \"sparse_value\"");
}

TEST(OnnxConstantOfShapeTest, TakesValuesOfAnyType) {
  const auto fill = [](const absl::StatusOr<Tensor>& value, const absl::StatusOr<Tensor>& y) {
    SmallModel model("ConstantOfShape", 9);
    model.Input("shape", TensorProto::INT64, {2}).TensorValue("value", value);
    model.ExpectOutput({Vector({1, 2})}, y);
  };
  fill(Tensor::Of<float>({1}, {0.1f}), Tensor::Of<float>({1, 2}, {0.1f, 0.1f}));
  fill(Tensor::Of<int64_t>({1}, {INT64_MIN}), Tensor::Of<int64_t>({1, 2}, {INT64_MIN, INT64_MIN}));
  fill(Tensor::Of<double>({1}, {0.1}), Tensor::Of<double>({1, 2}, {0.1, 0.1}));
  fill(Tensor::Of<bool>({1}, {true}), Tensor::Of<bool>({1, 2}, {true, true}));
  SmallModel scalar("ConstantOfShape", 9);
  scalar.Input("shape", TensorProto::INT64, {0});
  scalar.ExpectOutput({Vector({})}, Tensor::Scalar<float>(0));
  SmallModel many("ConstantOfShape", 9);
  many.Input("shape", TensorProto::INT64, {0}).TensorValue("value", Vector({1, 2}));
  many.ExpectRefusal(kInvalid, "the value must be one element");
}

TEST(OnnxRangeTest, CountsInSmallTypes) {
  SmallModel range("Range", 11);
  for (const char* name : {"start", "limit", "delta"}) range.Input(name, TensorProto::INT16, {});
  range.ExpectOutput(
      {Tensor::Scalar<int16_t>(10), Tensor::Scalar<int16_t>(3), Tensor::Scalar<int16_t>(-3)},
      Tensor::Of<int16_t>({3}, {10, 7, 4}));
}

SmallModel& OfTwoMatrices(SmallModel& einsum, TensorProto::DataType type, const char* equation) {
  einsum.Input("A", type, {2, 3}).Input("B", type, {3, 2});
  return einsum.Text("equation", equation);
}

TEST(OnnxEinsumTest, BecomesAProductOfMatricesWhereItIsOne) {
  const auto a = Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto b = Tensor::Of<float>({3, 2}, {1, 0, 0, 1, 2, 3});
  SmallModel plain("Einsum", 12);
  OfTwoMatrices(plain, TensorProto::FLOAT, "ij, jk -> ik");
  EXPECT_EQ(plain.Operators(), Types({"BatchMatMul"}));
  plain.ExpectOutput({a, b}, Tensor::Of<float>({2, 2}, {7, 11, 16, 23}));
  SmallModel turned("Einsum", 12);
  OfTwoMatrices(turned, TensorProto::FLOAT, "ij,jk->ki");
  EXPECT_EQ(turned.Operators(), Types({"BatchMatMul", "Transpose"}));
  turned.ExpectOutput({a, b}, Tensor::Of<float>({2, 2}, {7, 16, 11, 23}));
  SmallModel whole("Einsum", 12);
  OfTwoMatrices(whole, TensorProto::INT32, "ij,jk->ik");
  EXPECT_EQ(whole.Operators(), Types({"Einsum"}));
  SmallModel summed("Einsum", 12);
  OfTwoMatrices(summed, TensorProto::FLOAT, "ij,jk->k");
  EXPECT_EQ(summed.Operators(), Types({"Einsum"}));
  summed.ExpectOutput({a, b}, Tensor::Of<float>({2}, {23, 34}));
}

// As attention has it: [batch, position, head, channel].
TEST(OnnxEinsumTest, MovesTheBatchToTheFront) {
  SmallModel scores("Einsum", 12);
  scores.Input("A", TensorProto::FLOAT, {1, 2, 2, 1}).Input("B", TensorProto::FLOAT, {1, 2, 2, 1});
  scores.Text("equation", "bihd,bjhd->bhij");
  EXPECT_EQ(scores.Operators(), Types({"Transpose", "Transpose", "BatchMatMul"}));
  scores.ExpectOutput({Tensor::Of<float>({1, 2, 2, 1}, {1, 2, 3, 4}),
                       Tensor::Of<float>({1, 2, 2, 1}, {5, 6, 7, 8})},
                      Tensor::Of<float>({1, 2, 2, 2}, {5, 7, 15, 21, 12, 16, 24, 32}));
}

TEST(OnnxEinsumTest, BecomesASumOrATransposeOfOneTensor) {
  const auto x = Tensor::Of<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  SmallModel sum("Einsum", 12);
  sum.Input("X", TensorProto::INT32, {2, 3}).Text("equation", "ij->j");
  EXPECT_EQ(sum.Operators(), Types({"ReduceSum"}));
  sum.ExpectOutput({x}, Tensor::Of<int32_t>({3}, {5, 7, 9}));
  SmallModel transpose("Einsum", 12);
  transpose.Input("X", TensorProto::INT32, {2, 3}).Text("equation", "ij->ji");
  EXPECT_EQ(transpose.Operators(), Types({"Transpose"}));
  SmallModel diagonal("Einsum", 12);
  diagonal.Input("X", TensorProto::FLOAT, {2, 2}).Text("equation", "ii->i");
  EXPECT_EQ(diagonal.Operators(), Types({"Einsum"}));
}

TEST(OnnxEinsumTest, RefusesAnEquationThatIsNone) {
  SmallModel einsum("Einsum", 12);
  einsum.Input("X", TensorProto::FLOAT, {2}).Text("equation", "i->j");
  einsum.ExpectRefusal(kInvalid, "the output can not have 'j'");
}

}  // namespace
}  // namespace doppio
