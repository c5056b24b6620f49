#include "doppio/gradient.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_join.h"
#include "doppio/registry.h"
#include "src/graph/gradient_accumulator.h"
#include "src/graph/net_text.h"
#include "src/graph/ssa.h"

namespace doppio {
namespace {

using GradientMap = std::map<std::string, GradientWrapper>;

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& names,
              const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Walks the forward net backwards. `gradient_version_` remembers to which version of a blob its
// gradient belongs: an operator whose output was overwritten before its gradient was made can not
// be differentiated.
class BackwardPass {
 public:
  explicit BackwardPass(const NetDef& net) : net_(net), ssa_(net), accumulator_(&ops_) {}

  absl::StatusOr<Backward> Run(const std::vector<GradientTarget>& targets) {
    DOPPIO_RETURN_IF_ERROR(CheckStopGradients());
    for (const GradientTarget& target : targets) DOPPIO_RETURN_IF_ERROR(Start(target));
    for (int k = net_.op_size() - 1; k >= 0; --k) {
      const absl::Status status = Differentiate(k);
      if (!status.ok()) return Annotate(status, OpPlace(net_, k));
    }
    if (!lacking_.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat(NetPlace(net_), ": no gradient through ", absl::StrJoin(lacking_, "; ")));
    }
    return Result(targets);
  }

 private:
  absl::Status CheckStopGradients() const {
    for (int k = 0; k < net_.op_size(); ++k) {
      const OperatorDef& op = net_.op(k);
      if (op.type() == "StopGradient" && op.output_size() > 0 &&
          ssa_.usages.count(op.output(0)) == 0) {
        return absl::FailedPreconditionError(absl::StrCat(
            OpPlace(net_, k), ": nothing reads the output \"", op.output(0),
            "\", so it stops no gradient; its input and output are usually the same blob"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Start(const GradientTarget& target) {
    const auto known = ssa_.frontier.find(target.blob);
    if (known == ssa_.frontier.end()) {
      std::vector<std::string> blobs;
      for (const auto& [blob, version] : ssa_.frontier) blobs.push_back(blob);
      return absl::NotFoundError(absl::StrCat(NetPlace(net_), ": there is no blob \"", target.blob,
                                              "\" to differentiate",
                                              DidYouMean(target.blob, blobs)));
    }
    const int version = known->second;
    gradient_version_[target.blob] = version;
    ssa_.usages[target.blob][version].push_back(net_.op_size());
    GradientWrapper gradient = target.gradient;
    if (gradient.IsEmpty()) {
      gradient.dense = target.blob + "_autogen_grad";
      accumulator_.AddDense(target.blob, version, {static_cast<int>(ops_.size()), 0, gradient});
      ops_.push_back(CreateOperatorDef("ConstantFill", "", {target.blob}, {gradient.dense},
                                       {MakeArgument<float>("value", 1.0f)}));
    }
    gradients_[target.blob] = std::move(gradient);
    return absl::OkStatus();
  }

  absl::Status Differentiate(int k) {
    const OperatorDef& op = net_.op(k);
    std::vector<GradientWrapper> g_output;
    bool any = op.type() == "ZeroGradient";
    for (const std::string& output : op.output()) {
      const auto found = gradients_.find(output);
      g_output.push_back(found == gradients_.end() ? GradientWrapper() : found->second);
      any = any || !g_output.back().IsEmpty();
    }
    if (any) {
      if (Lacks(op)) {
        AssumeGradients(k);
      } else {
        DOPPIO_ASSIGN_OR_RETURN(GradientOpsMeta meta, GetGradientForOp(op, g_output));
        DOPPIO_RETURN_IF_ERROR(Take(k, std::move(meta), g_output));
      }
    }
    return Accumulate(k);
  }

  // Operators without a gradient are collected, so that all are reported together.
  bool Lacks(const OperatorDef& op) {
    const char* reason = nullptr;
    switch (GradientRegistry::Kind(op.type())) {
      case GradientKind::kUnregistered:
        reason = "none";
        break;
      case GradientKind::kForbidden:
        reason = "forbidden";
        break;
      case GradientKind::kNotImplemented:
        reason = "not implemented";
        break;
      case GradientKind::kNone:
      case GradientKind::kMaker:
        return false;
    }
    lacking_.push_back(absl::StrCat(OpToString(op), " (", reason, ")"));
    return true;
  }

  void AssumeGradients(int k) {
    for (const std::string& input : net_.op(k).input()) {
      gradients_[input] = GradientWrapper::Dense(input + "_grad");
      gradient_version_[input] = ssa_.ops[k].in_version.at(input);
    }
  }

  // Adds the gradient operators of operator k.
  absl::Status Take(int k, GradientOpsMeta meta, const std::vector<GradientWrapper>& g_output) {
    const OperatorDef& op = net_.op(k);
    const Ssa::Op& versions = ssa_.ops[k];
    const int first = static_cast<int>(ops_.size());
    std::set<std::string> made;
    for (OperatorDef& gradient_op : meta.ops) {
      for (const std::string& input : gradient_op.input()) {
        DOPPIO_RETURN_IF_ERROR(CheckInput(k, input, g_output, made));
      }
      made.insert(gradient_op.output().begin(), gradient_op.output().end());
      ops_.push_back(std::move(gradient_op));
    }
    accumulator_.AddGenerated(op, versions, first, meta.g_input, made);
    for (int i = 0; i < op.input_size(); ++i) {
      if (!meta.g_input[i].IsEmpty())
        gradient_version_[op.input(i)] = versions.in_version.at(op.input(i));
    }
    std::map<std::string, GradientWrapper> update;
    for (int i = 0; i < op.input_size(); ++i) {
      const std::string& input = op.input(i);
      const bool is_new = gradients_.count(input) == 0;
      if (!meta.g_input[i].IsEmpty() || is_new || Contains(op.output(), input))
        update[input] = meta.g_input[i];
    }
    for (auto& [input, gradient] : update) SetGradient(input, std::move(gradient));
    return absl::OkStatus();
  }

  void SetGradient(const std::string& blob, GradientWrapper gradient) {
    if (gradient.IsEmpty()) {
      gradients_.erase(blob);
    } else {
      gradients_[blob] = std::move(gradient);
    }
  }

  // A gradient operator of operator k may read gradients of k's outputs, k's own blobs as they were
  // when k ran, and what the gradient operators before it made.
  absl::Status CheckInput(int k, const std::string& name,
                          const std::vector<GradientWrapper>& g_output,
                          const std::set<std::string>& made) const {
    const OperatorDef& op = net_.op(k);
    const Ssa::Op& versions = ssa_.ops[k];
    for (int o = 0; o < op.output_size(); ++o) {
      const GradientWrapper& g = g_output[o];
      if (g.IsEmpty() || (name != g.dense && name != g.indices && name != g.values)) continue;
      const int wanted = versions.out_version.at(op.output(o));
      const int current = gradient_version_.at(op.output(o));
      if (wanted == current) return absl::OkStatus();
      return absl::FailedPreconditionError(
          absl::StrCat("Gradient name \"", name, "\" is expected to correspond to version ", wanted,
                       " of \"", op.output(o), "\", but currently we have version ", current, "."));
    }
    const auto check_version = [&](absl::string_view what, int wanted) -> absl::Status {
      const int current = ssa_.frontier.at(name);
      if (wanted == current) return absl::OkStatus();
      return absl::FailedPreconditionError(absl::StrCat(
          "Gradient operator needs ", what, " \"", name, "\" at version ", wanted,
          ", but currently we have version ", current,
          ". Another operator writes to the same blob later; give its output another name"));
    };
    const auto output = versions.out_version.find(name);
    if (output != versions.out_version.end()) return check_version("output", output->second);
    const auto input = versions.in_version.find(name);
    if (input != versions.in_version.end()) return check_version("input", input->second);
    if (made.count(name) > 0) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("its gradient operator reads \"", name,
                     "\", which is none of its blobs and made by none of its "
                     "gradient operators before"));
  }

  // Where operator k is the first reader of a blob, all gradients of that blob are there: they are
  // summed.
  absl::Status Accumulate(int k) {
    const OperatorDef& op = net_.op(k);
    std::set<std::string> done;
    for (const std::string& input : op.input()) {
      if (!done.insert(input).second) continue;
      const int version = ssa_.ops[k].in_version.at(input);
      const std::vector<int>& usages = ssa_.usages.at(input).at(version);
      if (usages.size() <= 1 || usages.front() != k) continue;
      DOPPIO_ASSIGN_OR_RETURN(GradientWrapper sum, accumulator_.Sum(input, version));
      if (!sum.IsEmpty()) gradients_[input] = std::move(sum);
    }
    return absl::OkStatus();
  }

  Backward Result(const std::vector<GradientTarget>& targets) {
    Backward backward;
    backward.net = net_;
    backward.forward_operators = net_.op_size();
    for (OperatorDef& op : ops_) *backward.net.add_op() = std::move(op);
    backward.gradients = std::move(gradients_);
    // A net that names its external inputs names them all.
    if (backward.net.external_input_size() > 0) {
      for (const GradientTarget& target : targets) {
        for (const std::string& given :
             {target.gradient.dense, target.gradient.indices, target.gradient.values}) {
          const bool is_known = given.empty() || Contains(backward.net.external_input(), given) ||
                                ssa_.frontier.count(given) > 0;
          if (!is_known) backward.net.add_external_input(given);
        }
      }
    }
    return backward;
  }

  const NetDef& net_;
  Ssa ssa_;
  std::vector<OperatorDef> ops_;
  GradientAccumulator accumulator_;
  std::map<std::string, int> gradient_version_;
  GradientMap gradients_;
  std::vector<std::string> lacking_;
};

}  // namespace

absl::StatusOr<Backward> AddGradientOperators(const NetDef& net,
                                              const std::vector<GradientTarget>& targets) {
  if (targets.empty()) {
    return absl::InvalidArgumentError("name at least one blob to differentiate (a loss)");
  }
  return BackwardPass(net).Run(targets);
}

NetDef Backward::GradientNet() const {
  NetDef gradient_net = net;
  gradient_net.mutable_op()->DeleteSubrange(0, forward_operators);
  gradient_net.clear_external_input();
  gradient_net.clear_external_output();
  gradient_net.set_name(net.name() + "_grad");
  return gradient_net;
}

}  // namespace doppio
