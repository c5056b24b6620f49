// Tensors out of attributes and shapes.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/import/wider_type.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

template <typename T>
absl::Status SetVector(NodeImport& node, const std::vector<T>& values) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor,
                          Tensor::FromSpan<T>({static_cast<int64_t>(values.size())}, values));
  node.SetOutput(0, std::move(tensor));
  return absl::OkStatus();
}

template <typename T>
absl::Status SetScalar(NodeImport& node, T value) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Scalar<T>(std::move(value)));
  node.SetOutput(0, std::move(tensor));
  return absl::OkStatus();
}

absl::Status ImportConstant(NodeImport& node) {
  if (node.proto().attribute_size() != 1) {
    return absl::InvalidArgumentError("there must be one attribute, the value");
  }
  const std::string& name = node.proto().attribute(0).name();
  if (name == "value") {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, node.TensorAttribute("value"));
    node.SetOutput(0, std::move(tensor));
    return absl::OkStatus();
  }
  if (name == "value_float") return SetScalar<float>(node, node.Float(name, 0));
  if (name == "value_floats") return SetVector(node, node.Floats(name));
  if (name == "value_int") return SetScalar<int64_t>(node, node.Int(name, 0));
  if (name == "value_ints") return SetVector(node, node.Ints(name));
  if (name == "value_string") return SetScalar<std::string>(node, node.String(name, ""));
  if (name == "value_strings") return SetVector(node, node.Strings(name));
  return node.Unsupported(absl::StrCat("the attribute \"", name, "\""));
}
DOPPIO_ONNX_IMPORT(Constant, ImportConstant);

// The value is a tensor of one element; without one it is 0, a float.
absl::Status ImportConstantOfShape(NodeImport& node) {
  Tensor value;
  if (node.HasAttribute("value")) {
    DOPPIO_ASSIGN_OR_RETURN(value, node.TensorAttribute("value"));
    if (value.numel() != 1) return absl::InvalidArgumentError("the value must be one element");
    DOPPIO_RETURN_IF_ERROR(value.Reshape({}));
  } else {
    DOPPIO_ASSIGN_OR_RETURN(value, Tensor::Scalar<float>(0));
  }
  std::vector<Argument> args = {MakeArgument("input_as_shape", true)};
  if (value.Is<float>()) {
    args.push_back(MakeArgument("value", *value.data<float>()));
  } else if (value.Is<int64_t>()) {
    args.push_back(MakeArgument("value", *value.data<int64_t>()));
  } else {
    // Other types have no argument that holds all their values.
    node.Op("Expand", {node.Constant("value", value), node.Input(0)}, {node.Output(0)});
    return absl::OkStatus();
  }
  args.push_back(MakeArgument("dtype", static_cast<int64_t>(value.dtype())));
  node.Op("ConstantFill", {node.Input(0)}, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ConstantOfShape, ImportConstantOfShape);

absl::Status ImportRange(NodeImport& node) {
  InWiderType(
      node, {node.Input(0), node.Input(1), node.Input(2)}, node.Output(0),
      [&](const auto& inputs, const std::string& output) { node.Op("Range", inputs, {output}); });
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Range, ImportRange);

absl::Status ImportEyeLike(NodeImport& node) {
  std::vector<Argument> args = {MakeArgument("k", node.Int("k", 0))};
  if (node.HasAttribute("dtype")) {
    DOPPIO_ASSIGN_OR_RETURN(const DataType dtype,
                            DataTypeFromOnnx(static_cast<int32_t>(node.Int("dtype", 0))));
    args.push_back(CastTo(dtype));
    args.back().set_name("dtype");
  }
  node.Op("EyeLike", {node.Input(0)}, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(EyeLike, ImportEyeLike);

}  // namespace
}  // namespace onnx
}  // namespace doppio
