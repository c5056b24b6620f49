#include "src/onnx/import/wider_type.h"

namespace doppio {
namespace onnx {

DataType WiderType(DataType type) {
  switch (type) {
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kUInt8:
    case DataType::kUInt16:
      return DataType::kInt32;
    case DataType::kFloat16:
    case DataType::kBFloat16:
      return DataType::kFloat;
    default:
      return type;
  }
}

Argument CastTo(DataType type) {
  // bfloat16 has no number in files.
  if (type == DataType::kBFloat16) return MakeArgument("to", std::string(DataTypeName(type)));
  return MakeArgument("to", static_cast<int64_t>(type));
}

void InWiderType(NodeImport& node, const std::vector<std::string>& inputs,
                 const std::string& output, AddOps add) {
  const DataType type = node.Info(inputs[0]).dtype;
  const DataType wider = WiderType(type);
  if (wider == type) return add(inputs, output);
  std::vector<std::string> cast;
  for (const std::string& input : inputs) {
    cast.push_back(node.NewBlob("wide"));
    node.Op("Cast", {input}, {cast.back()}, {CastTo(wider)});
  }
  const std::string result = node.NewBlob("result");
  add(cast, result);
  node.Op("Cast", {result}, {output}, {CastTo(type)});
}

std::string ScalarLike(NodeImport& node, const std::string& like, double value) {
  Tensor scalar;
  const absl::Status made =
      DispatchType(TypeList<float, double, int32_t, int64_t>(), node.Info(like).dtype,
                   [&](auto tag) -> absl::Status {
                     using T = typename decltype(tag)::type;
                     DOPPIO_ASSIGN_OR_RETURN(scalar, Tensor::Scalar<T>(static_cast<T>(value)));
                     return absl::OkStatus();
                   });
  if (made.ok()) return node.Constant("scalar", std::move(scalar));
  // The type is known when the net runs.
  const std::string blob = node.NewBlob("scalar");
  node.Op("ConstantFill", {like}, {blob},
          {MakeArgument("dtype_of_input", true), MakeArgument("value", static_cast<float>(value))});
  return blob;
}

}  // namespace onnx
}  // namespace doppio
