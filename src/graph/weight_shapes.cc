#include "doppio/weight_shapes.h"

#include <algorithm>
#include <set>

#include "doppio/registry.h"
#include "src/graph/infer_op.h"
#include "src/graph/net_text.h"
#include "src/graph/weight_rules.h"
#include "src/graph/width_ties.h"

namespace doppio {
namespace {

// Goes through a net in its order, and through the nets in it.
class Walk {
 public:
  Walk(const BlobInfos& known, const PublishedWidths* widths) : widths_(widths) {
    result_.blobs = known;
  }

  absl::Status Net(const NetDef& net, int depth) {
    for (int k = 0; k < net.op_size(); ++k) {
      DOPPIO_RETURN_IF_ERROR(Op(net, k, depth));
      for (const Argument& argument : net.op(k).arg()) {
        if (argument.has_n()) DOPPIO_RETURN_IF_ERROR(Net(argument.n(), depth + 1));
        for (const NetDef& inner : argument.nets()) {
          DOPPIO_RETURN_IF_ERROR(Net(inner, depth + 1));
        }
      }
    }
    return absl::OkStatus();
  }

  NetShapes Finish() {
    for (const std::string& blob : missing_) {
      if (!result_.blobs[blob].IsKnown())
        result_.unknown.push_back({blob, why_[blob], made_.count(blob) == 0});
    }
    return std::move(result_);
  }

 private:
  // A width that was looked up, and where it is from.
  struct Width {
    int input = 0;
    int64_t outputs = 0;
    std::string from;
    bool is_published = false;
    bool is_guess = false;
  };

  absl::Status Op(const NetDef& net, int k, int depth) {
    const OperatorDef& def = net.op(k);
    const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
    NetShapes::Op op;
    op.def = &def;
    op.depth = depth;
    for (const std::string& input : def.input()) {
      op.inputs.push_back(result_.blobs[input]);
      if (!op.inputs.back().IsKnown() && made_.count(input) == 0) Miss(input, net, k);
    }
    FindWeights(net, k, schema, &op.inputs);
    OpInference inferred = InferOp(def, schema, op.inputs);
    if (!inferred.status.ok()) return Annotate(inferred.status, OpPlace(net, k));
    op.outputs = std::move(inferred.outputs);
    op.cost = inferred.cost;
    AssumeMost(schema, &op);
    if (op.is_most && schema != nullptr && schema->Verify(def).ok()) {
      op.cost = schema->Cost(def, op.inputs, op.outputs);
    }
    for (int o = 0; o < def.output_size(); ++o) {
      made_.insert(def.output(o));
      result_.blobs[def.output(o)] = op.outputs[o];
      if (!op.outputs[o].IsKnown()) ExplainOutput(net, k, op, schema, def.output(o));
    }
    result_.total += op.cost;
    result_.ops.push_back(std::move(op));
    return absl::OkStatus();
  }

  void Miss(const std::string& blob, const NetDef& net, int k) {
    if (!seen_.insert(blob).second) return;
    missing_.push_back(blob);
    const OperatorDef& def = net.op(k);
    std::string& why = why_[blob];
    const std::string reader = absl::StrCat("op ", k, " ", def.type());
    if (WeightRuleOf(def.type()).find_weights == nullptr || def.input(0) == blob) {
      why = absl::StrCat(reader, " reads it, and does not tell its shape");
    } else if (!result_.blobs[def.input(0)].IsKnown()) {
      why = absl::StrCat(reader, " can not tell it without the shape of ", def.input(0));
    } else {
      why = absl::StrCat(reader, " does not tell how many outputs it has, nor does the table");
    }
  }

  void ExplainOutput(const NetDef& net, int k, const NetShapes::Op& op, const OpSchema* schema,
                     const std::string& output) {
    const OperatorDef& def = net.op(k);
    const bool exists = schema != nullptr;
    for (int i = 0; i < def.input_size(); ++i) {
      if (exists && !op.inputs[i].IsKnown()) return;  // what is said of that input explains it
    }
    // By-products, such as the mask of a Dropout that only training fills.
    if (exists && op.outputs[0].IsKnown()) return;
    if (seen_.insert(output).second) missing_.push_back(output);
    const absl::Status definition = exists ? schema->Verify(def) : absl::OkStatus();
    if (!exists) {
      why_[output] = OperatorRegistry::MissingMessage(def.type(), DeviceType::kCpu);
    } else if (!definition.ok()) {
      why_[output] = absl::StrCat("op ", k, " ", def.type(), ": ", definition.message());
    } else {
      why_[output] = absl::StrCat("what op ", k, " ", def.type(),
                                  " makes of known shapes depends on the data");
    }
  }

  void FindWeights(const NetDef& net, int k, const OpSchema* schema,
                   std::vector<TensorInfo>* inputs) {
    const OperatorDef& def = net.op(k);
    const WeightRule& rule = WeightRuleOf(def.type());
    const auto is_known = [](const TensorInfo& info) { return info.IsKnown(); };
    if (rule.find_weights == nullptr || inputs->empty() || !inputs->front().IsKnown() ||
        std::all_of(inputs->begin(), inputs->end(), is_known)) {
      return;
    }
    std::vector<bool> may_be_weight;
    for (const std::string& input : def.input()) may_be_weight.push_back(made_.count(input) == 0);
    std::vector<Width> used;
    const auto width = [&](int input, int64_t channels, int64_t groups) -> std::optional<int64_t> {
      if (input >= def.input_size()) return std::nullopt;
      std::optional<Width> found = FindWidth(net, k, def.input(input), channels, groups);
      if (!found) return std::nullopt;
      found->input = input;
      used.push_back(*found);
      return found->outputs;
    };
    WeightContext context(def, schema, inputs, std::move(may_be_weight), width);
    rule.find_weights(&context);
    for (WeightShape weight : context.found()) {
      for (const Width& source : used) {
        if (def.input(source.input) != weight.blob) continue;
        weight.width_from = source.from;
        weight.is_published = source.is_published;
        weight.is_guess = source.is_guess;
      }
      result_.blobs[weight.blob] = weight.info;
      result_.weights.push_back(std::move(weight));
    }
  }

  std::optional<Width> FindWidth(const NetDef& net, int k, const std::string& weights,
                                 int64_t channels, int64_t groups) const {
    if (widths_ != nullptr) {
      if (const PublishedWidths::Width* width = widths_->Find(weights)) {
        return Width{0, width->outputs, "table", true, width->is_guess};
      }
    }
    if (std::optional<TiedWidth> tie = FindTiedWidth(net, k, result_.blobs)) {
      return Width{0, tie->channels, tie->from, false, tie->is_guess};
    }
    if (groups > 1 && groups == channels) {
      return Width{0, channels, "as many groups as channels", false, true};
    }
    return std::nullopt;
  }

  void AssumeMost(const OpSchema* schema, NetShapes::Op* op) {
    const WeightRule& rule = WeightRuleOf(op->def->type());
    if (rule.most == nullptr) return;
    WeightContext context(*op->def, schema, &op->inputs, std::vector<bool>(op->inputs.size()),
                          nullptr);
    const std::vector<Dims> most = rule.most(&context);
    const size_t count = std::min(most.size(), op->outputs.size());
    for (size_t o = 0; o < count; ++o) {
      if (op->outputs[o].IsKnown()) continue;
      op->outputs[o] = {DataType::kFloat, most[o], std::nullopt};
      op->is_most = true;
    }
  }

  NetShapes result_;
  const PublishedWidths* widths_;
  std::set<std::string> made_;        // by operators
  std::set<std::string> seen_;        // in missing_
  std::vector<std::string> missing_;  // not known when first read
  std::map<std::string, std::string> why_;
};

}  // namespace

namespace {

void AddWeights(const NetDef& net, std::set<std::string>* seen, std::vector<std::string>* weights) {
  for (const OperatorDef& op : net.op()) {
    const WeightRule& rule = WeightRuleOf(op.type());
    const bool is_old_broadcast =
        rule.find_weights != nullptr &&
        ArgumentReader(op, nullptr).GetSingleArgument<bool>("broadcast", false);
    const int first = is_old_broadcast ? 1 : rule.first_weight;
    for (int i = first; first > 0 && i < op.input_size(); ++i) {
      if (seen->insert(op.input(i)).second) weights->push_back(op.input(i));
    }
    for (const Argument& arg : op.arg()) {
      if (arg.has_n()) AddWeights(arg.n(), seen, weights);
      for (const NetDef& inner : arg.nets()) AddWeights(inner, seen, weights);
    }
    seen->insert(op.output().begin(), op.output().end());
  }
}

}  // namespace

std::vector<std::string> WeightsOfNet(const NetDef& net) {
  std::set<std::string> seen;
  std::vector<std::string> weights;
  AddWeights(net, &seen, &weights);
  return weights;
}

absl::StatusOr<NetShapes> InferWeightShapes(const NetDef& net, const BlobInfos& known,
                                            const PublishedWidths* widths) {
  Walk walk(known, widths);
  DOPPIO_RETURN_IF_ERROR(walk.Net(net, 0));
  return walk.Finish();
}

}  // namespace doppio
