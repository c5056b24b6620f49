#ifndef DOPPIO_TESTS_ONNX_SMALL_MODEL_H_
#define DOPPIO_TESTS_ONNX_SMALL_MODEL_H_

// A model of one node, or of a few that follow each other:
//
//   SmallModel("Conv", 11).Image("X", {1, 3, 4, 4}).Weight("W", w).Ints("pads", {1, 1, 1, 1})
//       .Net()  // "Conv(X, W) -> Y0"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/onnx.pb.h"
#include "doppio/op_def.h"
#include "doppio/predictor.h"
#include "gtest/gtest.h"
#include "src/onnx/onnx_tensor.h"
#include "tests/support/tensor_match.h"

namespace doppio {

class SmallModel {
 public:
  SmallModel(const std::string& op_type, int64_t opset, int outputs = 1) {
    model_.set_ir_version(7);
    model_.add_opset_import()->set_version(opset);
    node()->set_op_type(op_type);
    for (int o = 0; o < outputs; ++o) Output();
  }

  // Another output: Y0, Y1, ...
  SmallModel& Output() {
    const std::string name = absl::StrCat("Y", node()->output_size());
    node()->add_output(name);
    model_.mutable_graph()->add_output()->set_name(name);
    return *this;
  }

  // Another node behind the last one, whose first output is its first input.
  SmallModel& Then(const std::string& op_type) {
    const std::string output = node()->output(0);
    const std::string between = absl::StrCat("between", model_.graph().node_size());
    node()->set_output(0, between);
    model_.mutable_graph()->add_node()->set_op_type(op_type);
    node()->add_input(between);
    node()->add_output(output);
    return *this;
  }

  // The next input, fed by a caller; a size of -1 is not known.
  SmallModel& Input(const std::string& name, onnx::TensorProto::DataType type,
                    const std::vector<int64_t>& dims) {
    InputOfAnyShape(name, type);
    auto* info = model_.mutable_graph()->mutable_input()->rbegin()->mutable_type();
    auto* shape = info->mutable_tensor_type()->mutable_shape();
    for (int64_t dim : dims) {
      auto* size = shape->add_dim();
      if (dim >= 0) {
        size->set_dim_value(dim);
      } else {
        size->set_dim_param("n");
      }
    }
    return *this;
  }
  SmallModel& Input(const std::string& name, DataType type, const std::vector<int64_t>& dims) {
    return Input(name, onnx::DataTypeToOnnx(type), dims);
  }
  SmallModel& InputOfAnyShape(const std::string& name, onnx::TensorProto::DataType type) {
    node()->add_input(name);
    onnx::ValueInfoProto* info = model_.mutable_graph()->add_input();
    info->set_name(name);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(type);
    return *this;
  }
  SmallModel& Image(const std::string& name, const std::vector<int64_t>& dims) {
    return Input(name, DataType::kFloat, dims);
  }
  // The next input, which is an initializer.
  SmallModel& Weight(const std::string& name, const absl::StatusOr<Tensor>& value) {
    node()->add_input(name);
    onnx::TensorProto* proto = model_.mutable_graph()->add_initializer();
    *proto = onnx::TensorToOnnx(*value);
    proto->set_name(name);
    return *this;
  }
  // The next input, left out.
  SmallModel& NoInput() {
    node()->add_input("");
    return *this;
  }

  SmallModel& Int(const char* name, int64_t value) {
    Attribute(name, onnx::AttributeProto::INT)->set_i(value);
    return *this;
  }
  SmallModel& Float(const char* name, float value) {
    Attribute(name, onnx::AttributeProto::FLOAT)->set_f(value);
    return *this;
  }
  SmallModel& Text(const char* name, const char* value) {
    Attribute(name, onnx::AttributeProto::STRING)->set_s(value);
    return *this;
  }
  SmallModel& Ints(const char* name, const std::vector<int64_t>& values) {
    auto* attribute = Attribute(name, onnx::AttributeProto::INTS);
    for (int64_t value : values) attribute->add_ints(value);
    return *this;
  }
  SmallModel& Floats(const char* name, const std::vector<float>& values) {
    auto* attribute = Attribute(name, onnx::AttributeProto::FLOATS);
    for (float value : values) attribute->add_floats(value);
    return *this;
  }
  SmallModel& TensorValue(const char* name, const absl::StatusOr<Tensor>& value) {
    *Attribute(name, onnx::AttributeProto::TENSOR)->mutable_t() = onnx::TensorToOnnx(*value);
    return *this;
  }
  onnx::GraphProto* Graph(const char* name) {
    return Attribute(name, onnx::AttributeProto::GRAPH)->mutable_g();
  }

  absl::StatusOr<Model> Import() const { return ModelFromOnnx(model_.SerializeAsString()); }
  // The operators that it becomes, one a line, without those that look at inputs; what went wrong
  // where it does not.
  std::string Net() const {
    const absl::StatusOr<Model> model = Import();
    if (!model.ok()) return std::string(model.status().message());
    std::string net;
    for (const OperatorDef& op : model->predict.op()) {
      if (op.type() == "EnforceShape") continue;
      absl::StrAppend(&net, net.empty() ? "" : "\n", OpToString(op));
    }
    return net;
  }
  // The types of those operators.
  std::vector<std::string> Operators() const {
    std::vector<std::string> types;
    const absl::StatusOr<Model> model = Import();
    EXPECT_TRUE(model.ok()) << model.status();
    if (!model.ok()) return types;
    for (const OperatorDef& op : model->predict.op()) {
      if (op.type() != "EnforceShape") types.push_back(op.type());
    }
    return types;
  }
  // An argument of the operator of that type, as text; "" where there is none.
  std::string ArgumentOf(const char* type, const char* name) const {
    const absl::StatusOr<Model> model = Import();
    if (!model.ok()) return std::string(model.status().message());
    for (const OperatorDef& op : model->predict.op()) {
      const Argument* arg = op.type() == type ? FindArgument(op, name) : nullptr;
      if (arg == nullptr) continue;
      Argument value = *arg;
      value.clear_name();
      return value.ShortDebugString();
    }
    return "";
  }
  absl::StatusOr<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const {
    DOPPIO_ASSIGN_OR_RETURN(const Model model, Import());
    DOPPIO_ASSIGN_OR_RETURN(const auto predictor, Predictor::Create(model));
    return predictor->Run(inputs);
  }

  // The first output for these inputs.
  void ExpectOutput(const std::vector<absl::StatusOr<Tensor>>& inputs,
                    const absl::StatusOr<Tensor>& expected, double tolerance = 0,
                    const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    const testing::ScopedTrace trace(file, line, model_.graph().node(0).op_type());
    std::vector<Tensor> fed;
    for (const absl::StatusOr<Tensor>& input : inputs) fed.push_back(*input);
    const absl::StatusOr<std::vector<Tensor>> outputs = Run(fed);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_TRUE(TensorNear((*outputs)[0], *expected, tolerance));
  }
  // The model is refused.
  void ExpectRefusal(absl::StatusCode code, absl::string_view part_of_message,
                     const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    const testing::ScopedTrace trace(file, line, model_.graph().node(0).op_type());
    const absl::Status status = Import().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(status.message().find(std::string(part_of_message)), std::string::npos) << status;
  }

 private:
  onnx::NodeProto* node() {
    onnx::GraphProto* graph = model_.mutable_graph();
    const int size = graph->node_size();
    return size == 0 ? graph->add_node() : graph->mutable_node(size - 1);
  }
  onnx::AttributeProto* Attribute(const char* name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto* attribute = node()->add_attribute();
    attribute->set_name(name);
    attribute->set_type(type);
    return attribute;
  }

  onnx::ModelProto model_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_ONNX_SMALL_MODEL_H_
