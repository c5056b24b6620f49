#include "doppio/gradient.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/registry.h"
#include "src/graph/gradient_accumulator.h"
#include "src/graph/inner_net_gradient.h"
#include "src/graph/net_text.h"
#include "src/graph/ssa.h"
#include "src/graph/way_to_wanted.h"
#include "src/operator/gradient_sources.h"

namespace doppio {
namespace {

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& names,
              const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Walks the forward net backwards. Gradients belong to versions of blobs: of a blob that is written
// more than once, each value has a gradient of its own.
class BackwardPass {
 public:
  // `is_inner`: that of a net in an operator, of which NetGradient is asked.
  BackwardPass(const NetDef& net, bool is_inner)
      : net_(net), is_inner_(is_inner), ssa_(net), accumulator_(&ops_) {}

  // Restricts the pass to what leads to the gradients of these blobs.
  absl::Status Want(const std::vector<std::string>& wanted) {
    for (const std::string& blob : wanted) {
      if (ssa_.frontier.count(blob) == 0) return NoSuchBlob(blob, "whose gradient is wanted");
    }
    way_.emplace(net_, ssa_, wanted);
    return absl::OkStatus();
  }

  absl::Status Run(const std::vector<GradientTarget>& targets) {
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
    return absl::OkStatus();
  }

  absl::StatusOr<Backward> Result(const std::vector<GradientTarget>& targets) {
    if (way_.has_value()) KeepWanted();
    std::vector<BlobValue> kept;
    for (const auto& [blob, gradient] : reported_) AddParts(gradient, &kept);
    DOPPIO_RETURN_IF_ERROR(KeepValues(targets, std::move(kept)));
    Backward backward;
    backward.net = net_;
    backward.forward_operators = net_.op_size();
    for (int k = 0; k < ops_.size(); ++k) *backward.net.add_op() = ops_.op(k);
    for (const auto& [blob, gradient] : reported_) backward.gradients[blob] = ops_.Names(gradient);
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

  absl::StatusOr<NetGradient> InnerResult(const std::vector<GradientTarget>& targets) {
    std::map<std::string, GradientValue> before;
    std::vector<BlobValue> kept;
    for (const auto& [version, gradient] : gradients_) {
      if (version.second != 0 || !ssa_.IsFromOutside(version.first)) continue;
      AddParts(gradient, &kept);
      before.emplace(version.first, gradient);
    }
    DOPPIO_RETURN_IF_ERROR(KeepValues(targets, std::move(kept)));
    NetGradient result;
    for (const auto& [blob, gradient] : before) result.before[blob] = ops_.Names(gradient);
    result.kept = kept_;
    std::map<std::string, BlobValue> restored;
    for (int k = 0; k < ops_.size(); ++k) {
      result.ops.push_back(ops_.op(k));
      for (const BlobValue& read : ops_.reads(k)) {
        if (read.Exists() && !read.IsMade()) result.reads.insert(read.blob);
      }
      for (int o = 0; o < ops_.op(k).output_size(); ++o) {
        const BlobValue* value = ops_.RestoredBy(k, o);
        if (value != nullptr) restored[value->blob] = *value;
      }
    }
    for (const auto& [blob, value] : restored) {
      if (!ssa_.IsFromOutside(blob)) continue;
      if (value.version != 0) {
        return absl::FailedPreconditionError(absl::StrCat(
            NetPlace(net_), ": not every operator that puts something into the scope \"", blob,
            "\" has a gradient that takes it out again; give each a scope of its own"));
      }
      result.restored.insert(blob);
    }
    return result;
  }

 private:
  using Version = std::pair<std::string, int>;

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

  absl::Status NoSuchBlob(const std::string& name, absl::string_view what) const {
    std::vector<std::string> blobs;
    for (const auto& [blob, version] : ssa_.frontier) blobs.push_back(blob);
    return absl::NotFoundError(absl::StrCat(NetPlace(net_), ": there is no blob \"", name, "\" ",
                                            what, DidYouMean(name, blobs)));
  }

  // Reports the gradients that are wanted alone, and removes what none of them needs.
  void KeepWanted() {
    std::vector<BlobValue*> parts;
    for (auto reported = reported_.begin(); reported != reported_.end();) {
      if (!way_->IsWanted(reported->first)) {
        reported = reported_.erase(reported);
        continue;
      }
      GradientValue& gradient = reported->second;
      parts.insert(parts.end(), {&gradient.dense, &gradient.indices, &gradient.values});
      ++reported;
    }
    ops_.RemoveUnused(parts);
  }

  absl::Status Start(const GradientTarget& target) {
    const auto known = ssa_.frontier.find(target.blob);
    if (known == ssa_.frontier.end()) return NoSuchBlob(target.blob, "to differentiate");
    const int version = known->second;
    ssa_.usages[target.blob][version].push_back(net_.op_size());
    GradientAccumulator::Generator generator;
    GradientValue& gradient = generator.gradient;
    if (target.gradient.IsEmpty()) {
      OperatorDef ones =
          CreateOperatorDef("ConstantFill", "", {target.blob}, {target.blob + "_autogen_grad"},
                            {MakeArgument<float>("value", 1.0f)});
      const int op = ops_.Add(std::move(ones), {BlobValue::Forward(target.blob, version)});
      gradient.dense = BlobValue::Made(op, 0);
      generator.dense_is_made = true;
    } else {
      gradient.dense = Given(target.gradient.dense);
      gradient.indices = Given(target.gradient.indices);
      gradient.values = Given(target.gradient.values);
    }
    if (!gradients_.emplace(Version(target.blob, version), gradient).second) {
      return absl::InvalidArgumentError(absl::StrCat(NetPlace(net_), ": \"", target.blob,
                                                     "\" is named twice as what to differentiate"));
    }
    reported_[target.blob] = gradient;
    accumulator_.Add(target.blob, version, std::move(generator));
    return absl::OkStatus();
  }

  // A blob that holds a gradient before the gradient operators run.
  BlobValue Given(const std::string& blob) {
    if (blob.empty()) return BlobValue();
    const auto known = ssa_.frontier.find(blob);
    return BlobValue::Forward(blob, known == ssa_.frontier.end() ? 0 : known->second);
  }

  absl::Status Differentiate(int k) {
    const OperatorDef& op = net_.op(k);
    if (way_.has_value() && !way_->Leads(k)) return absl::OkStatus();
    std::vector<GradientValue> g_output;
    std::vector<GradientWrapper> names;
    bool any = op.type() == "ZeroGradient";
    for (const std::string& output : op.output()) {
      const auto found = gradients_.find({output, ssa_.ops[k].out_version.at(output)});
      g_output.push_back(found == gradients_.end() ? GradientValue() : found->second);
      names.push_back(ops_.Names(g_output.back()));
      any = any || !g_output.back().IsEmpty();
    }
    if (any) {
      if (Lacks(op)) {
        AssumeGradients(k);
      } else {
        DOPPIO_ASSIGN_OR_RETURN(SourcedGradient gradient, GetSourcedGradient(op, names));
        DOPPIO_RETURN_IF_ERROR(gradient.is_complete ? CheckNets(op)
                                                    : CheckAllUsed(op, names, gradient));
        DOPPIO_RETURN_IF_ERROR(Take(k, std::move(gradient), g_output));
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
      GradientValue assumed;
      assumed.dense = BlobValue::Forward(input + "_grad", 0);
      gradients_[{input, ssa_.ops[k].in_version.at(input)}] = std::move(assumed);
    }
  }

  // The targets depend on every output that has a gradient, so that a gradient of the inputs that
  // leaves one of them out is none.
  static absl::Status CheckAllUsed(const OperatorDef& op, const std::vector<GradientWrapper>& names,
                                   const SourcedGradient& gradient) {
    if (GradientRegistry::Kind(op.type()) != GradientKind::kMaker) return absl::OkStatus();
    std::vector<bool> is_used(names.size(), false);
    const auto note = [&](const GradientSource& source) {
      if (source.kind == GradientSource::Kind::kOutputGradient) is_used[source.index] = true;
    };
    for (const auto& reads : gradient.reads) std::for_each(reads.begin(), reads.end(), note);
    for (const SourcedGradient::OfInput& g : gradient.g_input) {
      for (const GradientSource& part : {g.dense, g.indices, g.values}) note(part);
    }
    for (size_t o = 0; o < names.size(); ++o) {
      if (is_used[o] || names[o].IsEmpty()) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "what is to be differentiated depends on output ", o, " \"", op.output(o),
          "\", which the gradient of ", op.type(),
          " leaves out; where nothing is to flow through it, put a StopGradient behind it"));
    }
    return absl::OkStatus();
  }

  // Gradients are those of inputs, so that a blob which a net reads must be one.
  static absl::Status CheckNets(const OperatorDef& op) {
    for (const std::string& blob : BlobsOfOp(op).reads) {
      if (Contains(op.input(), blob)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("a net in it reads \"", blob,
                       "\", which it does not list: no gradient would reach it; name it among "
                       "the inputs"));
    }
    return absl::OkStatus();
  }

  // The operator that made a version of a blob; -1: none of this net.
  int WriterOf(const std::string& blob, int version) const {
    if (version == 0 && ssa_.IsFromOutside(blob)) return -1;
    for (int k = 0; k < net_.op_size(); ++k) {
      const auto written = ssa_.ops[k].out_version.find(blob);
      if (written != ssa_.ops[k].out_version.end() && written->second == version) return k;
    }
    return -1;
  }

  // An output that may be left as it was belongs to the value before too, which is no input.
  absl::Status NoteKept(int k, const std::string& blob) {
    const int version = ssa_.ops[k].out_version.at(blob) - 1;
    const int writer = version < 0 ? -1 : WriterOf(blob, version);
    if (writer >= 0 && GradientRegistry::Kind(net_.op(writer).type()) == GradientKind::kNone) {
      return absl::OkStatus();  // no gradient would go further
    }
    if (writer < 0 && is_inner_) {
      kept_.insert(blob);
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "\"", blob, "\" is left as it was where no net writes to it, but is no input, so that no ",
        "gradient would reach its value before; name it among the inputs"));
  }

  absl::StatusOr<std::vector<BackwardOps::Restored>> RestoredOf(int k, int j,
                                                                const SourcedGradient& g) const {
    std::vector<BackwardOps::Restored> values;
    for (const SourcedGradient::Restored& restored : g.restored) {
      if (restored.op != j) continue;
      const std::string& blob = net_.op(k).input(restored.input);
      const int version = ssa_.ops[k].in_version.at(blob);
      const int writer = WriterOf(blob, version);
      if (restored.as_new && (writer < 0 || Contains(net_.op(writer).input(), blob))) {
        return absl::FailedPreconditionError(absl::StrCat(
            "its gradient takes all that is in the scope \"", blob,
            "\", which must be new: put a CreateScope of it before, into the same net"));
      }
      values.push_back({restored.output, BlobValue::Forward(blob, version)});
    }
    return values;
  }

  // Adds the gradient operators of operator k.
  absl::Status Take(int k, SourcedGradient gradient, const std::vector<GradientValue>& g_output) {
    const OperatorDef& op = net_.op(k);
    const int first = ops_.size();
    for (size_t j = 0; j < gradient.meta.ops.size(); ++j) {
      OperatorDef& gradient_op = gradient.meta.ops[j];
      const std::string reader = absl::StrCat("its gradient operator ", OpToString(gradient_op));
      const OpSchema* schema = OpSchemaRegistry::Schema(gradient_op.type());
      if (schema == nullptr) {
        return absl::UnimplementedError(absl::StrCat(reader, " is not registered"));
      }
      DOPPIO_ASSIGN_OR_RETURN(std::vector<BackwardOps::Restored> restored,
                              RestoredOf(k, static_cast<int>(j), gradient));
      std::vector<BlobValue> reads;
      for (int i = 0; i < gradient_op.input_size(); ++i) {
        const GradientSource& source = gradient.reads[j][static_cast<size_t>(i)];
        const std::string& blob = gradient_op.input(i);
        const bool is_scope = std::any_of(
            restored.begin(), restored.end(),
            [&](const BackwardOps::Restored& value) { return value.value.blob == blob; });
        if (is_scope) {  // as operator k left it, if what came after has been taken out by then
          reads.push_back(BlobValue::Forward(blob, ssa_.ops[k].out_version.at(blob)));
          continue;
        }
        const bool shape_only = schema->IsShapeOnly(gradient_op, i);
        DOPPIO_ASSIGN_OR_RETURN(
            BlobValue value,
            ValueOf(k, source, shape_only, gradient_op.input(i), reader, first, g_output));
        reads.push_back(std::move(value));
      }
      ops_.Add(std::move(gradient_op), std::move(reads), std::move(restored));
    }
    for (const int output : gradient.kept) DOPPIO_RETURN_IF_ERROR(NoteKept(k, op.output(output)));
    std::vector<GradientValue> g_input;
    for (int i = 0; i < op.input_size(); ++i) {
      const GradientWrapper& names = gradient.meta.g_input[i];
      const SourcedGradient::OfInput& sources = gradient.g_input[i];
      GradientValue& value = g_input.emplace_back();
      for (const auto& [part, name, source] :
           {std::make_tuple(&value.dense, &names.dense, &sources.dense),
            std::make_tuple(&value.indices, &names.indices, &sources.indices),
            std::make_tuple(&value.values, &names.values, &sources.values)}) {
        if (name->empty()) continue;
        DOPPIO_ASSIGN_OR_RETURN(*part,
                                ValueOf(k, *source, false, *name, "its gradient", first, g_output));
      }
      const std::string& input = op.input(i);
      if (!value.IsEmpty()) {
        gradients_[{input, ssa_.ops[k].in_version.at(input)}] = value;
        reported_[input] = value;
      } else if (Contains(op.output(), input)) {
        reported_.erase(input);
      }
    }
    accumulator_.AddGenerated(op, ssa_.ops[k], first, g_input);
    return absl::OkStatus();
  }

  // What a gradient operator of operator k is meant to read, if it is still there when it runs.
  absl::StatusOr<BlobValue> ValueOf(int k, const GradientSource& source, bool shape_only,
                                    const std::string& name, const std::string& reader, int first,
                                    const std::vector<GradientValue>& g_output) const {
    const OperatorDef& op = net_.op(k);
    const Ssa::Op& versions = ssa_.ops[k];
    switch (source.kind) {
      case GradientSource::Kind::kInput:
        return ForwardValue(k, op.input(source.index), versions.in_version, shape_only, "input",
                            reader);
      case GradientSource::Kind::kOutput:
        return ForwardValue(k, op.output(source.index), versions.out_version, shape_only, "output",
                            reader);
      case GradientSource::Kind::kOutputGradient: {
        const GradientValue& g = g_output[source.index];
        return source.part == GradientSource::kDense     ? g.dense
               : source.part == GradientSource::kIndices ? g.indices
                                                         : g.values;
      }
      case GradientSource::Kind::kMade:
        return BlobValue::Made(first + source.index, source.part);
      case GradientSource::Kind::kInner:
        if (versions.out_version.count(source.blob) == 0) break;
        return ForwardValue(k, source.blob, versions.out_version, shape_only, "inner blob", reader);
      case GradientSource::Kind::kSaved:
        return BlobValue();
      case GradientSource::Kind::kUnknown:
        break;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(reader, " reads \"", name,
                     "\", which is none of its blobs and made by none of its "
                     "gradient operators before"));
  }

  absl::StatusOr<BlobValue> ForwardValue(int k, const std::string& blob,
                                         const std::map<std::string, int>& versions,
                                         bool shape_only, absl::string_view what,
                                         const std::string& reader) const {
    const int wanted = versions.find(blob)->second;
    const int current = ssa_.frontier.at(blob);
    // An input of which operator k itself leaves type and shape alone: GetSourcedGradient has seen
    // to it that no more is read.
    const auto after = ssa_.ops[k].out_version.find(blob);
    if (wanted == current || (after != ssa_.ops[k].out_version.end() && after->second == current)) {
      return BlobValue::Forward(blob, current);
    }
    if (shape_only && KeepTypeAndShape(k + 1, blob)) return BlobValue::Forward(blob, current);
    int writer = k + 1;
    for (; writer < net_.op_size() - 1; ++writer) {
      if (ssa_.ops[writer].out_version.count(blob) > 0) break;
    }
    return absl::FailedPreconditionError(
        absl::StrCat("Gradient operator needs ", what, " \"", blob, "\" at version ", wanted,
                     ", but currently we have version ", current, ": ", reader,
                     " reads it, but op ", writer, " ", OpToString(net_.op(writer)),
                     " writes to the same blob later; give its output another name"));
  }

  // Whether the blob has one type and shape whatever the operators from `first` on write to it.
  bool KeepTypeAndShape(int first, const std::string& blob) const {
    for (int k = first; k < net_.op_size(); ++k) {
      const OperatorDef& op = net_.op(k);
      const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
      if (!Contains(op.output(), blob) && ssa_.ops[k].out_version.count(blob) > 0) return false;
      for (int o = 0; o < op.output_size(); ++o) {
        if (op.output(o) != blob) continue;
        bool keeps = false;
        for (int i = 0; schema != nullptr && i < op.input_size(); ++i) {
          keeps = keeps || (op.input(i) == blob && schema->KeepsTypeAndShape(i, o));
        }
        if (!keeps) return false;
      }
    }
    return true;
  }

  // Where operator k is the first reader of a blob, all gradients of that blob are there: they are
  // summed.
  absl::Status Accumulate(int k) {
    const OperatorDef& op = net_.op(k);
    std::set<std::string> done;
    for (const std::string& input : op.input()) {
      if (!done.insert(input).second) continue;
      const int version = ssa_.ops[k].in_version.at(input);
      if (way_.has_value() && !way_->Leads(input, version)) continue;
      const std::vector<int>& usages = ssa_.usages.at(input).at(version);
      if (usages.size() <= 1 || usages.front() != k) continue;
      DOPPIO_ASSIGN_OR_RETURN(GradientValue sum, accumulator_.Sum(input, version));
      if (sum.IsEmpty()) continue;
      gradients_[{input, version}] = sum;
      reported_[input] = std::move(sum);
    }
    return absl::OkStatus();
  }

  static void AddParts(const GradientValue& gradient, std::vector<BlobValue>* values) {
    for (const BlobValue& part : {gradient.dense, gradient.indices, gradient.values}) {
      if (part.Exists()) values->push_back(part);
    }
  }

  // What was given is kept too.
  absl::Status KeepValues(const std::vector<GradientTarget>& targets, std::vector<BlobValue> kept) {
    for (const GradientTarget& target : targets) {
      for (const std::string& given :
           {target.gradient.dense, target.gradient.indices, target.gradient.values}) {
        if (!given.empty()) kept.push_back(Given(given));
      }
    }
    const absl::Status status = GiveOwnBlobs(net_, ssa_, kept, &ops_);
    return status.ok() ? status : Annotate(status, NetPlace(net_));
  }

  const NetDef& net_;
  const bool is_inner_;
  Ssa ssa_;
  BackwardOps ops_;
  GradientAccumulator accumulator_;
  std::map<Version, GradientValue> gradients_;
  std::map<std::string, GradientValue> reported_;  // those of Backward::gradients
  std::vector<std::string> lacking_;
  std::set<std::string> kept_;  // that of NetGradient
  std::optional<WayToWanted> way_;
};

}  // namespace

absl::StatusOr<Backward> AddGradientOperators(const NetDef& net,
                                              const std::vector<GradientTarget>& targets,
                                              const GradientOptions& options) {
  if (targets.empty()) {
    return absl::InvalidArgumentError("name at least one blob to differentiate (a loss)");
  }
  BackwardPass pass(net, false);
  if (options.wrt.has_value()) {
    if (options.wrt->empty()) {
      return absl::InvalidArgumentError("name at least one blob whose gradient is wanted");
    }
    DOPPIO_RETURN_IF_ERROR(pass.Want(*options.wrt));
  }
  DOPPIO_RETURN_IF_ERROR(pass.Run(targets));
  DOPPIO_ASSIGN_OR_RETURN(Backward backward, pass.Result(targets));
  if (!options.wrt.has_value() || options.allow_unused) return backward;
  for (const std::string& blob : *options.wrt) {
    if (backward.gradients.count(blob) > 0) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(NetPlace(net), ": there is no gradient of \"", blob,
                     "\": what is differentiated does not depend on it, or has no derivative by "
                     "it"));
  }
  return backward;
}

absl::StatusOr<NetGradient> GradientOfInnerNet(const NetDef& net,
                                               const std::vector<GradientTarget>& targets) {
  BackwardPass pass(net, true);
  DOPPIO_RETURN_IF_ERROR(pass.Run(targets));
  return pass.InnerResult(targets);
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
