#include "src/onnx/export/op_export.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/op_def.h"
#include "src/onnx/export/graph_export.h"
#include "src/onnx/onnx_tensor.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace onnx {
namespace {

// Arguments that change no number: how fast an operator of Caffe2's is, what it keeps for training.
constexpr const char* kHarmlessArguments[] = {
    "allow_broadcast_fastpath", "cudnn_exhaustive_search", "dense_gradient", "enable_tensor_core",
    "exhaustive_search",        "float16_compute",         "init_params",    "is_learnable",
    "no_gradient_to_input",     "shared_buffer",           "use_cudnn",      "ws_nbytes_limit"};

// Operators that came with a version of ONNX above the least one that is written.
struct NodeSince {
  const char* type;
  int opset;
};
constexpr NodeSince kSince[] = {{"Acosh", 9},
                                {"Asinh", 9},
                                {"Atanh", 9},
                                {"BitShift", 11},
                                {"Celu", 12},
                                {"Clip", 7},
                                {"Compress", 9},
                                {"ConstantOfShape", 9},
                                {"Cosh", 9},
                                {"CumSum", 11},
                                {"Erf", 9},
                                {"Expand", 8},
                                {"EyeLike", 9},
                                {"GatherND", 11},
                                {"GatherElements", 11},
                                {"GreaterOrEqual", 12},
                                {"HardSwish", 14},
                                {"IsNaN", 9},
                                {"LessOrEqual", 12},
                                {"Mod", 10},
                                {"NonMaxSuppression", 10},
                                {"NonZero", 9},
                                {"OneHot", 9},
                                {"Range", 11},
                                {"Resize", 10},
                                {"RoiAlign", 10},
                                {"Round", 11},
                                {"ScatterND", 11},
                                {"Sign", 9},
                                {"Sinh", 9},
                                {"ThresholdedRelu", 10},
                                {"Where", 9}};

std::map<std::string, OpExporter>& Exporters() {
  static auto* const exporters = new std::map<std::string, OpExporter>;
  return *exporters;
}

AttributeProto Named(absl::string_view name, AttributeProto::AttributeType type) {
  AttributeProto attribute;
  attribute.set_name(std::string(name));
  attribute.set_type(type);
  return attribute;
}

absl::Status NotKnown(const std::string& what, const OperatorDef& def, int input) {
  return absl::UnimplementedError(
      absl::StrCat("the ", what, " of \"", def.input(input),
                   "\" is not known: give the types and shapes of the inputs"));
}

bool IsHarmless(const OpSchema* schema, const std::string& argument) {
  // Builders of nets gave the order to all operators, those too that do not read it.
  if (argument == "order") return schema == nullptr || schema->FindArg(argument) == nullptr;
  return std::find(std::begin(kHarmlessArguments), std::end(kHarmlessArguments), argument) !=
         std::end(kHarmlessArguments);
}

}  // namespace

bool IsFixed(const ValueInfo& info) {
  return info.dims.has_value() &&
         std::find(info.dims->begin(), info.dims->end(), -1) == info.dims->end();
}

AttributeProto MakeAttribute(absl::string_view name, int64_t value) {
  AttributeProto attribute = Named(name, AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, int value) {
  return MakeAttribute(name, int64_t{value});
}
AttributeProto MakeAttribute(absl::string_view name, bool value) {
  return MakeAttribute(name, int64_t{value ? 1 : 0});
}
AttributeProto MakeAttribute(absl::string_view name, float value) {
  AttributeProto attribute = Named(name, AttributeProto::FLOAT);
  attribute.set_f(value);
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, const std::string& value) {
  AttributeProto attribute = Named(name, AttributeProto::STRING);
  attribute.set_s(value);
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, const std::vector<int64_t>& value) {
  AttributeProto attribute = Named(name, AttributeProto::INTS);
  attribute.mutable_ints()->Add(value.begin(), value.end());
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, const std::vector<float>& value) {
  AttributeProto attribute = Named(name, AttributeProto::FLOATS);
  attribute.mutable_floats()->Add(value.begin(), value.end());
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, const Tensor& value) {
  AttributeProto attribute = Named(name, AttributeProto::TENSOR);
  *attribute.mutable_t() = TensorToOnnx(value);
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, const GraphProto& value) {
  AttributeProto attribute = Named(name, AttributeProto::GRAPH);
  *attribute.mutable_g() = value;
  return attribute;
}
AttributeProto MakeAttribute(absl::string_view name, const char* value) {
  return MakeAttribute(name, std::string(value));
}

bool RegisterOpExporter(absl::string_view op_type, OpExporter exporter) {
  return Exporters().emplace(std::string(op_type), exporter).second;
}

OpExporter FindOpExporter(absl::string_view op_type) {
  const auto found = Exporters().find(std::string(op_type));
  return found == Exporters().end() ? nullptr : found->second;
}

OpExport::OpExport(GraphExport* graph, const OperatorDef& def, std::vector<std::string> inputs,
                   std::vector<std::string> outputs, std::vector<bool> wanted)
    : graph_(graph),
      def_(def),
      arguments_(def, OpSchemaRegistry::Schema(def.type())),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      wanted_(std::move(wanted)) {}

int OpExport::opset() const { return graph_->opset(); }

std::vector<std::string> OpExport::Outputs() {
  for (int o = 0; o < OutputSize(); ++o) made_.insert(o);
  return outputs_;
}

DataType OpExport::TypeArgument(absl::string_view name, DataType fallback) {
  taken_.emplace(name);
  return arguments_.GetDataTypeArgument(name, fallback);
}

ArgumentReader* OpExport::Arguments(std::initializer_list<absl::string_view> names) {
  for (const absl::string_view name : names) taken_.emplace(name);
  return &arguments_;
}

bool OpExport::IsChannelsLast() {
  return ReadStorageOrder(Arguments({"order"})) == StorageOrder::kNHWC;
}

const ValueInfo& OpExport::Info(int input) const { return graph_->Info(def_.input(input)); }
const ValueInfo& OpExport::OutputInfo(int output) const { return graph_->OutputInfo(output); }

void OpExport::SetOutput(int output, DataType dtype, std::optional<Dims> dims) {
  const ValueInfo& inferred = OutputInfo(output);
  if (inferred.dtype != DataType::kUndefined && inferred.dims.has_value()) return;
  graph_->SetOutput(output, dtype, std::move(dims));
}

absl::StatusOr<DataType> OpExport::Type(int input) const {
  const DataType dtype = Info(input).dtype;
  if (dtype == DataType::kUndefined) return NotKnown("type", def_, input);
  return dtype;
}

absl::StatusOr<int> OpExport::Rank(int input) const {
  const ValueInfo& info = Info(input);
  if (!info.dims.has_value()) return NotKnown("shape", def_, input);
  return static_cast<int>(info.dims->size());
}

absl::StatusOr<Dims> OpExport::FixedDims(int input) const {
  const ValueInfo& info = Info(input);
  if (!IsFixed(info)) return NotKnown("shape", def_, input);
  return *info.dims;
}

absl::StatusOr<Dims> OpExport::FixedOutputDims(int output) const {
  const ValueInfo& info = OutputInfo(output);
  if (IsFixed(info)) return *info.dims;
  return absl::UnimplementedError(
      "the shape of its output is not known: give the types and shapes of the inputs");
}

absl::StatusOr<int> OpExport::Axis(int64_t axis, int input) const {
  if (axis >= 0 && !Info(input).dims.has_value()) return static_cast<int>(axis);
  DOPPIO_ASSIGN_OR_RETURN(const int rank, Rank(input));
  return CanonicalAxis(axis, rank);
}

const Tensor* OpExport::Value(int input) const {
  const ValueInfo& info = Info(input);
  return info.value.has_value() ? &*info.value : nullptr;
}

std::optional<std::vector<int64_t>> OpExport::KnownInts(int input) const {
  return IntsOf(Value(input));
}

std::string OpExport::Node(absl::string_view type, const std::vector<std::string>& inputs,
                           const std::vector<AttributeProto>& attributes,
                           const std::string& output) {
  const std::string made = output.empty() ? NewValue(type) : output;
  Node(type, inputs, attributes, std::vector<std::string>{made});
  return made;
}

void OpExport::Node(absl::string_view type, const std::vector<std::string>& inputs,
                    const std::vector<AttributeProto>& attributes,
                    const std::vector<std::string>& outputs) {
  for (const NodeSince& since : kSince) {
    if (type == since.type && opset() < since.opset) {
      Fail(Unsupported(
          absl::StrCat("it takes ONNX's ", type, ", which opset ", since.opset, " brought")));
    }
  }
  NodeProto* node = graph_->AddNode(def_.name());
  node->set_op_type(std::string(type));
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& made : outputs) node->add_output(made);
  for (const AttributeProto& attribute : attributes) *node->add_attribute() = attribute;
}

std::string OpExport::NewValue(absl::string_view purpose) {
  return graph_->NewName(
      absl::StrCat(outputs_.empty() ? def_.type() : def_.output(0), "_", purpose));
}

std::string OpExport::Constant(absl::string_view purpose, const Tensor& value) {
  const std::string name = NewValue(purpose);
  graph_->AddInitializer(name, value);
  return name;
}

std::string OpExport::Int64s(const std::vector<int64_t>& values) {
  const auto size = static_cast<int64_t>(values.size());
  const absl::StatusOr<Tensor> tensor = Tensor::FromSpan<int64_t>({size}, values);
  Fail(tensor.status());
  return tensor.ok() ? Constant("ints", *tensor) : "";
}

std::string OpExport::Number(double value, DataType dtype) {
  Tensor tensor;
  const absl::Status made = DispatchType(AllNumericTypes(), dtype, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    DOPPIO_ASSIGN_OR_RETURN(tensor, Tensor::Create(dtype, {}));
    if constexpr (std::is_arithmetic_v<T>) {
      *tensor.mutable_data<T>() = static_cast<T>(value);
    } else {
      *tensor.mutable_data<T>() = T(static_cast<float>(value));
    }
    return absl::OkStatus();
  });
  Fail(made);
  return made.ok() ? Constant("number", tensor) : "";
}

absl::Status OpExport::Finish() const {
  DOPPIO_RETURN_IF_ERROR(arguments_.status());
  std::vector<std::string> unknown;
  const OpSchema* schema = OpSchemaRegistry::Schema(def_.type());
  for (const Argument& arg : def_.arg()) {
    if (taken_.count(arg.name()) == 0 && !IsHarmless(schema, arg.name())) {
      unknown.push_back(absl::StrCat("\"", arg.name(), "\""));
    }
  }
  if (!unknown.empty()) {
    return Unsupported(absl::StrCat(unknown.size() == 1 ? "the argument " : "the arguments ",
                                    absl::StrJoin(unknown, ", "), " can not be taken along"));
  }
  for (int o = 0; o < OutputSize(); ++o) {
    if (IsWanted(o) && made_.count(o) == 0) {
      return Unsupported(
          absl::StrCat("its output ", o, " \"", def_.output(o), "\" has no counterpart"));
    }
  }
  return absl::OkStatus();
}

}  // namespace onnx
}  // namespace doppio
