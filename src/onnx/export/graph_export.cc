#include "src/onnx/export/graph_export.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/op_def.h"
#include "doppio/workspace.h"
#include "src/graph/infer_op.h"
#include "src/graph/ssa.h"
#include "src/onnx/onnx_tensor.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace onnx {
namespace {

// Sizes that stand for one that is not known. What is the same for all of them does not depend on
// it. The first dimension is mostly the batch. Images must be large enough for their windows, so
// the last sizes count only where something can be inferred of them; they are small, since what is
// cut to a size is the same for all that are larger.
struct TrialSizes {
  int64_t first;
  int64_t other;
};
constexpr TrialSizes kTrials[] = {{2, 224}, {3, 331}, {97, 1021}, {1, 1}};

bool HasOpenSize(const TensorInfo& info) {
  return info.dims.has_value() && std::count(info.dims->begin(), info.dims->end(), -1) > 0;
}

TensorInfo WithSizes(TensorInfo info, const TrialSizes& sizes) {
  if (!info.dims.has_value()) return info;
  for (size_t d = 0; d < info.dims->size(); ++d) {
    if ((*info.dims)[d] == -1) (*info.dims)[d] = d == 0 ? sizes.first : sizes.other;
  }
  return info;
}

bool HaveSameElements(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return false;
  if (a.Is<std::string>()) return a.span<std::string>() == b.span<std::string>();
  return a.bytes() == 0 || std::memcmp(a.raw_data(), b.raw_data(), a.bytes()) == 0;
}

// What all trials have in common. What has no elements is constant.
ValueInfo Merge(std::vector<const TensorInfo*> trials) {
  if (!trials.back()->IsKnown()) trials.pop_back();
  ValueInfo merged{trials[0]->dtype, trials[0]->dims, trials[0]->value};
  for (const TensorInfo* trial : trials) {
    if (trial->dtype != merged.dtype) merged.dtype = DataType::kUndefined;
    if (!merged.dims.has_value() || !trial->dims.has_value() ||
        trial->dims->size() != merged.dims->size()) {
      merged.dims.reset();
    } else {
      for (size_t d = 0; d < merged.dims->size(); ++d) {
        if ((*merged.dims)[d] != (*trial->dims)[d]) (*merged.dims)[d] = -1;
      }
    }
    if (!merged.value.has_value() || !trial->value.has_value() ||
        !HaveSameElements(*merged.value, *trial->value)) {
      merged.value.reset();
    }
  }
  if (merged.dtype != DataType::kUndefined && IsFixed(merged) && !merged.value.has_value() &&
      std::count(merged.dims->begin(), merged.dims->end(), 0) > 0) {
    absl::StatusOr<Tensor> empty = Tensor::Create(merged.dtype, *merged.dims);
    if (empty.ok()) merged.value = *std::move(empty);
  }
  return merged;
}

// What a convolution with that filter takes.
std::optional<Dims> ImagesOf(const OperatorDef& op, const Tensor& filter) {
  if (filter.rank() < 3) return std::nullopt;
  Dims dims(filter.rank(), -1);
  ArgumentReader arguments(op, nullptr);
  const int64_t channels =
      op.type() == "ConvTranspose" ? filter.dim(0)
      : IsChannelsFirst(op)
          ? filter.dim(1) * arguments.GetSingleArgument<int64_t>("group", 1)
          : filter.dim(filter.rank() - 1) * arguments.GetSingleArgument<int64_t>("group", 1);
  (IsChannelsFirst(op) ? dims[1] : dims.back()) = channels;
  return dims;
}

// What the first operator that reads a blob says about it, or EnforceShape, if there is one.
TensorInfo AskedFor(const std::string& blob, const Model& model) {
  TensorInfo info{DataType::kFloat, std::nullopt, std::nullopt};
  for (const OperatorDef& op : model.predict.op()) {
    if (op.type() != "EnforceShape" || op.input(0) != blob) continue;
    ArgumentReader arguments(op, nullptr);
    info.dtype = arguments.GetDataTypeArgument("dtype", info.dtype);
    if (!arguments.HasArgument("shape")) return info;
    const std::vector<int64_t> shape = arguments.GetRepeatedArgument<int64_t>("shape");
    info.dims.emplace(shape.begin(), shape.end());
    return info;
  }
  for (const OperatorDef& op : model.predict.op()) {
    if (op.input_size() == 0 || std::count(op.input().begin(), op.input().end(), blob) == 0) {
      continue;
    }
    if (op.input(0) != blob) break;
    if (op.type() == "PackedInt8BGRANHWCToNCHWCStylizerPreprocess") {
      return {DataType::kUInt8, Dims{-1, -1, -1, 4}, std::nullopt};
    }
    const auto filter = op.input_size() > 1 ? model.weights.find(op.input(1)) : model.weights.end();
    if (absl::StartsWith(op.type(), "Conv") && filter != model.weights.end()) {
      info.dims = ImagesOf(op, filter->second);
    }
    break;
  }
  return info;
}

// Types do not depend on shapes: where a shape is not known, one that goes through tells them.
void InferTypes(const OperatorDef& def, const OpSchema* schema, std::vector<TensorInfo> inputs,
                std::vector<TensorInfo>* outputs) {
  if (outputs->empty() || (*outputs)[0].dtype != DataType::kUndefined) return;
  std::vector<size_t> open;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype == DataType::kUndefined) return;
    if (!inputs[i].dims.has_value()) open.push_back(i);
  }
  for (const Dims& dims : {Dims{1}, Dims{1, 1}, Dims{1, 1, 1}, Dims{1, 1, 1, 1}}) {
    for (const size_t i : open) inputs[i].dims = dims;
    const OpInference tried = InferOp(def, schema, inputs);
    if (!tried.status.ok() || tried.outputs[0].dtype == DataType::kUndefined) continue;
    for (size_t o = 0; o < outputs->size(); ++o) (*outputs)[o].dtype = tried.outputs[o].dtype;
    return;
  }
}

// Operators list as outputs what nets inside them write.
NetDef WithInnerWrites(NetDef net) {
  for (OperatorDef& op : *net.mutable_op()) {
    if (!HasNets(op)) continue;
    const std::vector<std::string> writes = BlobsOfOp(op).writes;
    for (const std::string& blob : std::set<std::string>(writes.begin(), writes.end())) {
      if (std::count(op.output().begin(), op.output().end(), blob) == 0) op.add_output(blob);
    }
  }
  return net;
}

void CollectReads(const GraphProto& graph, std::set<std::string>* read) {
  for (const NodeProto& node : graph.node()) {
    read->insert(node.input().begin(), node.input().end());
    for (const AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) CollectReads(attribute.g(), read);
    }
  }
}

bool HasSideEffects(const OperatorDef& def) {
  const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
  if (schema == nullptr || schema->has_side_effects()) return true;
  for (const Argument& arg : def.arg()) {
    if (std::any_of(arg.n().op().begin(), arg.n().op().end(), HasSideEffects)) return true;
  }
  return false;
}

}  // namespace

GraphExport::GraphExport(const Model& model, const OnnxOptions& options)
    : options_(options),
      model_(&model),
      net_(WithInnerWrites(model.predict)),
      outputs_(model.outputs),
      names_(std::make_shared<Names>()) {
  NoteWrites();
  for (const OperatorDef& op : net_.op()) {
    const OpBlobs blobs = BlobsOfOp(op);
    names_->values.insert(blobs.reads.begin(), blobs.reads.end());
    names_->values.insert(blobs.writes.begin(), blobs.writes.end());
  }
  names_->values.insert(model.inputs.begin(), model.inputs.end());
  names_->values.insert(model.outputs.begin(), model.outputs.end());
}

GraphExport::GraphExport(const GraphExport& around, const NetDef& net,
                         std::vector<std::string> outputs)
    : options_(around.options_),
      net_(WithInnerWrites(net)),
      outputs_(std::move(outputs)),
      names_(around.names_),
      values_(around.values_),
      trials_(around.trials_),
      has_open_size_(around.has_open_size_),
      infos_(around.infos_) {
  NoteWrites();
  // A value of the graph around it has its name already.
  for (const auto& [blob, value] : around.values_) from_outside_.insert(blob);
  for (const auto& [blob, index] : last_writes_) from_outside_.insert(blob);
}

void GraphExport::NoteWrites() {
  for (int i = 0; i < net_.op_size(); ++i) {
    for (const std::string& blob : net_.op(i).output()) last_writes_[blob] = i;
  }
}

std::string GraphExport::Unique(const std::string& wanted, std::set<std::string>* taken) {
  std::string name = wanted;
  for (int i = 1; !taken->insert(name).second; ++i) name = absl::StrCat(wanted, "_", i);
  return name;
}

NodeProto* GraphExport::AddNode(const std::string& name) {
  NodeProto* node = graph_.add_node();
  if (!name.empty()) node->set_name(Unique(name, &names_->nodes));
  return node;
}

void GraphExport::SetOutput(int output, DataType dtype, std::optional<Dims> dims) {
  output_infos_[output] = {dtype, std::move(dims), std::nullopt};
}

void GraphExport::AddInitializer(const std::string& name, const Tensor& tensor) {
  TensorProto* initializer = graph_.add_initializer();
  *initializer = TensorToOnnx(tensor);
  initializer->set_name(name);
}

const ValueInfo& GraphExport::Info(const std::string& blob) const {
  static const auto* const unknown = new ValueInfo;
  const auto found = infos_.find(blob);
  return found == infos_.end() ? *unknown : found->second;
}

ValueInfoProto GraphExport::Declared(const std::string& name, const ValueInfo& info) {
  ValueInfoProto declared;
  declared.set_name(name);
  TypeProto::Tensor* type = declared.mutable_type()->mutable_tensor_type();
  type->set_elem_type(DataTypeToOnnx(info.dtype));
  if (!info.dims.has_value()) return declared;
  TensorShapeProto* shape = type->mutable_shape();
  for (const int64_t size : *info.dims) {
    auto* dim = shape->add_dim();
    if (size >= 0) dim->set_dim_value(size);
  }
  return declared;
}

absl::Status GraphExport::AddInputs() {
  BlobInfos given;
  for (const std::string& name : model_->inputs) {
    const auto option = options_.inputs.find(name);
    TensorInfo info = option == options_.inputs.end() ? AskedFor(name, *model_) : option->second;
    if (info.dtype == DataType::kUndefined) info.dtype = DataType::kFloat;
    info.value.reset();
    has_open_size_ = has_open_size_ || HasOpenSize(info) || !info.dims.has_value();
    given[name] = std::move(info);
  }
  for (const auto& [name, info] : options_.inputs) {
    if (given.count(name) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", name, "\" is no input of the model: ", absl::StrJoin(model_->inputs, ", ")));
    }
  }
  for (const TrialSizes& sizes : kTrials) {
    BlobInfos infos;
    for (const auto& [name, info] : given) infos[name] = WithSizes(info, sizes);
    for (const auto& [name, tensor] : model_->weights) {
      infos[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), tensor};
    }
    trials_.push_back(std::move(infos));
  }
  for (const auto& [name, first] : trials_[0]) {
    values_[name] = name;
    from_outside_.insert(name);
    std::vector<const TensorInfo*> all;
    for (const BlobInfos& trial : trials_) all.push_back(&trial.find(name)->second);
    infos_[name] = Merge(all);
    if (std::count(outputs_.begin(), outputs_.end(), name) > 0 && last_writes_.count(name) != 0) {
      problems_.Add(net_,
                    absl::StrCat("\"", name, "\" is read from outside, written and an output, ",
                                 "which in ONNX would be two values of one name"));
    }
  }
  for (const std::string& name : model_->inputs) {
    *graph_.add_input() = Declared(name, infos_[name]);
  }
  return absl::OkStatus();
}

absl::Status GraphExport::Infer(const OperatorDef& def, std::vector<BlobInfos>* made) {
  const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
  absl::Status status;
  for (const BlobInfos& trial : trials_) {
    std::vector<TensorInfo> inputs;
    for (const std::string& input : def.input()) {
      const auto found = trial.find(input);
      inputs.push_back(found == trial.end() ? TensorInfo() : found->second);
    }
    OpInference inferred = InferOp(def, schema, inputs);
    status.Update(inferred.status);
    InferTypes(def, schema, inputs, &inferred.outputs);
    BlobInfos infos;
    for (int o = 0; o < def.output_size(); ++o) {
      infos[def.output(o)] = std::move(inferred.outputs[o]);
    }
    made->push_back(std::move(infos));
  }
  output_infos_.clear();
  for (const std::string& output : def.output()) {
    std::vector<const TensorInfo*> all;
    for (const BlobInfos& infos : *made) all.push_back(&infos.find(output)->second);
    output_infos_.push_back(Merge(all));
  }
  // Where sizes are made up, what does not go together may be their fault.
  return has_open_size_ ? absl::OkStatus() : status;
}

bool GraphExport::Fold(const OperatorDef& def, const std::vector<bool>& wanted) {
  bool is_known = true;
  for (int o = 0; o < def.output_size(); ++o) {
    is_known = is_known && (!wanted[o] || output_infos_[o].value.has_value());
  }
  if (is_known) return true;
  const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
  if (schema == nullptr || schema->has_side_effects() || HasNets(def)) return false;
  Workspace workspace;
  for (const std::string& input : def.input()) {
    const ValueInfo& info = Info(input);
    if (!info.value.has_value() || !workspace.Feed(input, *info.value).ok()) return false;
  }
  if (!workspace.RunOperatorOnce(def).ok()) return false;
  for (int o = 0; o < def.output_size(); ++o) {
    if (!wanted[o]) continue;
    absl::StatusOr<Tensor> tensor = workspace.Fetch(def.output(o));
    if (!tensor.ok()) return false;
    output_infos_[o] = {tensor->dtype(), Dims(tensor->dims().begin(), tensor->dims().end()),
                        *std::move(tensor)};
  }
  return true;
}

std::vector<std::string> GraphExport::NamesFor(const OperatorDef& def, int index) {
  std::vector<std::string> names;
  for (const std::string& blob : def.output()) {
    const bool is_last = from_outside_.count(blob) == 0 && last_writes_[blob] == index;
    names.push_back(is_last ? blob : NewName(blob));
  }
  return names;
}

absl::Status GraphExport::AddOp(int index, const std::vector<bool>& wanted) {
  const OperatorDef& def = net_.op(index);
  std::vector<BlobInfos> made;
  const absl::Status inferred = Infer(def, &made);
  std::vector<std::string> inputs;
  for (const std::string& blob : def.input()) inputs.push_back(values_[blob]);
  const std::vector<std::string> outputs = NamesFor(def, index);
  absl::Status status = inferred;
  if (status.ok()) status = CheckTypes(def);
  if (status.ok() && Fold(def, wanted)) {
    for (int o = 0; o < def.output_size(); ++o) {
      if (wanted[o]) AddInitializer(outputs[o], *output_infos_[o].value);
    }
  } else if (status.ok()) {
    const OpExporter exporter = FindOpExporter(def.type());
    OpExport op(this, def, inputs, outputs, wanted);
    status =
        exporter == nullptr ? OpExport::Unsupported("ONNX has no counterpart of it") : exporter(op);
    if (status.ok()) status = op.Finish();
  }
  for (int o = 0; o < def.output_size(); ++o) {
    const std::string& blob = def.output(o);
    const ValueInfo& info = output_infos_[o];
    values_[blob] = outputs[o];
    infos_[blob] = info;
    for (size_t t = 0; t < trials_.size(); ++t) {
      TensorInfo& tried = made[t][blob];
      if (!tried.IsKnown() || info.value.has_value()) {
        tried = WithSizes({info.dtype, info.dims, info.value}, kTrials[t]);
        has_open_size_ =
            has_open_size_ || HasOpenSize({info.dtype, info.dims, {}}) || !info.dims.has_value();
      }
      trials_[t][blob] = std::move(tried);
    }
  }
  return status;
}

absl::Status GraphExport::CheckTypes(const OperatorDef& def) const {
  constexpr int kBFloat16Since = 13;
  bool has_bfloat16 = false;
  for (const std::string& input : def.input()) {
    has_bfloat16 = has_bfloat16 || Info(input).dtype == DataType::kBFloat16;
  }
  for (const ValueInfo& info : output_infos_) {
    has_bfloat16 = has_bfloat16 || info.dtype == DataType::kBFloat16;
  }
  if (!has_bfloat16 || opset() >= kBFloat16Since) return absl::OkStatus();
  return OpExport::Unsupported(
      absl::StrCat("ONNX computes with bfloat16 from opset ", kBFloat16Since, " on"));
}

std::vector<std::vector<bool>> GraphExport::FindWanted() const {
  std::vector<std::vector<bool>> wanted(net_.op_size());
  std::set<std::string> live(outputs_.begin(), outputs_.end());
  for (int i = net_.op_size() - 1; i >= 0; --i) {
    const OperatorDef& def = net_.op(i);
    bool is_needed = HasSideEffects(def);
    for (const std::string& output : def.output()) {
      wanted[i].push_back(live.count(output) != 0);
      is_needed = is_needed || wanted[i].back();
    }
    if (!is_needed) {
      wanted[i].clear();
      continue;
    }
    if (!HasNets(def)) {  // which may write or not
      for (const std::string& output : def.output()) live.erase(output);
    }
    const OpBlobs blobs = BlobsOfOp(def);
    live.insert(blobs.reads.begin(), blobs.reads.end());
  }
  return wanted;
}

void GraphExport::AddOutputs() {
  for (const std::string& blob : outputs_) {
    const ValueInfo& info = Info(blob);
    std::string name = values_[blob];
    if (name.empty()) {
      problems_.Add(net_, absl::StrCat("\"", blob, "\" is not made in all cases"));
    } else if (info.dtype == DataType::kUndefined && problems_.size() == 0) {
      problems_.Add(net_, absl::StrCat("the type of the output \"", blob, "\" is not known: ",
                                       "give the types and shapes of the inputs"));
    }
    if (model_ == nullptr) {  // a graph inside an operator makes its outputs itself
      NodeProto* copy = AddNode("");
      copy->set_op_type("Identity");
      copy->add_input(name);
      name = NewName(blob);
      copy->add_output(name);
    }
    *graph_.add_output() = Declared(name, info);
  }
}

void GraphExport::AddWeights() {
  std::set<std::string> read(outputs_.begin(), outputs_.end());
  CollectReads(graph_, &read);
  for (const auto& [name, tensor] : model_->weights) {
    if (read.count(name) != 0) AddInitializer(name, tensor);
  }
}

absl::StatusOr<GraphProto> GraphExport::Export() {
  graph_.set_name(net_.name().empty() ? "net" : net_.name());
  if (model_ != nullptr) DOPPIO_RETURN_IF_ERROR(AddInputs());
  const std::vector<std::vector<bool>> wanted = FindWanted();
  for (int i = 0; i < net_.op_size(); ++i) {
    // Nobody asks for anything that it makes.
    if (wanted[i].empty() && net_.op(i).output_size() > 0) continue;
    const absl::Status status = AddOp(i, wanted[i]);
    if (!status.ok()) problems_.Add(net_, i, std::string(status.message()));
  }
  AddOutputs();
  const std::vector<NetProblem> problems = problems_.Take();
  if (!problems.empty()) {
    return absl::UnimplementedError(
        absl::StrJoin(problems, "\n", [](std::string* text, const NetProblem& problem) {
          absl::StrAppend(text, problem.ToString());
        }));
  }
  if (model_ != nullptr) AddWeights();
  return std::move(graph_);
}

}  // namespace onnx
}  // namespace doppio
