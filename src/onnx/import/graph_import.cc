#include "src/onnx/import/graph_import.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/onnx.h"
#include "src/graph/infer_op.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

// As much as a list of problems is of use.
constexpr size_t kShownProblems = 20;

// "node 3 \"conv1\" Conv(x, w) -> y".
std::string NodePlace(const NodeProto& node, int index) {
  return absl::StrCat("node ", index, " ", node.name().empty() ? "" : "\"", node.name(),
                      node.name().empty() ? "" : "\" ", node.op_type(), "(",
                      absl::StrJoin(node.input(), ", "), ") -> ",
                      absl::StrJoin(node.output(), ", "));
}

std::string DomainOf(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

// The attributes of a node in a function that stand for those of the call.
NodeProto Resolved(const NodeProto& node, const NodeProto& call) {
  NodeProto resolved = node;
  auto* attributes = resolved.mutable_attribute();
  for (auto it = attributes->begin(); it != attributes->end();) {
    if (!it->has_ref_attr_name()) {
      ++it;
      continue;
    }
    const auto given = std::find_if(
        call.attribute().begin(), call.attribute().end(),
        [&](const AttributeProto& attribute) { return attribute.name() == it->ref_attr_name(); });
    if (given == call.attribute().end()) {
      it = attributes->erase(it);
      continue;
    }
    const std::string name = it->name();
    *it = *given;
    it->set_name(name);
    ++it;
  }
  return resolved;
}

}  // namespace

std::string ModelImport::NewName(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !names.insert(name).second; ++i) name = absl::StrCat(wanted, "_", i);
  return name;
}

void ModelImport::AddProblem(const absl::Status& problem, const std::string& where) {
  all_unimplemented_ = all_unimplemented_ && absl::IsUnimplemented(problem);
  problems_.push_back(absl::StrCat(where, where.empty() ? "" : ": ", problem.message()));
}

absl::Status ModelImport::status() const {
  if (problems_.empty()) return absl::OkStatus();
  std::vector<std::string> shown = problems_;
  if (shown.size() > kShownProblems) {
    shown.resize(kShownProblems);
    shown.push_back(absl::StrCat("and ", problems_.size() - kShownProblems, " more"));
  }
  const std::string text = absl::StrJoin(shown, "\n");
  return all_unimplemented_ ? absl::UnimplementedError(text) : absl::InvalidArgumentError(text);
}

int64_t GraphImport::OpsetOf(const std::string& domain) const {
  const auto found = opsets_->find(DomainOf(domain));
  return found == opsets_->end() ? 0 : found->second;
}

const std::string* GraphImport::FindBlob(const std::string& value) const {
  const auto found = blobs_.find(value);
  if (found != blobs_.end()) return &found->second;
  return parent_ == nullptr ? nullptr : parent_->FindBlob(value);
}

absl::StatusOr<std::string> GraphImport::Define(const std::string& value) {
  if (blobs_.count(value) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("there are two values named \"", value, "\""));
  }
  const auto wanted = wanted_.find(value);
  std::string blob = value;
  if (wanted != wanted_.end()) {
    blob = wanted->second;
  } else if (model_->made.count(value) != 0) {
    blob = model_->NewName(value);
  }
  model_->made.insert(blob);
  blobs_[value] = blob;
  return blob;
}

void GraphImport::Declare(const ValueInfoProto& info, const std::string& blob) {
  if (!info.type().has_tensor_type()) return;
  const TypeProto::Tensor& type = info.type().tensor_type();
  TensorInfo known;
  const absl::StatusOr<DataType> dtype = DataTypeFromOnnx(type.elem_type());
  if (dtype.ok()) known.dtype = *dtype;
  if (type.has_shape()) {
    Dims dims;
    for (const auto& dim : type.shape().dim()) {
      if (dim.has_dim_value() && dim.dim_value() >= 0) dims.push_back(dim.dim_value());
    }
    if (static_cast<int>(dims.size()) == type.shape().dim_size()) known.dims = dims;
    model_->ranks[blob] = type.shape().dim_size();
  }
  TensorInfo& there = model_->infos[blob];
  if (there.dtype == DataType::kUndefined) there.dtype = known.dtype;
  if (!there.dims.has_value()) there.dims = known.dims;
}

void GraphImport::AddInitializers(const GraphProto& graph) {
  for (int i = 0; i < graph.sparse_initializer_size(); ++i) {
    model_->AddProblem(
        absl::UnimplementedError("sparse initializers"),
        absl::StrCat("initializer \"", graph.sparse_initializer(i).values().name(), "\""));
  }
  for (const TensorProto& proto : graph.initializer()) {
    const std::string where = absl::StrCat("initializer \"", proto.name(), "\"");
    const absl::StatusOr<std::string> blob = Define(proto.name());
    absl::StatusOr<Tensor> tensor = TensorFromOnnx(proto, model_->folder, model_->limits);
    if (!blob.ok() || !tensor.ok()) {
      model_->AddProblem(blob.ok() ? tensor.status() : blob.status(), where);
      continue;
    }
    model_->infos[*blob] = {tensor->dtype(), Dims(tensor->dims().begin(), tensor->dims().end()),
                            *tensor};
    model_->model.weights[*blob] = *std::move(tensor);
  }
}

absl::Status GraphImport::Infer() {
  absl::Status status;
  for (; inferred_ < net_.op_size(); ++inferred_) {
    const OperatorDef& op = net_.op(inferred_);
    std::vector<TensorInfo> inputs;
    for (const std::string& input : op.input()) inputs.push_back(model_->infos[input]);
    OpInference inferred = InferOp(op, OpSchemaRegistry::Schema(op.type()), inputs);
    if (status.ok()) status = inferred.status;
    for (int o = 0; o < op.output_size(); ++o) {
      TensorInfo& info = model_->infos[op.output(o)];
      TensorInfo& now = inferred.outputs[o];
      // What was declared stays where nothing is inferred.
      if (now.dtype != DataType::kUndefined) info.dtype = now.dtype;
      if (now.dims.has_value()) info.dims = std::move(now.dims);
      if (now.value.has_value()) info.value = std::move(now.value);
    }
  }
  return status;
}

const TensorInfo& GraphImport::Info(const std::string& blob) {
  Infer().IgnoreError();  // AddNode asks again
  if (parent_ != nullptr) parent_->Infer().IgnoreError();
  return model_->infos[blob];
}

absl::Status GraphImport::CallFunction(const FunctionProto& function, const NodeProto& node,
                                       const std::vector<std::string>& inputs,
                                       const std::vector<std::string>& outputs) {
  if (depth_ >= model_->limits.max_nesting) {
    return absl::ResourceExhaustedError("functions and graphs are nested too deep");
  }
  Opsets opsets;
  for (const OperatorSetIdProto& opset : function.opset_import()) {
    opsets[DomainOf(opset.domain())] = opset.version();
  }
  if (opsets.empty()) opsets = *opsets_;
  GraphImport body(model_, &opsets, nullptr);
  body.depth_ = depth_ + 1;
  for (int i = 0; i < function.input_size(); ++i) {
    const bool is_given = i < static_cast<int>(inputs.size());
    if (is_given && !inputs[i].empty()) body.blobs_[function.input(i)] = inputs[i];
  }
  for (int o = 0; o < function.output_size() && o < static_cast<int>(outputs.size()); ++o) {
    if (!outputs[o].empty()) body.wanted_[function.output(o)] = outputs[o];
  }
  Nodes nodes;
  for (const NodeProto& inner : function.node()) *nodes.Add() = Resolved(inner, node);
  body.AddNodes(nodes);
  for (OperatorDef& op : *body.net_.mutable_op()) *net_.add_op() = std::move(op);
  for (const auto& [value, blob] : body.wanted_) {
    const std::string* made = body.FindBlob(value);
    if (made == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("function ", function.name(), " does not make its output \"", value, "\""));
    }
    if (*made != blob) {  // an input that is an output too
      *net_.add_op() = CreateOperatorDef("Copy", "", {*made}, {blob});
    }
  }
  return absl::OkStatus();
}

absl::Status GraphImport::AddNode(const NodeProto& node) {
  if (++model_->nodes > model_->limits.max_operators) {
    return absl::ResourceExhaustedError("more nodes than the limit");
  }
  std::vector<std::string> inputs;
  for (const std::string& value : node.input()) {
    if (value.empty()) {
      inputs.emplace_back();
      continue;
    }
    const std::string* blob = FindBlob(value);
    if (blob == nullptr) {
      return absl::InvalidArgumentError(
          later_.count(value) != 0
              ? absl::StrCat("\"", value,
                             "\" is read before it is made: the graph has a cycle, or ",
                             "its nodes are not sorted")
              : absl::StrCat("nothing makes \"", value, "\""));
    }
    inputs.push_back(*blob);
  }
  absl::Status defined;
  std::vector<std::string> outputs;
  for (const std::string& value : node.output()) {
    if (value.empty()) {
      outputs.emplace_back();
      continue;
    }
    const absl::StatusOr<std::string> blob = Define(value);
    if (!blob.ok()) return blob.status();
    outputs.push_back(*blob);
  }
  const std::string domain = DomainOf(node.domain());
  for (const FunctionProto& function : model_->proto->functions()) {
    if (DomainOf(function.domain()) == domain && function.name() == node.op_type()) {
      return CallFunction(function, node, inputs, outputs);
    }
  }
  if (!domain.empty()) {
    return absl::UnimplementedError(
        absl::StrCat("the domain \"", domain, "\" is not known, only that of ONNX itself is"));
  }
  const NodeImporter importer = FindNodeImporter(node.op_type());
  if (importer == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("ONNX's operator ", node.op_type(), " is not supported"));
  }
  NodeImport import(this, node, std::move(inputs), std::move(outputs));
  DOPPIO_RETURN_IF_ERROR(importer(import));
  DOPPIO_RETURN_IF_ERROR(import.Finish());
  return Infer();
}

void GraphImport::AddNodes(const Nodes& nodes) {
  for (const NodeProto& node : nodes) later_.insert(node.output().begin(), node.output().end());
  for (int i = 0; i < nodes.size(); ++i) {
    const absl::Status status = AddNode(nodes[i]);
    if (!status.ok()) model_->AddProblem(status, NodePlace(nodes[i], i));
    // What a node makes that could not be translated is no problem of those that read it.
    for (const std::string& value : nodes[i].output()) {
      if (!value.empty()) blobs_.try_emplace(value, value);
    }
  }
}

absl::StatusOr<NetDef> GraphImport::Subgraph(const GraphProto& graph,
                                             std::vector<std::string>* inputs,
                                             std::vector<std::string>* outputs) {
  if (depth_ >= model_->limits.max_nesting) {
    return absl::ResourceExhaustedError("functions and graphs are nested too deep");
  }
  GraphImport inner(model_, opsets_, this);
  inner.net_.set_name(graph.name());
  inner.AddInitializers(graph);
  for (const ValueInfoProto& input : graph.input()) {
    DOPPIO_ASSIGN_OR_RETURN(const std::string blob, inner.Define(input.name()));
    inner.Declare(input, blob);
    inputs->push_back(blob);
  }
  inner.AddNodes(graph.node());
  for (const ValueInfoProto& output : graph.output()) {
    const std::string* blob = inner.FindBlob(output.name());
    if (blob == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "graph \"", graph.name(), "\": nothing makes its output \"", output.name(), "\""));
    }
    outputs->push_back(*blob);
  }
  return std::move(inner.net_);
}

void GraphImport::ImportModel() {
  const GraphProto& graph = model_->proto->graph();
  net_.set_name(graph.name().empty() ? "onnx" : graph.name());
  AddInitializers(graph);
  std::set<std::string> initialized;
  for (const TensorProto& initializer : graph.initializer()) initialized.insert(initializer.name());
  for (const ValueInfoProto& input : graph.input()) {
    if (initialized.count(input.name()) != 0) continue;  // a default, as old versions wrote weights
    const std::string where = absl::StrCat("input \"", input.name(), "\"");
    if (!input.type().has_tensor_type() && input.has_type()) {
      model_->AddProblem(absl::UnimplementedError("is no tensor"), where);
    } else if (const int32_t type = input.type().tensor_type().elem_type(); type != 0) {
      const absl::StatusOr<DataType> dtype = DataTypeFromOnnx(type);
      if (!dtype.ok()) model_->AddProblem(dtype.status(), where);
    }
    const absl::StatusOr<std::string> blob = Define(input.name());
    if (!blob.ok()) {
      model_->AddProblem(blob.status(), where);
      continue;
    }
    Declare(input, *blob);
    model_->model.inputs.push_back(*blob);
  }
  for (const ValueInfoProto& info : graph.value_info()) Declare(info, info.name());
  for (const ValueInfoProto& info : graph.output()) Declare(info, info.name());
  AddNodes(graph.node());
  for (const ValueInfoProto& output : graph.output()) {
    if (FindBlob(output.name()) == nullptr) {
      model_->AddProblem(absl::InvalidArgumentError("nothing makes it"),
                         absl::StrCat("output \"", output.name(), "\""));
    }
    model_->model.outputs.push_back(output.name());
  }
  if (graph.output_size() == 0) {
    model_->AddProblem(absl::InvalidArgumentError("the graph has no outputs"), "");
  }

  Model& model = model_->model;
  std::set<std::string> read(model.outputs.begin(), model.outputs.end());
  for (const OperatorDef& op : net_.op()) {
    const OpBlobs blobs = BlobsOfOp(op);
    read.insert(blobs.reads.begin(), blobs.reads.end());
  }
  for (auto it = model.weights.begin(); it != model.weights.end();) {
    it = read.count(it->first) != 0 ? std::next(it) : model.weights.erase(it);
  }
  for (const std::string& input : model.inputs) net_.add_external_input(input);
  for (const auto& [name, tensor] : model.weights) net_.add_external_input(name);
  for (const std::string& output : model.outputs) net_.add_external_output(output);
  model.predict = std::move(net_);
}

}  // namespace onnx
}  // namespace doppio
