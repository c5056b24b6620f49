#include "src/onnx/import/graph_import.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/op_def.h"
#include "src/graph/infer_op.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

// "node 3 \"conv1\" Conv(x, w) -> y".
std::string NodePlace(const NodeProto& node, int index) {
  return absl::StrCat("node ", index, " ", node.name().empty() ? "" : "\"", node.name(),
                      node.name().empty() ? "" : "\" ", node.op_type(), "(",
                      absl::StrJoin(node.input(), ", "), ") -> ",
                      absl::StrJoin(node.output(), ", "));
}

// What a declaration says of a tensor. A size that is not known is -1, as old exporters wrote it.
struct Declared {
  DataType dtype = DataType::kUndefined;
  std::optional<std::vector<int64_t>> sizes;

  std::optional<Dims> dims() const {
    if (!sizes.has_value() || std::count(sizes->begin(), sizes->end(), -1) > 0) return std::nullopt;
    return Dims(sizes->begin(), sizes->end());
  }
};

absl::StatusOr<Declared> DeclaredOf(const ValueInfoProto& value) {
  Declared declared;
  if (value.type().value_case() == TypeProto::VALUE_NOT_SET) return declared;
  if (!value.type().has_tensor_type()) {
    return absl::UnimplementedError("values that are no tensors");
  }
  const TypeProto::Tensor& type = value.type().tensor_type();
  if (type.elem_type() != TensorProto::UNDEFINED) {
    DOPPIO_ASSIGN_OR_RETURN(declared.dtype, DataTypeFromOnnx(type.elem_type()));
  }
  if (!type.has_shape()) return declared;
  if (type.shape().dim_size() > kMaxRank) {
    return absl::InvalidArgumentError(absl::StrCat("it has ", type.shape().dim_size(),
                                                   " dimensions, above the limit of ", kMaxRank));
  }
  declared.sizes.emplace();
  for (const auto& dim : type.shape().dim()) {
    const int64_t size = dim.has_dim_value() ? dim.dim_value() : -1;
    if (size < -1) return absl::InvalidArgumentError(absl::StrCat("it has a dimension of ", size));
    declared.sizes->push_back(size);
  }
  if (const std::optional<Dims> dims = declared.dims()) {
    DOPPIO_RETURN_IF_ERROR(NumElements(*dims).status());
  }
  return declared;
}

Declared KnownOf(const TensorInfo& info) {
  Declared known = {info.dtype, std::nullopt};
  if (info.dims.has_value()) known.sizes.emplace(info.dims->begin(), info.dims->end());
  return known;
}

bool Agrees(const Declared& declared, const TensorInfo& known) {
  if (declared.dtype != DataType::kUndefined && known.dtype != DataType::kUndefined &&
      declared.dtype != known.dtype) {
    return false;
  }
  return !declared.sizes.has_value() || !known.dims.has_value() ||
         std::equal(declared.sizes->begin(), declared.sizes->end(), known.dims->begin(),
                    known.dims->end(),
                    [](int64_t said, int64_t is) { return said == -1 || said == is; });
}

// "float[1,?]".
std::string TypeText(const Declared& type) {
  const std::string name =
      type.dtype == DataType::kUndefined ? "a tensor " : std::string(DataTypeName(type.dtype));
  if (!type.sizes.has_value()) return name;
  const auto append = [](std::string* out, int64_t size) {
    absl::StrAppend(out, size == -1 ? "?" : absl::StrCat(size));
  };
  return absl::StrCat(name, "[", absl::StrJoin(*type.sizes, ",", append), "]");
}

// The node with those attributes of the call in place of the names by which a function knows them.
NodeProto WithCallAttributes(NodeProto node,
                             const std::map<std::string, const AttributeProto*>& call) {
  auto* attributes = node.mutable_attribute();
  for (auto it = attributes->begin(); it != attributes->end();) {
    const auto given = it->has_ref_attr_name() ? call.find(it->ref_attr_name()) : call.end();
    if (given != call.end()) {
      const std::string name = it->name();
      *it = *given->second;
      it->set_name(name);
      it->clear_ref_attr_name();
    }
    // One that the call leaves out is left out here.
    it = it->has_ref_attr_name() ? attributes->erase(it) : std::next(it);
  }
  return node;
}

bool RefersToCall(const AttributeProto& attribute) { return attribute.has_ref_attr_name(); }

}  // namespace

GraphImport::GraphImport(GraphImport* around, const Opsets* opsets,
                         const CallAttributes* attributes, const std::string& what)
    : model_(around->model_),
      opsets_(opsets),
      around_(around),
      attributes_(attributes),
      where_(absl::StrCat(around->place_, ", ", what, ", ")),
      depth_(around->depth_ + 1) {}

absl::Status GraphImport::CheckDepth() const {
  if (depth_ < model_->limits.max_nesting) return absl::OkStatus();
  return absl::ResourceExhaustedError("functions and graphs are nested too deep");
}

int64_t GraphImport::OpsetOf(const std::string& domain) const {
  const auto found = opsets_->find(DomainOf(domain));
  return found == opsets_->end() ? 0 : found->second;
}

const std::string* GraphImport::FindBlob(const std::string& value) const {
  for (const GraphImport* graph = this; graph != nullptr; graph = graph->scope_) {
    const auto found = graph->blobs_.find(value);
    if (found != graph->blobs_.end()) return &found->second;
  }
  return nullptr;
}

bool GraphImport::IsMadeLater(const std::string& value) const {
  return later_.count(value) != 0 || (scope_ != nullptr && scope_->IsMadeLater(value));
}

absl::StatusOr<std::string> GraphImport::Define(const std::string& value) {
  if (value.empty()) return absl::InvalidArgumentError("a value has no name");
  if (blobs_.count(value) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("there are two values named \"", value, "\""));
  }
  const auto wanted = wanted_.find(value);
  std::string blob = value;
  if (wanted != wanted_.end()) {
    blob = wanted->second;
  } else if (!is_model()) {
    blob = model_->NewName(value);
  }
  blobs_[value] = blob;
  return blob;
}

void GraphImport::AddInput(const ValueInfoProto& input, const std::string& blob) {
  const absl::StatusOr<Declared> declared = DeclaredOf(input);
  if (!declared.ok()) {
    model_->AddProblem(declared.status(), absl::StrCat(where_, "input \"", input.name(), "\""));
    return;
  }
  TensorInfo& info = model_->infos[blob];
  info.dtype = declared->dtype;
  if (declared->sizes.has_value()) model_->ranks[blob] = static_cast<int>(declared->sizes->size());
  info.dims = declared->dims();
  std::vector<Argument> args;
  if (declared->dtype != DataType::kUndefined) {
    args.push_back(MakeArgument("dtype", std::string(DataTypeName(declared->dtype))));
  }
  if (declared->sizes.has_value()) args.push_back(MakeArgument("shape", *declared->sizes));
  if (!args.empty()) *net_.add_op() = CreateOperatorDef("EnforceShape", "", {blob}, {}, args);
}

void GraphImport::CompareWithDeclared(const ValueInfoProto& value, const char* kind) {
  const std::string where = absl::StrCat(where_, kind, " \"", value.name(), "\"");
  const absl::StatusOr<Declared> declared = DeclaredOf(value);
  if (!declared.ok()) {
    model_->AddProblem(declared.status(), where);
    return;
  }
  const std::string* blob = FindBlob(value.name());
  const auto known = blob == nullptr ? model_->infos.end() : model_->infos.find(*blob);
  if (known == model_->infos.end() || Agrees(*declared, known->second)) return;
  model_->AddProblem(
      absl::InvalidArgumentError(absl::StrCat("it is declared to be ", TypeText(*declared),
                                              ", but is ", TypeText(KnownOf(known->second)))),
      where);
}

void GraphImport::AddInitializers(const GraphProto& graph) {
  for (const SparseTensorProto& sparse : graph.sparse_initializer()) {
    model_->AddProblem(absl::UnimplementedError("sparse initializers"),
                       absl::StrCat(where_, "initializer \"", sparse.values().name(), "\""));
    blobs_.try_emplace(sparse.values().name(), sparse.values().name());
  }
  for (const TensorProto& proto : graph.initializer()) {
    const std::string where = absl::StrCat(where_, "initializer \"", proto.name(), "\"");
    const absl::StatusOr<std::string> blob = Define(proto.name());
    absl::StatusOr<Tensor> tensor = TensorFromOnnx(proto, model_->folder, model_->limits);
    if (!blob.ok()) model_->AddProblem(blob.status(), where);
    if (!tensor.ok()) model_->AddProblem(tensor.status(), where);
    if (!blob.ok() || !tensor.ok()) continue;
    model_->infos[*blob] = {tensor->dtype(), Dims(tensor->dims().begin(), tensor->dims().end()),
                            *tensor};
    model_->model.weights[*blob] = *std::move(tensor);
  }
}

void GraphImport::Infer() {
  if (around_ != nullptr) around_->Infer();
  for (; inferred_ < net_.op_size(); ++inferred_) {
    const OperatorDef& op = net_.op(inferred_);
    std::vector<TensorInfo> inputs;
    for (const std::string& input : op.input()) inputs.push_back(model_->infos[input]);
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    if (inference_.ok() && schema != nullptr) inference_ = schema->Verify(op);
    OpInference inferred = InferOp(op, schema, inputs);
    if (inference_.ok()) inference_ = inferred.status;
    for (int o = 0; o < op.output_size(); ++o) {
      // Importers may know more (NodeImport::SetType).
      TensorInfo& info = model_->infos[op.output(o)];
      TensorInfo& now = inferred.outputs[o];
      if (now.dtype != DataType::kUndefined) info.dtype = now.dtype;
      if (now.dims.has_value()) info.dims = std::move(now.dims);
      if (now.value.has_value()) info.value = std::move(now.value);
    }
  }
}

const TensorInfo& GraphImport::Info(const std::string& blob) {
  Infer();
  return model_->infos[blob];
}

absl::Status GraphImport::CallFunction(Function* function, const NodeProto& node,
                                       const std::vector<std::string>& inputs,
                                       const std::vector<std::string>& outputs) {
  const FunctionProto& proto = *function->proto;
  if (function->is_called) {
    return absl::InvalidArgumentError(absl::StrCat("function ", proto.name(), " calls itself"));
  }
  DOPPIO_RETURN_IF_ERROR(model_->CountRepeated(proto));
  if (proto.input_size() < static_cast<int>(inputs.size()) ||
      proto.output_size() < static_cast<int>(outputs.size())) {
    return absl::InvalidArgumentError(absl::StrCat("function ", proto.name(), " has ",
                                                   proto.input_size(), " inputs and ",
                                                   proto.output_size(), " outputs"));
  }
  CallAttributes attributes;
  std::set<std::string> known(proto.attribute().begin(), proto.attribute().end());
  for (const AttributeProto& attribute : proto.attribute_proto()) {
    known.insert(attribute.name());
    attributes[attribute.name()] = &attribute;  // the default
  }
  for (const AttributeProto& attribute : node.attribute()) {
    if (known.count(attribute.name()) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("function ", proto.name(), " has no attribute \"", attribute.name(), "\""));
    }
    attributes[attribute.name()] = &attribute;
  }

  GraphImport body(this, &function->opsets, &attributes, absl::StrCat("function ", proto.name()));
  DOPPIO_RETURN_IF_ERROR(body.CheckDepth());
  for (int i = 0; i < proto.input_size(); ++i) {
    const std::string given = i < static_cast<int>(inputs.size()) ? inputs[i] : "";
    if (!body.blobs_.emplace(proto.input(i), given).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "function ", proto.name(), " has two inputs named \"", proto.input(i), "\""));
    }
  }
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (outputs[o].empty()) continue;
    if (!body.wanted_.emplace(proto.output(static_cast<int>(o)), outputs[o]).second) {
      return absl::UnimplementedError(
          absl::StrCat("function ", proto.name(), " has one value as two outputs"));
    }
  }
  function->is_called = true;
  body.AddNodes(proto.node());
  function->is_called = false;
  for (OperatorDef& op : *body.net_.mutable_op()) *net_.add_op() = std::move(op);
  inferred_ = net_.op_size();  // of the body by itself
  for (const auto& [value, blob] : body.wanted_) {
    const std::string* made = body.FindBlob(value);
    if (made == nullptr || made->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("function ", proto.name(), " does not make its output \"", value, "\""));
    }
    if (*made != blob) {  // an input that is an output too
      *net_.add_op() = CreateOperatorDef("Copy", node.name(), {*made}, {blob});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> GraphImport::InputsOf(const NodeProto& node) const {
  std::vector<std::string> inputs;
  std::vector<std::string> problems;
  for (const std::string& value : node.input()) {
    const std::string* blob = value.empty() ? &value : FindBlob(value);
    if (blob != nullptr) {
      inputs.push_back(*blob);
    } else if (IsMadeLater(value)) {
      problems.push_back(absl::StrCat("\"", value, "\" is read before it is made: the graph has a ",
                                      "cycle, or its nodes are not sorted"));
    } else {
      problems.push_back(absl::StrCat("nothing makes \"", value, "\""));
    }
  }
  if (problems.empty()) return inputs;
  return absl::InvalidArgumentError(absl::StrJoin(problems, "; "));
}

absl::StatusOr<std::vector<std::string>> GraphImport::OutputsOf(const NodeProto& node) {
  std::vector<std::string> outputs;
  bool is_any = false;
  for (const std::string& value : node.output()) {
    outputs.emplace_back();
    if (value.empty()) continue;
    is_any = true;
    DOPPIO_ASSIGN_OR_RETURN(outputs.back(), Define(value));
  }
  if (is_any) return outputs;
  return absl::InvalidArgumentError("the node has no output");
}

absl::Status GraphImport::AddNode(const NodeProto& given) {
  if (++model_->nodes > model_->limits.max_operators) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the model has more nodes than the limit of ", model_->limits.max_operators));
  }
  const bool refers = std::any_of(given.attribute().begin(), given.attribute().end(), RefersToCall);
  if (refers && attributes_ == nullptr) {
    return absl::InvalidArgumentError("an attribute refers to one of a function, outside of any");
  }
  const NodeProto resolved = refers ? WithCallAttributes(given, *attributes_) : NodeProto();
  const NodeProto& node = refers ? resolved : given;
  DOPPIO_ASSIGN_OR_RETURN(std::vector<std::string> inputs, InputsOf(node));
  DOPPIO_ASSIGN_OR_RETURN(std::vector<std::string> outputs, OutputsOf(node));
  const std::string domain = DomainOf(node.domain());
  const auto function = model_->functions.find({domain, node.op_type(), node.overload()});
  if (function != model_->functions.end()) {
    return CallFunction(&function->second, node, inputs, outputs);
  }
  const NodeImporter importer = domain.empty() ? FindNodeImporter(node.op_type()) : nullptr;
  if (importer == nullptr) {
    return absl::UnimplementedError(
        domain.empty() ? absl::StrCat("ONNX's operator ", node.op_type(), " is not supported")
                       : absl::StrCat("operator ", node.op_type(), " of the domain \"", domain,
                                      "\" is not known, only those of ONNX itself are"));
  }
  if (opsets_->count("") == 0) {
    return absl::InvalidArgumentError("no version of ONNX's operators is imported");
  }
  NodeImport import(this, node, std::move(inputs), std::move(outputs));
  const absl::Status imported = importer(import);
  const absl::Status finished = import.Finish(imported.ok());
  return finished.ok() ? imported : finished;
}

void GraphImport::AddNodes(const Nodes& nodes) {
  for (const NodeProto& node : nodes) later_.insert(node.output().begin(), node.output().end());
  for (int i = 0; i < nodes.size(); ++i) {
    place_ = absl::StrCat(where_, NodePlace(nodes[i], i));
    absl::Status status = AddNode(nodes[i]);
    Infer();
    if (status.ok()) status = inference_;
    inference_ = absl::OkStatus();
    if (!status.ok()) model_->AddProblem(status, place_);
    // What a node makes that could not be translated is no problem of those that read it.
    for (const std::string& value : nodes[i].output()) {
      if (!value.empty()) blobs_.try_emplace(value, value);
    }
  }
}

absl::StatusOr<NetDef> GraphImport::Subgraph(const GraphProto& graph,
                                             std::vector<std::string>* inputs,
                                             std::vector<std::string>* outputs) {
  DOPPIO_RETURN_IF_ERROR(model_->CountRepeated(graph));
  GraphImport inner(this, opsets_, attributes_, absl::StrCat("graph \"", graph.name(), "\""));
  DOPPIO_RETURN_IF_ERROR(inner.CheckDepth());
  inner.scope_ = this;
  inner.net_.set_name(graph.name());
  inner.AddInitializers(graph);
  for (const ValueInfoProto& input : graph.input()) {
    DOPPIO_ASSIGN_OR_RETURN(const std::string blob, inner.Define(input.name()));
    inner.AddInput(input, blob);
    inputs->push_back(blob);
  }
  inner.AddNodes(graph.node());
  for (const ValueInfoProto& value : graph.value_info()) inner.CompareWithDeclared(value, "value");
  for (const ValueInfoProto& output : graph.output()) {
    const std::string* blob = inner.FindBlob(output.name());
    if (blob == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "graph \"", graph.name(), "\": nothing makes its output \"", output.name(), "\""));
    }
    inner.CompareWithDeclared(output, "output");
    outputs->push_back(*blob);
  }
  return std::move(inner.net_);
}

// Old models have all weights among their inputs too.
void GraphImport::AddInputs(const Values& inputs) {
  std::set<std::string> seen;
  for (const ValueInfoProto& input : inputs) {
    const std::string where = absl::StrCat("input \"", input.name(), "\"");
    if (!seen.insert(input.name()).second) {
      model_->AddProblem(absl::InvalidArgumentError("there are two inputs of that name"), where);
      continue;
    }
    if (blobs_.count(input.name()) != 0) {  // an initializer, the default of this input
      CompareWithDeclared(input, "input");
      continue;
    }
    const absl::StatusOr<std::string> blob = Define(input.name());
    if (!blob.ok()) {
      model_->AddProblem(blob.status(), where);
      continue;
    }
    AddInput(input, *blob);
    model_->model.inputs.push_back(*blob);
  }
}

void GraphImport::AddOutputs(const Values& outputs) {
  std::set<std::string> seen;
  for (const ValueInfoProto& output : outputs) {
    const std::string where = absl::StrCat("output \"", output.name(), "\"");
    if (FindBlob(output.name()) == nullptr) {
      model_->AddProblem(absl::InvalidArgumentError("nothing makes it"), where);
    }
    if (!seen.insert(output.name()).second) {
      model_->AddProblem(absl::InvalidArgumentError("there are two outputs of that name"), where);
    }
    CompareWithDeclared(output, "output");
    model_->model.outputs.push_back(output.name());
  }
  if (outputs.empty()) {
    model_->AddProblem(absl::InvalidArgumentError("the graph has no outputs"), "");
  }
}

void GraphImport::RemoveUnreadWeights() {
  Model& model = model_->model;
  std::set<std::string> read(model.outputs.begin(), model.outputs.end());
  for (const OperatorDef& op : net_.op()) {
    const OpBlobs blobs = BlobsOfOp(op);
    read.insert(blobs.reads.begin(), blobs.reads.end());
  }
  for (auto it = model.weights.begin(); it != model.weights.end();) {
    it = read.count(it->first) != 0 ? std::next(it) : model.weights.erase(it);
  }
}

void GraphImport::ImportModel() {
  const GraphProto& graph = model_->proto->graph();
  net_.set_name(graph.name().empty() ? "onnx" : graph.name());
  for (const ValueInfoProto& value : graph.input()) model_->names.insert(value.name());
  for (const TensorProto& tensor : graph.initializer()) model_->names.insert(tensor.name());
  for (const NodeProto& node : graph.node()) {
    model_->names.insert(node.output().begin(), node.output().end());
  }
  AddInitializers(graph);
  AddInputs(graph.input());
  AddNodes(graph.node());
  for (const ValueInfoProto& value : graph.value_info()) CompareWithDeclared(value, "value");
  AddOutputs(graph.output());
  if (model_->has_problems()) return;

  RemoveUnreadWeights();
  Model& model = model_->model;
  for (const std::string& input : model.inputs) net_.add_external_input(input);
  for (const auto& [name, tensor] : model.weights) net_.add_external_input(name);
  for (const std::string& output : model.outputs) net_.add_external_output(output);
  CheckOptions options;
  options.allow_unknown_inputs = false;
  options.limits = model_->limits;
  const absl::Status checked = ProblemsToStatus(CheckNet(net_, options));
  if (!checked.ok()) model_->AddProblem(checked, "");
  model.predict = std::move(net_);
}

}  // namespace onnx
}  // namespace doppio
