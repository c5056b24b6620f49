#include "src/onnx/import/node_import.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/onnx/import/graph_import.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

std::map<std::string, NodeImporter>& Importers() {
  static auto* const importers = new std::map<std::string, NodeImporter>;
  return *importers;
}

bool IsNamed(const std::string& value) { return !value.empty(); }

// Before IR version 2 attributes had no type; what they hold is what is set.
AttributeProto::AttributeType TypeOf(const AttributeProto& attribute) {
  if (attribute.type() != AttributeProto::UNDEFINED) return attribute.type();
  if (attribute.has_f()) return AttributeProto::FLOAT;
  if (attribute.has_i()) return AttributeProto::INT;
  if (attribute.has_s()) return AttributeProto::STRING;
  if (attribute.has_t()) return AttributeProto::TENSOR;
  if (attribute.has_g()) return AttributeProto::GRAPH;
  if (attribute.floats_size() > 0) return AttributeProto::FLOATS;
  if (attribute.ints_size() > 0) return AttributeProto::INTS;
  if (attribute.strings_size() > 0) return AttributeProto::STRINGS;
  return AttributeProto::UNDEFINED;
}

}  // namespace

bool RegisterNodeImporter(absl::string_view op_type, NodeImporter importer) {
  return Importers().emplace(std::string(op_type), importer).second;
}

NodeImporter FindNodeImporter(absl::string_view op_type) {
  const auto found = Importers().find(std::string(op_type));
  return found == Importers().end() ? nullptr : found->second;
}

NodeImport::NodeImport(GraphImport* graph, const NodeProto& node, std::vector<std::string> inputs,
                       std::vector<std::string> outputs)
    : graph_(graph), node_(node), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

int64_t NodeImport::opset() const { return graph_->OpsetOf(node_.domain()); }

void NodeImport::Fail(const std::string& what) {
  status_ =
      absl::InvalidArgumentError(absl::StrCat(status_.message(), status_.ok() ? "" : "; ", what));
}

bool NodeImport::HasInput(int i) {
  asked_inputs_ = std::max(asked_inputs_, i + 1);
  return i < InputSize() && !inputs_[i].empty();
}

bool NodeImport::HasOutput(int i) {
  asked_outputs_ = std::max(asked_outputs_, i + 1);
  return i < OutputSize() && !outputs_[i].empty();
}

const std::string& NodeImport::Input(int i) {
  static const auto* const none = new std::string;
  if (HasInput(i)) return inputs_[i];
  Fail(absl::StrCat("input ", i, " is missing"));
  return *none;
}

const std::string& NodeImport::Output(int i) {
  asked_outputs_ = std::max(asked_outputs_, i + 1);
  while (OutputSize() <= i) outputs_.emplace_back();
  if (outputs_[i].empty()) outputs_[i] = NewBlob(absl::StrCat("output", i));
  return outputs_[i];
}

const std::vector<std::string>& NodeImport::Inputs() {
  while (!inputs_.empty() && inputs_.back().empty()) inputs_.pop_back();
  for (int i = 0; i < InputSize(); ++i) Input(i);
  if (inputs_.empty()) {
    Input(0);  // the node's error
    inputs_.emplace_back();
  }
  return inputs_;
}

std::vector<std::string> NodeImport::Outputs() {
  while (!outputs_.empty() && outputs_.back().empty()) outputs_.pop_back();
  std::vector<std::string> outputs;
  for (int i = 0; i < OutputSize(); ++i) outputs.push_back(Output(i));
  return outputs;
}

const AttributeProto* NodeImport::Find(absl::string_view name) const {
  for (const AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

const AttributeProto* NodeImport::Take(absl::string_view name, AttributeProto::AttributeType type) {
  taken_.emplace(name);
  const AttributeProto* attribute = Find(name);
  if (attribute == nullptr) return nullptr;
  if (TypeOf(*attribute) == type) return attribute;
  Fail(absl::StrCat("attribute \"", name, "\" is of type ",
                    AttributeProto::AttributeType_Name(TypeOf(*attribute)), ", not ",
                    AttributeProto::AttributeType_Name(type)));
  return nullptr;
}

int64_t NodeImport::Int(absl::string_view name, int64_t fallback) {
  const AttributeProto* attribute = Take(name, AttributeProto::INT);
  return attribute == nullptr ? fallback : attribute->i();
}

float NodeImport::Float(absl::string_view name, float fallback) {
  const AttributeProto* attribute = Take(name, AttributeProto::FLOAT);
  return attribute == nullptr ? fallback : attribute->f();
}

std::string NodeImport::String(absl::string_view name, absl::string_view fallback) {
  const AttributeProto* attribute = Take(name, AttributeProto::STRING);
  return attribute == nullptr ? std::string(fallback) : attribute->s();
}

std::vector<int64_t> NodeImport::Ints(absl::string_view name) {
  const AttributeProto* attribute = Take(name, AttributeProto::INTS);
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::vector<float> NodeImport::Floats(absl::string_view name) {
  const AttributeProto* attribute = Take(name, AttributeProto::FLOATS);
  if (attribute == nullptr) return {};
  return {attribute->floats().begin(), attribute->floats().end()};
}

std::vector<std::string> NodeImport::Strings(absl::string_view name) {
  const AttributeProto* attribute = Take(name, AttributeProto::STRINGS);
  if (attribute == nullptr) return {};
  return {attribute->strings().begin(), attribute->strings().end()};
}

absl::StatusOr<Tensor> NodeImport::TensorAttribute(absl::string_view name) {
  const AttributeProto* attribute = Take(name, AttributeProto::TENSOR);
  if (attribute == nullptr) {
    DOPPIO_RETURN_IF_ERROR(status_);
    return absl::InvalidArgumentError(absl::StrCat("attribute \"", name, "\" is missing"));
  }
  const ModelImport& model = *graph_->model();
  absl::StatusOr<Tensor> tensor = TensorFromOnnx(attribute->t(), model.folder, model.limits);
  if (tensor.ok()) return tensor;
  return Annotate(tensor.status(), absl::StrCat("attribute \"", name, "\""));
}

absl::StatusOr<NetDef> NodeImport::Subgraph(absl::string_view name,
                                            std::vector<std::string>* inputs,
                                            std::vector<std::string>* outputs) {
  const AttributeProto* attribute = Take(name, AttributeProto::GRAPH);
  if (attribute == nullptr) {
    DOPPIO_RETURN_IF_ERROR(status_);
    return absl::InvalidArgumentError(absl::StrCat("attribute \"", name, "\" is missing"));
  }
  return graph_->Subgraph(attribute->g(), inputs, outputs);
}

const TensorInfo& NodeImport::Info(const std::string& blob) { return graph_->Info(blob); }

std::optional<int> NodeImport::Rank(int input) {
  const TensorInfo& info = Info(Input(input));
  if (info.dims.has_value()) return static_cast<int>(info.dims->size());
  const auto& ranks = graph_->model()->ranks;
  const auto declared = ranks.find(Input(input));
  if (declared == ranks.end()) return std::nullopt;
  return declared->second;
}

const Tensor* NodeImport::Value(int input) {
  const TensorInfo& info = Info(Input(input));
  return info.value.has_value() ? &*info.value : nullptr;
}

std::optional<std::vector<int64_t>> NodeImport::KnownInts(int input) {
  return IntsOf(Value(input));
}

void NodeImport::Op(absl::string_view type, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs, const std::vector<Argument>& args) {
  Add(CreateOperatorDef(type, node_.name(), inputs, outputs, args));
}

void NodeImport::Add(OperatorDef op) { *graph_->net()->add_op() = std::move(op); }

std::string NodeImport::NewBlob(absl::string_view purpose) {
  std::string base = node_.op_type();
  for (const std::string& output : node_.output()) {
    if (output.empty()) continue;
    base = output;
    break;
  }
  return graph_->model()->NewName(absl::StrCat(base, "_", purpose));
}

void NodeImport::SetType(const std::string& blob, DataType type) {
  TensorInfo& info = graph_->model()->infos[blob];
  if (info.dtype == DataType::kUndefined) info.dtype = type;
}

void NodeImport::KeepType(int input) {
  for (int i = 0; i < OutputSize(); ++i) SetType(Output(i), dtype(input));
}

void NodeImport::AddWeight(const std::string& blob, Tensor value) {
  ModelImport* model = graph_->model();
  model->infos[blob] = {value.dtype(), Dims(value.dims().begin(), value.dims().end()), value};
  model->model.weights[blob] = std::move(value);
}

std::string NodeImport::Constant(absl::string_view purpose, Tensor value) {
  const std::string blob = NewBlob(purpose);
  AddWeight(blob, std::move(value));
  return blob;
}

void NodeImport::SetOutput(int i, Tensor value) { AddWeight(Output(i), std::move(value)); }

std::string NodeImport::ConstantInts(absl::string_view purpose,
                                     const std::vector<int64_t>& values) {
  const auto size = static_cast<int64_t>(values.size());
  absl::StatusOr<Tensor> tensor = Tensor::FromSpan<int64_t>({size}, values);
  if (tensor.ok()) return Constant(purpose, *std::move(tensor));
  if (status_.ok()) status_ = tensor.status();
  return NewBlob(purpose);
}

std::string NodeImport::ConstantInt(absl::string_view purpose, int64_t value) {
  absl::StatusOr<Tensor> tensor = Tensor::Scalar<int64_t>(value);
  if (tensor.ok()) return Constant(purpose, *std::move(tensor));
  if (status_.ok()) status_ = tensor.status();
  return NewBlob(purpose);
}

absl::Status NodeImport::Unsupported(absl::string_view why) {
  return absl::UnimplementedError(why);
}

absl::Status NodeImport::Finish(bool is_imported) {
  std::set<std::string> names;
  std::vector<std::string> unknown;
  for (const AttributeProto& attribute : node_.attribute()) {
    if (!names.insert(attribute.name()).second) {
      Fail(absl::StrCat("there are two attributes \"", attribute.name(), "\""));
    } else if (taken_.count(attribute.name()) == 0) {
      unknown.push_back(absl::StrCat("\"", attribute.name(), "\""));
    }
  }
  if (!status_.ok() || !is_imported) return status_;
  // What nobody asked for can not be part of what was made.
  if (std::any_of(inputs_.begin() + std::min(asked_inputs_, InputSize()), inputs_.end(), IsNamed)) {
    Fail(absl::StrCat("it has ", InputSize(), " inputs, but takes ", asked_inputs_));
  }
  if (std::any_of(outputs_.begin() + std::min(asked_outputs_, OutputSize()), outputs_.end(),
                  IsNamed)) {
    Fail(absl::StrCat("it has ", OutputSize(), " outputs, but makes ", asked_outputs_));
  }
  if (!status_.ok() || unknown.empty()) return status_;
  return absl::UnimplementedError(absl::StrCat(
      unknown.size() == 1 ? "the attribute " : "the attributes ", absl::StrJoin(unknown, ", "),
      " of ", node_.op_type(), unknown.size() == 1 ? " is" : " are", " not known"));
}

absl::Status RequireTypes(NodeImport& node, int input, const std::vector<DataType>& types) {
  const DataType dtype = node.dtype(input);
  if (dtype == DataType::kUndefined) return absl::OkStatus();
  std::vector<std::string> names;
  for (DataType type : types) {
    if (type == dtype) return absl::OkStatus();
    names.emplace_back(DataTypeName(type));
  }
  return absl::UnimplementedError(absl::StrCat("input ", input, " is ", DataTypeName(dtype),
                                               ", and only ", absl::StrJoin(names, ", "),
                                               names.size() == 1 ? " is" : " are", " supported"));
}

absl::Status ImportAs(NodeImport& node, absl::string_view type,
                      const std::vector<std::string>& int_attributes,
                      const std::vector<std::string>& float_attributes) {
  std::vector<Argument> args;
  for (const std::string& name : int_attributes) {
    if (node.HasAttribute(name)) args.push_back(MakeArgument(name, node.Int(name, 0)));
  }
  for (const std::string& name : float_attributes) {
    if (node.HasAttribute(name)) args.push_back(MakeArgument(name, node.Float(name, 0)));
  }
  const std::vector<std::string> inputs = node.Inputs();
  node.Op(type, inputs, node.Outputs(), args);
  return absl::OkStatus();
}

}  // namespace onnx
}  // namespace doppio
