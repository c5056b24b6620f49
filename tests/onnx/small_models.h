#ifndef DOPPIO_TESTS_ONNX_SMALL_MODELS_H_
#define DOPPIO_TESTS_ONNX_SMALL_MODELS_H_

// ONNX models that tests write, and change.

#include <string>
#include <utility>
#include <vector>

#include "doppio/onnx.h"
#include "doppio/onnx.pb.h"
#include "doppio/predictor.h"
#include "gtest/gtest.h"

namespace doppio {
namespace onnx {

inline ValueInfoProto Value(const std::string& name, const std::vector<int64_t>& dims,
                            int type = TensorProto::FLOAT) {
  ValueInfoProto value;
  value.set_name(name);
  auto* tensor = value.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (const int64_t dim : dims) tensor->mutable_shape()->add_dim()->set_dim_value(dim);
  return value;
}

inline NodeProto Node(const std::string& type, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs) {
  NodeProto node;
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

inline TensorProto Floats(const std::string& name, const std::vector<int64_t>& dims,
                          const std::vector<float>& values) {
  TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::FLOAT);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  for (const float value : values) tensor.add_float_data(value);
  return tensor;
}

// z = Relu(x + w).
inline ModelProto ExampleModel() {
  ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  GraphProto* graph = model.mutable_graph();
  graph->set_name("small");
  *graph->add_input() = Value("x", {2});
  *graph->add_initializer() = Floats("w", {2}, {1, -5});
  *graph->add_node() = Node("Add", {"x", "w"}, {"y"});
  *graph->add_node() = Node("Relu", {"y"}, {"z"});
  *graph->add_output() = Value("z", {2});
  return model;
}

inline AttributeProto* AddAttribute(NodeProto* node, const std::string& name,
                                    AttributeProto::AttributeType type) {
  AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

// twice(a) -> c = a + a; here z = twice(y).
inline ModelProto ModelWithFunction() {
  ModelProto model = ExampleModel();
  FunctionProto* twice = model.add_functions();
  twice->set_name("twice");
  twice->set_domain("mine");
  twice->add_opset_import()->set_version(13);
  twice->add_input("a");
  twice->add_output("c");
  *twice->add_node() = Node("Add", {"a", "a"}, {"c"});
  NodeProto* node = model.mutable_graph()->mutable_node(1);
  node->set_op_type("twice");
  node->set_domain("mine");
  return model;
}

// What a model makes of x = [x0,x1], as its first output; nothing, and a failure, where it is none.
inline std::vector<float> OutputOf(const ModelProto& proto, float x0, float x1) {
  const auto run = [&]() -> absl::StatusOr<std::vector<Tensor>> {
    DOPPIO_ASSIGN_OR_RETURN(Model model, ModelFromOnnx(proto.SerializeAsString()));
    DOPPIO_ASSIGN_OR_RETURN(const auto predictor, Predictor::Create(std::move(model)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor x, Tensor::Of<float>({2}, {x0, x1}));
    return predictor->Run({std::move(x)});
  };
  const absl::StatusOr<std::vector<Tensor>> outputs = run();
  if (!outputs.ok()) {
    ADD_FAILURE() << outputs.status();
    return {};
  }
  const auto values = outputs->front().span<float>();
  return {values.begin(), values.end()};
}

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_TESTS_ONNX_SMALL_MODELS_H_
