#include <algorithm>
#include <set>

#include "doppio/check.h"
#include "doppio/registry.h"
#include "ops/control/control_gradient.h"
#include "ops/control/subnet.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(If)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(0, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .TakesPhantomsWhere([](const OperatorDef&, int) { return true; })
    .HasSideEffects()
    .Doc(R"DOC(
Runs one net or another. Both nets see the blobs of the net that If stands in and write to them; the
blobs that they read and write may be listed as further inputs and outputs.

The gradient is an If of the gradients of both nets, so what they read must be listed then, and what they
write and others use. Where one net gives no gradient of an input, it is zeros.
)DOC")
    .RequiredArg<NetDef>("then_net", "net to run when the condition is true")
    .OptionalArg<NetDef>("else_net",
                         "net to run when it is false; without one, nothing is run then")
    .Input(0, "condition", "a single bool")
    .Output(0, "outputs", "blobs that the nets write, as far as one wants to list them");

template <class Context>
class IfOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IfOp(OperatorInit* init)
      : Operator<Context>(init),
        then_net_(CreateSubnet(init, "then_net")),
        else_net_(CreateSubnet(init, "else_net")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const bool condition,
                            ReadCondition(InputBlob(0), this->def().input(0)));
    Net* net = condition ? then_net_.get() : else_net_.get();
    return net == nullptr ? absl::OkStatus() : net->Run();
  }

 private:
  std::unique_ptr<Net> then_net_;
  std::unique_ptr<Net> else_net_;
};

class GetIfGradient final : public ControlGradientMaker {
  using ControlGradientMaker::ControlGradientMaker;

  struct Branch {
    const NetDef* net = nullptr;
    NetGradient gradient;
    std::set<std::string> names;  // all that its operators and their gradients use
  };

  absl::Status MakeGradient() override {
    DOPPIO_RETURN_IF_ERROR(ReadGradients());
    ArgumentReader args(Def(), nullptr);
    then_.net = args.GetNetArgument("then_net");
    else_.net = args.GetNetArgument("else_net");
    DOPPIO_RETURN_IF_ERROR(args.status());
    if (then_.net == nullptr) return absl::InvalidArgumentError("argument \"then_net\" is missing");
    DOPPIO_RETURN_IF_ERROR(Differentiate("then_net", &then_));
    DOPPIO_RETURN_IF_ERROR(Differentiate("else_net", &else_));
    std::vector<std::pair<int, std::string>> results;  // of inputs
    for (int i = 1; i < InputSize(); ++i) {
      const std::string& input = Def().input(i);
      if (InputIndex(input) != i) continue;
      const std::string then_name = GradientIn(then_, input);
      const std::string else_name = GradientIn(else_, input);
      if (then_name.empty() && else_name.empty()) continue;
      if (then_name == else_name && IsGiven(then_name)) {
        const int o = OutputIndex(input);
        AddGradient(i, GradOut(o).dense,
                    {GradientSource::Kind::kOutputGradient, o, GradientSource::kDense});
        continue;
      }
      const std::string name = ResultName(input, then_name, else_name);
      Finish(input, then_name, name, &then_);
      Finish(input, else_name, name, &else_);
      results.emplace_back(i, name);
    }
    NoteKept();
    return results.empty() ? absl::OkStatus() : MakeIf(results);
  }

  absl::Status Differentiate(absl::string_view argument, Branch* branch) const {
    if (branch->net == nullptr) return absl::OkStatus();
    if (WritesOfNet(*branch->net).count(Def().input(0)) > 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          argument, " writes to the condition \"", Def().input(0), "\", which the gradient reads"));
    }
    std::vector<GradientTarget> targets;
    for (const auto& [output, name] : given()) {
      if (Knows(*branch->net, output)) targets.emplace_back(output, name);
    }
    if (!targets.empty()) {
      absl::StatusOr<NetGradient> gradient = GradientOfInnerNet(*branch->net, targets);
      if (!gradient.ok()) return Annotate(gradient.status(), argument);
      branch->gradient = *std::move(gradient);
      DOPPIO_RETURN_IF_ERROR(MakeDense(*branch->net, &branch->gradient));
    }
    for (const OperatorDef& op : branch->net->op()) {
      for (std::string& blob : BlobsOfOp(op).writes) branch->names.insert(std::move(blob));
      branch->names.insert(op.input().begin(), op.input().end());
    }
    for (const OperatorDef& op : branch->gradient.ops) {
      branch->names.insert(op.input().begin(), op.input().end());
      branch->names.insert(op.output().begin(), op.output().end());
    }
    return absl::OkStatus();
  }

  // The gradient of what an input was before, if that net runs: empty where it is zeros.
  std::string GradientIn(const Branch& branch, const std::string& input) const {
    if (branch.net != nullptr && Knows(*branch.net, input)) {
      const auto found = branch.gradient.before.find(input);
      return found == branch.gradient.before.end() ? "" : found->second.dense;
    }
    const auto found = given().find(input);
    return found == given().end() ? "" : found->second;
  }

  // A blob in which both nets leave the gradient: that of one of them, where it is written once and
  // the other does not use it for something else.
  std::string ResultName(const std::string& input, const std::string& then_name,
                         const std::string& else_name) {
    const auto fits = [&](const Branch& branch, const std::string& own, const std::string& name) {
      return own == name ? IsWrittenOnce(branch.gradient.ops, name) : branch.names.count(name) == 0;
    };
    std::string name;
    for (int n = -3;; ++n) {
      name = n == -3   ? then_name
             : n == -2 ? else_name
             : n == -1 ? input + "_grad"
                       : absl::StrCat("_", input, "_grad_own_", n);
      if (name.empty() || IsGiven(name) || InputIndex(name) >= 0 || OutputIndex(name) >= 0)
        continue;
      if (fits(then_, then_name, name) && fits(else_, else_name, name) &&
          names_.insert(name).second) {
        return name;
      }
    }
  }

  // And read by none of them: whoever renames it has one place to look at.
  static bool IsWrittenOnce(const std::vector<OperatorDef>& ops, const std::string& name) {
    int64_t count = 0;
    for (const OperatorDef& op : ops) {
      if (std::count(op.input().begin(), op.input().end(), name) > 0) return false;
      count += std::count(op.output().begin(), op.output().end(), name);
    }
    return count == 1;
  }

  static void Finish(const std::string& input, const std::string& own, const std::string& name,
                     Branch* branch) {
    if (own == name) return;
    branch->gradient.ops.push_back(own.empty() ? ZerosLike(input, name) : Copy(own, name));
    if (own.empty()) branch->gradient.reads.insert(input);
  }

  // Outputs that a net leaves as they were.
  void NoteKept() {
    for (const auto& [output, name] : given()) {
      bool is_kept = false;
      for (const Branch* branch : {&then_, &else_}) {
        const bool is_known = branch->net != nullptr && Knows(*branch->net, output);
        is_kept = is_kept || branch->gradient.kept.count(output) > 0 ||
                  (!is_known && InputIndex(output) < 0);
      }
      if (is_kept) AddKept(OutputIndex(output));
    }
  }

  absl::Status MakeIf(const std::vector<std::pair<int, std::string>>& results) {
    AddCopies();
    Used used;
    used.Add(then_.gradient.ops);
    used.Add(else_.gradient.ops);
    std::vector<std::string> inputs = {Def().input(0)};
    std::vector<GradientSource> sources = {{GradientSource::Kind::kInput, 0}};
    for (const std::string& name : used.reads) {
      if (name == Def().input(0)) continue;
      inputs.push_back(name);
      sources.push_back(SourceOf(
          name, then_.gradient.reads.count(name) > 0 || else_.gradient.reads.count(name) > 0));
    }
    std::vector<Argument> args = {
        MakeArgument<NetDef>("then_net", GradientNet(*then_.net, then_.gradient.ops))};
    if (else_.net != nullptr) {
      args.push_back(MakeArgument<NetDef>("else_net", GradientNet(*else_.net, else_.gradient.ops)));
    } else if (!else_.gradient.ops.empty()) {
      NetDef zeros = GradientNet(*then_.net, else_.gradient.ops);
      if (!zeros.name().empty()) zeros.set_name(zeros.name() + "_auto_else_zero_blobs_");
      args.push_back(MakeArgument<NetDef>("else_net", zeros));
    }
    const int number = OpCount();
    for (const Branch* branch : {&then_, &else_}) {
      for (const std::string& scope : branch->gradient.restored) {
        const auto place = std::find(used.writes.begin(), used.writes.end(), scope);
        if (InputIndex(scope) < 0 || OutputIndex(scope) < 0 || place == used.writes.end()) {
          return absl::FailedPreconditionError(
              absl::StrCat("its nets use the scope \"", scope,
                           "\", which must be both among the inputs and among the outputs"));
        }
        AddRestored(
            {number, static_cast<int>(place - used.writes.begin()), InputIndex(scope), false});
      }
    }
    AddOp(GradientOp(inputs, used.writes, args), std::move(sources));
    for (const auto& [input, name] : results) {
      const auto place = std::find(used.writes.begin(), used.writes.end(), name);
      AddGradient(
          input, name,
          {GradientSource::Kind::kMade, number, static_cast<int>(place - used.writes.begin())});
    }
    return absl::OkStatus();
  }

  Branch then_;
  Branch else_;
  std::set<std::string> names_;  // of results
};

DOPPIO_REGISTER_CPU_OPERATOR(If, IfOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(If, GetIfGradient);

}  // namespace
}  // namespace doppio
