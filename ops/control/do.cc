#include <set>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/control/scope.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Do)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .HasSideEffects()
    .NetsSee([](const OperatorDef& def, const Argument&) {
      ArgumentReader args(def, nullptr);
      OpSchema::NetView view;
      view.sees_outside = false;
      view.own = args.GetRepeatedArgument<std::string>("inner_blobs");
      // What the last run left in the scope only a run tells.
      view.own_is_complete = !args.GetSingleArgument<bool>("reuse_workspace", false);
      return view;
    })
    .Doc(R"DOC(
Runs a net that sees only the blobs which the operator lists, under names of its own: `inner_blobs[i]` is
the blob number `outer_blobs_idx[i]` of the inputs and outputs, the scope not counted. All other blobs
of the net are made anew, in the scope that is the last input and the last output.

Every run puts a set of such blobs into the scope; CreateScope lets go of them. With `reuse_workspace` the
net uses the set of the last run, which may be one of another Do.

The gradient of Do is not there yet: an operator that says it is one (is_gradient_op) is refused.
)DOC")
    .RequiredArg<NetDef>("net", "net to run")
    .OptionalArg<std::vector<std::string>>("inner_blobs", "names of the blobs in the net")
    .OptionalArg<std::vector<int64_t>>("outer_blobs_idx", "their numbers")
    .Arg<bool>("reuse_workspace", "use the blobs of the last run", false)
    .Arg<bool>("copy_external_blobs", "of use for gradients only; accepted", false)
    .OptionalArg<std::vector<std::string>>("saved_fwd_blobs", "of use for gradients only; accepted")
    .Input(0, "inputs", "blobs that the net reads, and last the scope")
    .Output(0, "outputs", "blobs that the net writes, and last the scope");

template <class Context>
class DoOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DoOp(OperatorInit* init)
      : Operator<Context>(init),
        outer_(dynamic_cast<const Workspace*>(init->scope())),
        net_(init->shared_def(), init->GetNetArgument("net")),
        reuses_(init->GetSingleArgument<bool>("reuse_workspace")) {
    if (outer_ == nullptr) init->Unsupported("Do needs a workspace, which is not there");
    if (this->def().is_gradient_op()) init->Unsupported("Do has no gradient yet");
    absl::Status status = Bind(init->template GetRepeatedArgument<std::string>("inner_blobs"),
                               init->template GetRepeatedArgument<int64_t>("outer_blobs_idx"));
    if (!status.ok()) init->Fail(status);
  }

  absl::Status RunOnDevice() override {
    // Not made here: a Do that makes its own scope would never let go of one.
    if (InputBlob(InputSize() - 1).template Get<ScopeStack>() == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the last input ", DescribeInput(InputSize() - 1),
                       " must be a scope that CreateScope made, but holds ",
                       InputBlob(InputSize() - 1).TypeName()));
    }
    auto* stack = OutputBlob(OutputSize() - 1)->template GetMutable<ScopeStack>();
    if (reuses_ && stack->used > 0) return RunIn(stack->scopes[stack->used - 1].get());
    if (stack->used == stack->scopes.size()) stack->scopes.emplace_back();
    std::unique_ptr<ScopeStack::Scope>& scope = stack->scopes[stack->used];
    if (scope == nullptr || scope->maker.lock() != self_) {
      scope = std::make_unique<ScopeStack::Scope>(outer_, bindings_);
      scope->maker = self_;
    }
    ++stack->used;
    return RunIn(scope.get());
  }

 private:
  absl::Status Bind(const std::vector<std::string>& inner, const std::vector<int64_t>& numbers) {
    const OperatorDef& def = this->def();
    if (def.input(InputSize() - 1) != def.output(OutputSize() - 1)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the last input, \"", def.input(InputSize() - 1), "\", and the last output, \"",
          def.output(OutputSize() - 1), "\", must be the same scope"));
    }
    std::vector<std::string> outer(def.input().begin(), def.input().end() - 1);
    outer.insert(outer.end(), def.output().begin(), def.output().end() - 1);
    if (inner.size() != numbers.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there are ", inner.size(), " inner_blobs, but ", numbers.size(), " outer_blobs_idx"));
    }
    std::set<std::string> used;
    for (size_t i = 0; i < inner.size(); ++i) {
      if (numbers[i] < 0 || numbers[i] >= static_cast<int64_t>(outer.size())) {
        return absl::InvalidArgumentError(absl::StrCat("outer_blobs_idx has ", numbers[i],
                                                       ", but there are ", outer.size(),
                                                       " inputs and outputs besides the scope"));
      }
      const std::string& name = outer[numbers[i]];
      if (!used.insert(name).second || !bindings_.emplace(inner[i], name).second) {
        return absl::InvalidArgumentError(absl::StrCat(
            "inner blob \"", inner[i], "\" or outer blob \"", name, "\" is bound twice"));
      }
    }
    for (const std::string& name : outer) {
      if (used.count(name) > 0) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("blob \"", name, "\" is bound to no inner blob"));
    }
    return absl::OkStatus();
  }

  absl::Status RunIn(ScopeStack::Scope* scope) {
    for (auto& [owner, net] : scope->nets) {
      if (owner.lock() == self_) return net->Run();
    }
    if (scope->maker.lock() == nullptr) {
      return absl::FailedPreconditionError(
          "the scope was last used by an operator that is no more, so its blobs can not be reused");
    }
    if (scope->maker.lock() != self_) DOPPIO_RETURN_IF_ERROR(AddBindings(scope));
    DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<Net> net, CreateNet(net_, &scope->workspace));
    scope->nets.emplace_back(self_, std::move(net));
    return scope->nets.back().second->Run();
  }

  // Those that the maker of the scope, another Do, has not got. One of the same name must be the
  // same blob.
  absl::Status AddBindings(ScopeStack::Scope* scope) const {
    std::map<std::string, std::string> more;
    for (const auto& [inner, outer] : bindings_) {
      const std::shared_ptr<Blob> there = scope->workspace.FindBlob(inner);
      if (there == nullptr) {
        more.emplace(inner, outer);
      } else if (there != outer_->FindBlob(outer)) {
        return absl::InvalidArgumentError(
            absl::StrCat("inner blob \"", inner, "\" is another blob in the scope already, not \"",
                         outer, "\""));
      }
    }
    return scope->workspace.AddBlobMapping(outer_, more);
  }

  const std::shared_ptr<const int> self_ = std::make_shared<const int>(0);
  const Workspace* outer_;
  std::shared_ptr<const NetDef> net_;
  bool reuses_;
  std::map<std::string, std::string> bindings_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Do, DoOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Do);

}  // namespace
}  // namespace doppio
