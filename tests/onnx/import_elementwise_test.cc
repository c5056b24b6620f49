// Of operators on elements, reductions and comparisons what the published node tests do not show:
// the forms of old versions, types that are computed in wider ones, refusals.

#include <cmath>

#include "google/protobuf/text_format.h"
#include "tests/onnx/small_model.h"

namespace doppio {
namespace {

using onnx::TensorProto;
using Types = std::vector<std::string>;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnimplemented = absl::StatusCode::kUnimplemented;

TEST(OnnxBinaryTest, BroadcastsAlongAnAxisBeforeVersion7) {
  const auto a = Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto b = Tensor::Of<float>({2}, {10, 20});
  SmallModel add("Add", 6);
  add.Input("A", TensorProto::FLOAT, {2, 3}).Input("B", TensorProto::FLOAT, {2});
  add.Int("broadcast", 1).Int("axis", 0);
  add.ExpectOutput({a, b}, Tensor::Of<float>({2, 3}, {11, 12, 13, 24, 25, 26}));
  SmallModel pow("Pow", 6);
  pow.Input("X", TensorProto::FLOAT, {2, 3}).Input("E", TensorProto::FLOAT, {}).Int("broadcast", 1);
  pow.ExpectOutput({a, Tensor::Scalar<float>(2)}, Tensor::Of<float>({2, 3}, {1, 4, 9, 16, 25, 36}));
  SmallModel less("Less", 6);
  less.Input("A", TensorProto::FLOAT, {2, 3}).Input("B", TensorProto::FLOAT, {2});
  less.Int("broadcast", 1).Int("axis", 0);
  less.ExpectOutput({a, Tensor::Of<float>({2}, {2, 5})},
                    Tensor::Of<bool>({2, 3}, {true, false, false, true, false, false}));
  // Since version 7 there are no such attributes.
  SmallModel later("Add", 7);
  later.Input("A", TensorProto::FLOAT, {2, 3}).Input("B", TensorProto::FLOAT, {2});
  later.Int("broadcast", 1);
  later.ExpectRefusal(kUnimplemented, "the attribute \"broadcast\" of Add is not known");
}

TEST(OnnxBinaryTest, WrapsInSmallTypesAndRoundsHalfFloatsOnce) {
  SmallModel sub("Sub", 14);
  sub.Input("A", TensorProto::UINT8, {2}).Input("B", TensorProto::UINT8, {1});
  sub.ExpectOutput({Tensor::Of<uint8_t>({2}, {3, 200}), Tensor::Of<uint8_t>({1}, {5})},
                   Tensor::Of<uint8_t>({2}, {254, 195}));
  SmallModel neg("Neg", 13);
  neg.Input("X", TensorProto::INT8, {2});
  neg.ExpectOutput({Tensor::Of<int8_t>({2}, {-128, 7})}, Tensor::Of<int8_t>({2}, {-128, -7}));
  SmallModel mul("Mul", 13);
  mul.Input("A", TensorProto::FLOAT16, {1}).Input("B", TensorProto::FLOAT16, {1});
  EXPECT_EQ(mul.Operators(), Types({"Cast", "Cast", "Mul", "Cast"}));
  mul.ExpectOutput(
      {Tensor::Of<float16>({1}, {float16(2049)}), Tensor::Of<float16>({1}, {float16(3)})},
      Tensor::Of<float16>({1}, {float16(6144)}));
}

TEST(OnnxBinaryTest, DividesWholeNumbersTowardZeroAndNeverByZero) {
  SmallModel div("Div", 14);
  div.Input("A", TensorProto::INT32, {2}).Input("B", TensorProto::INT32, {2});
  div.ExpectOutput({Tensor::Of<int32_t>({2}, {-7, 7}), Tensor::Of<int32_t>({2}, {2, -2})},
                   Tensor::Of<int32_t>({2}, {-3, -3}));
  const auto by_zero =
      div.Run({*Tensor::Of<int32_t>({2}, {1, 1}), *Tensor::Of<int32_t>({2}, {1, 0})});
  EXPECT_EQ(by_zero.status().code(), kInvalid);
}

// The type is known, the number of rows is not.
TEST(OnnxBinaryTest, KnowsTypesWhereShapesAreNotKnown) {
  onnx::ModelProto model;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(
        ir_version: 8
        opset_import { version: 14 }
        graph {
          node { op_type: "Transpose" input: "X" output: "T" }
          node { op_type: "Neg" input: "T" output: "N" }
          node { op_type: "Reshape" input: "N" input: "shape" output: "R" }
          node { op_type: "Add" input: "R" input: "R" output: "Y" }
          input {
            name: "X"
            type {
              tensor_type { elem_type: 3 shape { dim { dim_param: "n" } dim { dim_value: 2 } } }
            }
          }
          input { name: "shape" type { tensor_type { elem_type: 7 } } }
          output { name: "Y" }
        })",
      &model));
  const absl::StatusOr<Model> read = ModelFromOnnx(model.SerializeAsString());
  ASSERT_TRUE(read.ok()) << read.status();
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", *Tensor::Of<int8_t>({1, 2}, {100, -3})).ok());
  ASSERT_TRUE(workspace.Feed("shape", *Tensor::Of<int64_t>({1}, {2})).ok());
  const absl::Status ran = workspace.RunNetOnce(read->predict);
  ASSERT_TRUE(ran.ok()) << ran;
  EXPECT_TRUE(TensorNear(*workspace.Fetch("Y"), *Tensor::Of<int8_t>({2}, {56, 6}), 0));
}

TEST(OnnxModTest, RefusesFloatsWithoutFmod) {
  SmallModel mod("Mod", 13);
  mod.Input("A", TensorProto::FLOAT16, {1}).Input("B", TensorProto::FLOAT16, {1});
  mod.ExpectRefusal(kInvalid, "with fmod = 1");
}

TEST(OnnxPowTest, BecomesCaffe2sWhereTheExponentIsKnown) {
  SmallModel pow("Pow", 13);
  pow.Input("X", TensorProto::FLOAT, {2}).Weight("E", Tensor::Of<float>({1}, {2}));
  EXPECT_EQ(pow.Operators(), Types({"Pow"}));
  pow.ExpectOutput({Tensor::Of<float>({2}, {3, -4})}, Tensor::Of<float>({2}, {9, 16}));
  // The power of a scalar by a vector is a vector.
  SmallModel scalar("Pow", 13);
  scalar.Input("X", TensorProto::FLOAT, {}).Weight("E", Tensor::Of<float>({1}, {2}));
  scalar.ExpectOutput({Tensor::Scalar<float>(3)}, Tensor::Of<float>({1}, {9}));
}

TEST(OnnxClipTest, TakesBoundsFromAttributesBeforeVersion11) {
  SmallModel clip("Clip", 6);
  clip.Input("X", TensorProto::DOUBLE, {3}).Float("max", 2);
  clip.ExpectOutput({Tensor::Of<double>({3}, {-9, 2, 5})}, Tensor::Of<double>({3}, {-9, 2, 2}));
}

TEST(OnnxClipTest, TakesBoundsThatAreKnownOrNot) {
  const auto x = Tensor::Of<float>({3}, {-9, 1, 5});
  SmallModel known("Clip", 13);
  known.Input("X", TensorProto::FLOAT, {3}).NoInput().Weight("max", Tensor::Scalar<float>(2));
  EXPECT_EQ(known.Operators(), Types({"Clip"}));
  known.ExpectOutput({x}, Tensor::Of<float>({3}, {-9, 1, 2}));
  SmallModel given("Clip", 13);
  given.Input("X", TensorProto::INT8, {3}).Input("min", TensorProto::INT8, {});
  given.ExpectOutput({Tensor::Of<int8_t>({3}, {-9, 1, 5}), Tensor::Scalar<int8_t>(0)},
                     Tensor::Of<int8_t>({3}, {0, 1, 5}));
  // Bounds that cross.
  SmallModel crossed("Clip", 13);
  crossed.Input("X", TensorProto::FLOAT, {3}).Weight("min", Tensor::Scalar<float>(3));
  crossed.Weight("max", Tensor::Scalar<float>(2));
  crossed.ExpectOutput({x}, Tensor::Of<float>({3}, {2, 2, 2}));
}

TEST(OnnxReluTest, RectifiesWholeNumbers) {
  SmallModel relu("Relu", 14);
  relu.Input("X", TensorProto::INT16, {2});
  relu.ExpectOutput({Tensor::Of<int16_t>({2}, {-5, 5})}, Tensor::Of<int16_t>({2}, {0, 5}));
}

TEST(OnnxManyTest, BroadcastsWhereShapesDifferOrAreNotKnown) {
  const auto a = Tensor::Of<float>({2, 1}, {1, 2});
  const auto b = Tensor::Of<float>({2}, {10, 20});
  const struct {
    const char* type;
    absl::StatusOr<Tensor> y;
  } cases[] = {{"Max", Tensor::Of<float>({2, 2}, {10, 20, 10, 20})},
               {"Min", Tensor::Of<float>({2, 2}, {1, 1, 2, 2})},
               {"Sum", Tensor::Of<float>({2, 2}, {11, 21, 12, 22})},
               {"Mean", Tensor::Of<float>({2, 2}, {5.5f, 10.5f, 6, 11})}};
  for (const auto& [type, y] : cases) {
    SmallModel differ(type, 13);
    differ.Input("A", TensorProto::FLOAT, {2, 1}).Input("B", TensorProto::FLOAT, {2});
    differ.ExpectOutput({a, b}, y);
    SmallModel unknown(type, 13);
    unknown.InputOfAnyShape("A", TensorProto::FLOAT).InputOfAnyShape("B", TensorProto::FLOAT);
    unknown.ExpectOutput({a, b}, y);
    SmallModel same(type, 13);
    same.Input("A", TensorProto::FLOAT, {2}).Input("B", TensorProto::FLOAT, {2});
    EXPECT_EQ(same.Operators(), Types({type}));
    // Of one tensor alone.
    SmallModel one(type, 8);
    one.InputOfAnyShape("A", TensorProto::FLOAT);
    one.ExpectOutput({a}, a);
  }
}

TEST(OnnxIsNaNTest, GivesTruthValues) {
  SmallModel is_nan("IsNaN", 13);
  is_nan.Input("X", TensorProto::FLOAT, {2});
  is_nan.ExpectOutput({Tensor::Of<float>({2}, {std::nanf(""), HUGE_VALF})},
                      Tensor::Of<bool>({2}, {true, false}));
}

TEST(OnnxWhereTest, IsCaffe2sForOneShapeAlone) {
  SmallModel same("Where", 16);
  same.Input("C", TensorProto::BOOL, {2});
  same.Input("A", TensorProto::INT64, {2}).Input("B", TensorProto::INT64, {2});
  EXPECT_EQ(same.Operators(), Types({"Where"}));
  SmallModel other("Where", 9);
  other.Input("C", TensorProto::BOOL, {2});
  other.Input("A", TensorProto::INT64, {2}).Input("B", TensorProto::INT64, {});
  EXPECT_EQ(other.Operators(), Types({"OnnxWhere"}));
}

TEST(OnnxCastTest, RefusesStringsAndTypesThatTensorsCanNotHave) {
  SmallModel to_string("Cast", 13);
  to_string.Input("X", TensorProto::FLOAT, {2}).Int("to", TensorProto::STRING);
  to_string.ExpectRefusal(kUnimplemented, "casts from and to strings");
  SmallModel to_uint64("Cast", 13);
  to_uint64.Input("X", TensorProto::FLOAT, {2}).Int("to", TensorProto::UINT64);
  to_uint64.ExpectRefusal(kUnimplemented, "tensors of type UINT64");
  SmallModel to_nothing("Cast", 13);
  to_nothing.Input("X", TensorProto::FLOAT, {2});
  to_nothing.ExpectRefusal(kUnimplemented, "tensors of type");
}

TEST(OnnxReduceTest, TakesAxesFromAttributesAndInputs) {
  const auto x = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  SmallModel attribute("ReduceSum", 11);
  attribute.Input("X", TensorProto::FLOAT, {2, 2}).Ints("axes", {-1}).Int("keepdims", 0);
  EXPECT_EQ(attribute.Operators(), Types({"ReduceSum"}));
  attribute.ExpectOutput({x}, Tensor::Of<float>({2}, {3, 7}));
  SmallModel weight("ReduceSum", 13);
  weight.Input("X", TensorProto::FLOAT, {2, 2}).Weight("axes", Tensor::Of<int64_t>({1}, {0}));
  EXPECT_EQ(weight.Operators(), Types({"ReduceSum"}));
  weight.ExpectOutput({x}, Tensor::Of<float>({1, 2}, {4, 6}));
  SmallModel noop("ReduceSum", 13);
  noop.Input("X", TensorProto::FLOAT, {2, 2}).Int("noop_with_empty_axes", 1);
  noop.ExpectOutput({x}, x);
  SmallModel all("ReduceMax", 11);
  all.Input("X", TensorProto::INT8, {2, 2}).Int("keepdims", 0);
  all.ExpectOutput({Tensor::Of<int8_t>({2, 2}, {1, -2, -3, -4})}, Tensor::Scalar<int8_t>(1));
}

TEST(OnnxReduceTest, ComputesNormsOfWholeNumbers) {
  const auto x = Tensor::Of<int32_t>({2}, {3, -4});
  const struct {
    const char* type;
    int32_t y;
  } cases[] = {{"ReduceL1", 7}, {"ReduceL2", 5}, {"ReduceSumSquare", 25}};
  for (const auto& [type, y] : cases) {
    SmallModel norm(type, 13);
    norm.Input("X", TensorProto::INT32, {2});
    norm.ExpectOutput({x}, Tensor::Of<int32_t>({1}, {y}));
  }
}

TEST(OnnxArgExtremeTest, TakesTheLastWhereItIsAskedFor) {
  for (const int64_t axis : {0, -1}) {
    SmallModel arg("ArgMax", 13);
    arg.InputOfAnyShape("X", TensorProto::FLOAT).Int("axis", axis).Int("keepdims", 0);
    arg.Int("select_last_index", 1);
    arg.ExpectOutput({Tensor::Of<float>({4}, {7, 1, 7, 2})}, Tensor::Scalar<int64_t>(2));
  }
  SmallModel arg("ArgMin", 12);
  arg.Input("X", TensorProto::INT32, {2, 3}).Int("axis", 1).Int("select_last_index", 1);
  arg.ExpectOutput({Tensor::Of<int32_t>({2, 3}, {1, 1, 2, 0, 3, 3})},
                   Tensor::Of<int64_t>({2, 1}, {1, 0}));
}

TEST(OnnxAttributeTest, IsNeverOverlooked) {
  SmallModel abs("Abs", 13);
  abs.Input("X", TensorProto::FLOAT, {1}).Int("fancy", 1);
  abs.ExpectRefusal(kUnimplemented, "the attribute \"fancy\" of Abs is not known");
  SmallModel shift("BitShift", 11);
  shift.Input("X", TensorProto::UINT8, {1}).Input("B", TensorProto::UINT8, {1});
  shift.Int("direction", 1);
  shift.ExpectRefusal(kInvalid, "attribute \"direction\" is of type INT, not STRING");
}

}  // namespace
}  // namespace doppio
