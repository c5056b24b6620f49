#ifndef DOPPIO_TESTS_ONNX_NODE_MODEL_H_
#define DOPPIO_TESTS_ONNX_NODE_MODEL_H_

// A model of one node, to test how it is read:
//
//   NodeModel("Squeeze", 11)
//       .Input("X", onnx::TensorProto::FLOAT, {1, 2})
//       .Ints("axes", {-2})
//       .ExpectOutput({Tensor::Of<float>({1, 2}, {7, 8})}, Tensor::Of<float>({2}, {7, 8}));

#include <string>
#include <vector>

#include "doppio/onnx.h"
#include "doppio/onnx.pb.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "src/onnx/onnx_tensor.h"
#include "tests/support/tensor_match.h"

namespace doppio {

class NodeModel {
 public:
  // The node has one output, Y.
  NodeModel(const char* op_type, int opset) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(opset);
    node_ = model_.mutable_graph()->add_node();
    node_->set_op_type(op_type);
    Output("Y");
  }
  // The model keeps a pointer into itself.
  NodeModel(const NodeModel&) = delete;
  NodeModel& operator=(const NodeModel&) = delete;

  NodeModel& Output(const char* name) {
    node_->add_output(name);
    model_.mutable_graph()->add_output()->set_name(name);
    return *this;
  }
  // The next input; a size of -1 is not known.
  NodeModel& Input(const char* name, onnx::TensorProto::DataType type, const Dims& dims) {
    InputOfAnyShape(name, type);
    auto* tensor = model_.mutable_graph()->mutable_input()->rbegin()->mutable_type();
    auto* shape = tensor->mutable_tensor_type()->mutable_shape();
    for (const int64_t size : dims) {
      auto* dim = shape->add_dim();
      if (size >= 0) dim->set_dim_value(size);
    }
    return *this;
  }
  NodeModel& InputOfAnyShape(const char* name, onnx::TensorProto::DataType type) {
    node_->add_input(name);
    onnx::ValueInfoProto* input = model_.mutable_graph()->add_input();
    input->set_name(name);
    input->mutable_type()->mutable_tensor_type()->set_elem_type(type);
    return *this;
  }
  // An input that is a weight.
  NodeModel& Weight(const char* name, const absl::StatusOr<Tensor>& value) {
    node_->add_input(name);
    onnx::TensorProto* weight = model_.mutable_graph()->add_initializer();
    *weight = onnx::TensorToOnnx(*value);
    weight->set_name(name);
    return *this;
  }
  NodeModel& NoInput() {
    node_->add_input("");
    return *this;
  }

  NodeModel& Int(const char* name, int64_t value) {
    Attribute(name, onnx::AttributeProto::INT)->set_i(value);
    return *this;
  }
  NodeModel& Float(const char* name, float value) {
    Attribute(name, onnx::AttributeProto::FLOAT)->set_f(value);
    return *this;
  }
  NodeModel& String(const char* name, const char* value) {
    Attribute(name, onnx::AttributeProto::STRING)->set_s(value);
    return *this;
  }
  NodeModel& Ints(const char* name, const std::vector<int64_t>& values) {
    onnx::AttributeProto* attribute = Attribute(name, onnx::AttributeProto::INTS);
    for (const int64_t value : values) attribute->add_ints(value);
    return *this;
  }
  NodeModel& TensorValue(const char* name, const absl::StatusOr<Tensor>& value) {
    *Attribute(name, onnx::AttributeProto::TENSOR)->mutable_t() = onnx::TensorToOnnx(*value);
    return *this;
  }

  absl::StatusOr<Model> Read() const { return ModelFromOnnx(model_.SerializeAsString()); }

  // The types of the operators that the node becomes.
  std::vector<std::string> Operators() const {
    std::vector<std::string> types;
    const absl::StatusOr<Model> model = Read();
    EXPECT_TRUE(model.ok()) << model.status();
    if (!model.ok()) return types;
    for (const OperatorDef& op : model->predict.op()) types.push_back(op.type());
    return types;
  }

  // Y for these inputs.
  absl::StatusOr<Tensor> Run(const std::vector<absl::StatusOr<Tensor>>& inputs) const {
    const absl::StatusOr<Model> model = Read();
    if (!model.ok()) return model.status();
    Workspace workspace;
    for (const auto& [name, tensor] : model->weights) {
      if (absl::Status fed = workspace.Feed(name, tensor); !fed.ok()) return fed;
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (absl::Status fed = workspace.Feed(model->inputs[i], *inputs[i]); !fed.ok()) return fed;
    }
    if (absl::Status ran = workspace.RunNetOnce(model->predict); !ran.ok()) return ran;
    return workspace.Fetch("Y");
  }

  void ExpectOutput(const std::vector<absl::StatusOr<Tensor>>& inputs,
                    const absl::StatusOr<Tensor>& expected, double tolerance = 0,
                    const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    const testing::ScopedTrace trace(file, line, node_->op_type());
    const absl::StatusOr<Tensor> y = Run(inputs);
    ASSERT_TRUE(y.ok()) << y.status();
    EXPECT_TRUE(TensorNear(*y, *expected, tolerance));
  }

  // The model is refused.
  void ExpectRefusal(absl::StatusCode code, absl::string_view part_of_message,
                     const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    const testing::ScopedTrace trace(file, line, node_->op_type());
    const absl::Status status = Read().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_NE(status.message().find(std::string(part_of_message)), std::string::npos) << status;
  }

 private:
  onnx::AttributeProto* Attribute(const char* name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto* attribute = node_->add_attribute();
    attribute->set_name(name);
    attribute->set_type(type);
    return attribute;
  }

  onnx::ModelProto model_;
  onnx::NodeProto* node_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_ONNX_NODE_MODEL_H_
