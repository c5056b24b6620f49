// Graphs in nodes: what the published tests do not have.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/small_model.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::HasSubstr;

void AddValue(onnx::ValueInfoProto* info, const std::string& name, DataType type,
              const std::vector<int64_t>& dims) {
  info->set_name(name);
  auto* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::DataTypeToOnnx(type));
  for (int64_t dim : dims) tensor->mutable_shape()->add_dim()->set_dim_value(dim);
}

void AddNode(onnx::GraphProto* graph, const std::string& type,
             const std::vector<std::string>& inputs, const std::string& output) {
  onnx::NodeProto* node = graph->add_node();
  node->set_op_type(type);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
}

// sum_out = sum_in + next, which is put out too.
void FillWithSums(onnx::GraphProto* body) {
  body->set_name("body");
  AddValue(body->add_input(), "sum_in", DataType::kFloat, {2});
  AddValue(body->add_input(), "next", DataType::kFloat, {2});
  AddNode(body, "Add", {"sum_in", "next"}, "sum_out");
  AddNode(body, "Relu", {"sum_out"}, "element");
  AddValue(body->add_output(), "sum_out", DataType::kFloat, {2});
  AddValue(body->add_output(), "element", DataType::kFloat, {2});
}

SmallModel Scan(const std::vector<int64_t>& x) {
  SmallModel model("Scan", 11, 2);
  model.Image("initial", {2}).Image("X", x).Int("num_scan_inputs", 1);
  FillWithSums(model.Graph("body"));
  return model;
}

void ExpectOutputs(const absl::StatusOr<std::vector<Tensor>>& outputs,
                   const std::vector<absl::StatusOr<Tensor>>& expected) {
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(TensorNear((*outputs)[i], *expected[i], 0)) << "output " << i;
  }
}

TEST(OnnxScanTest, GoesBackwardsAndPutsRowsInFront) {
  const std::vector<Tensor> inputs = {*Tensor::Of<float>({2}, {0, 0}),
                                      *Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})};
  ExpectOutputs(Scan({3, 2}).Ints("scan_input_directions", {1}).Run(inputs),
                {Tensor::Of<float>({2}, {9, 12}), Tensor::Of<float>({3, 2}, {5, 6, 8, 10, 9, 12})});
  ExpectOutputs(Scan({3, 2}).Ints("scan_output_directions", {1}).Run(inputs),
                {Tensor::Of<float>({2}, {9, 12}), Tensor::Of<float>({3, 2}, {9, 12, 4, 6, 1, 2})});
}

TEST(OnnxScanTest, TakesAndMakesOtherAxes) {
  const std::vector<Tensor> inputs = {*Tensor::Of<float>({2}, {0, 0}),
                                      *Tensor::Of<float>({2, 3}, {1, 3, 5, 2, 4, 6})};
  ExpectOutputs(
      Scan({2, 3}).Ints("scan_input_axes", {-1}).Ints("scan_output_axes", {1}).Run(inputs),
      {Tensor::Of<float>({2}, {9, 12}), Tensor::Of<float>({2, 3}, {1, 4, 9, 2, 6, 12})});
}

TEST(OnnxScanTest, RefusesListsOfAnotherLength) {
  EXPECT_THAT(Scan({3, 2}).Ints("scan_input_axes", {0, 0}).Net(),
              HasSubstr("scan_input_axes has 2 numbers, must have 1"));
}

SmallModel Loop(bool has_count) {
  SmallModel model("Loop", 13, 2);
  if (has_count) {
    model.Input("count", DataType::kInt64, {});
  } else {
    model.NoInput();
  }
  model.Input("go_on", DataType::kBool, {}).Image("initial", {1});
  onnx::GraphProto* body = model.Graph("body");
  body->set_name("body");
  AddValue(body->add_input(), "i", DataType::kInt64, {});
  AddValue(body->add_input(), "goes_on", DataType::kBool, {});
  AddValue(body->add_input(), "x", DataType::kFloat, {1});
  AddNode(body, "Add", {"x", "x"}, "doubled");
  AddNode(body, "Less", {"doubled", "limit"}, "is_less");
  AddNode(body, "Squeeze", {"is_less"}, "next");
  onnx::TensorProto* limit = body->add_initializer();
  *limit = onnx::TensorToOnnx(*Tensor::Of<float>({1}, {10}));
  limit->set_name("limit");
  AddValue(body->add_output(), "next", DataType::kBool, {});
  AddValue(body->add_output(), "doubled", DataType::kFloat, {1});
  AddValue(body->add_output(), "x", DataType::kFloat, {1});
  return model;
}

// Rows [1] become [n,1].
TEST(OnnxLoopTest, TurnsAsLongAsTheConditionHolds) {
  ExpectOutputs(Loop(false).Run({*Tensor::Scalar<bool>(true), *Tensor::Of<float>({1}, {3})}),
                {Tensor::Of<float>({1}, {12}), Tensor::Of<float>({2, 1}, {3, 6})});
}

TEST(OnnxLoopTest, EndsAfterSoManyTurns) {
  ExpectOutputs(Loop(true).Run({*Tensor::Scalar<int64_t>(1), *Tensor::Scalar<bool>(true),
                                *Tensor::Of<float>({1}, {3})}),
                {Tensor::Of<float>({1}, {6}), Tensor::Of<float>({1, 1}, {3})});
}

TEST(OnnxIfTest, RefusesABranchOfFewerOutputs) {
  SmallModel model("If", 13, 2);
  model.Input("condition", DataType::kBool, {});
  for (const char* name : {"then_branch", "else_branch"}) {
    onnx::GraphProto* branch = model.Graph(name);
    *branch->add_initializer() = onnx::TensorToOnnx(*Tensor::Of<float>({1}, {1}));
    branch->mutable_initializer(0)->set_name("one");
    AddValue(branch->add_output(), "one", DataType::kFloat, {1});
  }
  EXPECT_THAT(model.Net(), HasSubstr("must have no inputs and 2 outputs, but has 0 and 1"));
}

TEST(OnnxIfTest, RunsOneBranch) {
  SmallModel model("If", 13);
  model.Input("condition", DataType::kBool, {});
  float value = 1;
  for (const char* name : {"then_branch", "else_branch"}) {
    onnx::GraphProto* branch = model.Graph(name);
    *branch->add_initializer() = onnx::TensorToOnnx(*Tensor::Of<float>({1}, {value++}));
    branch->mutable_initializer(0)->set_name("own");
    AddValue(branch->add_output(), "own", DataType::kFloat, {1});
  }
  ExpectOutputs(model.Run({*Tensor::Scalar<bool>(true)}), {Tensor::Of<float>({1}, {1})});
  ExpectOutputs(model.Run({*Tensor::Scalar<bool>(false)}), {Tensor::Of<float>({1}, {2})});
}

}  // namespace
}  // namespace doppio
