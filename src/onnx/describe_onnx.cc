#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/onnx.h"
#include "doppio/proto_io.h"
#include "doppio/shape.h"
#include "src/io/file.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace {

std::string TypeName(int32_t number) {
  const absl::StatusOr<DataType> dtype = onnx::DataTypeFromOnnx(number);
  if (dtype.ok()) return std::string(DataTypeName(*dtype));
  if (!onnx::TensorProto::DataType_IsValid(number)) return absl::StrCat("type ", number);
  return absl::AsciiStrToLower(
      onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(number)));
}

std::string TypeText(const onnx::TypeProto& type) {
  switch (type.value_case()) {
    case onnx::TypeProto::kTensorType:
      break;
    case onnx::TypeProto::VALUE_NOT_SET:
      return "";
    case onnx::TypeProto::kSequenceType:
      return "sequence";
    case onnx::TypeProto::kMapType:
      return "map";
    case onnx::TypeProto::kSparseTensorType:
      return "sparse tensor";
    case onnx::TypeProto::kOptionalType:
      return "optional";
  }
  const onnx::TypeProto::Tensor& tensor = type.tensor_type();
  std::string text = TypeName(tensor.elem_type());
  if (!tensor.has_shape()) return text;
  const auto append = [](std::string* out, const onnx::TensorShapeProto::Dimension& dim) {
    absl::StrAppend(out, dim.has_dim_value()       ? absl::StrCat(dim.dim_value())
                         : dim.dim_param().empty() ? "?"
                                                   : dim.dim_param());
  };
  return absl::StrCat(text, "[", absl::StrJoin(tensor.shape().dim(), ",", append), "]");
}

OnnxDescription::Value WeightOf(const onnx::TensorProto& tensor) {
  OnnxDescription::Value value;
  value.name = tensor.name();
  const Dims dims(tensor.dims().begin(), tensor.dims().end());
  value.type = TypeName(tensor.data_type()) + ShapeToString(dims);
  const absl::StatusOr<DataType> dtype = onnx::DataTypeFromOnnx(tensor.data_type());
  const absl::StatusOr<int64_t> count = NumElements(dims);
  if (dtype.ok() && count.ok()) {
    value.bytes = CheckedProduct(*count, static_cast<int64_t>(DataTypeSize(*dtype))).value_or(0);
  }
  return value;
}

OnnxDescription Describe(const onnx::ModelProto& model) {
  OnnxDescription said;
  said.ir_version = model.ir_version();
  for (const auto& opset : model.opset_import()) {
    said.opsets.emplace_back(opset.domain(), opset.version());
  }
  said.producer = std::string(absl::StripAsciiWhitespace(
      absl::StrCat(model.producer_name(), " ", model.producer_version())));
  const onnx::GraphProto& graph = model.graph();
  said.graph = graph.name();
  said.node_count = graph.node_size();
  std::map<std::string, int64_t> counts;
  for (const onnx::NodeProto& node : graph.node()) ++counts[node.op_type()];
  said.nodes.assign(counts.begin(), counts.end());
  std::stable_sort(said.nodes.begin(), said.nodes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::set<std::string> weights;
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    weights.insert(tensor.name());
    said.weights.push_back(WeightOf(tensor));
  }
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (weights.count(input.name()) != 0) continue;
    said.inputs.push_back({input.name(), TypeText(input.type())});
  }
  for (const onnx::ValueInfoProto& output : graph.output()) {
    said.outputs.push_back({output.name(), TypeText(output.type())});
  }
  return said;
}

}  // namespace

absl::StatusOr<OnnxDescription> DescribeOnnx(const std::string& path, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const io::FileBytes file, io::ReadFile(path, limits));
  onnx::ModelProto model;
  DOPPIO_RETURN_IF_ERROR(ParseProto(file.view(), &model, limits, path));
  return Describe(model);
}

}  // namespace doppio
