#include <algorithm>
#include <set>

#include "doppio/registry.h"
#include "ops/control/control_gradient.h"
#include "ops/control/do_bindings.h"
#include "ops/control/scope.h"
#include "ops/control/subnet.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Do)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .TakesPhantomsWhere([](const OperatorDef&, int) { return true; })
    .HasSideEffects()
    .NetsSee([](const OperatorDef& def, const Argument&) {
      ArgumentReader args(def, nullptr);
      OpSchema::NetView view;
      view.sees_outside = false;
      view.own = args.GetRepeatedArgument<std::string>("inner_blobs");
      // What the last run left in the scope only a run tells: of this operator or, where it is a
      // gradient, of the one whose gradient it is.
      view.own_is_complete =
          !args.GetSingleArgument<bool>("reuse_workspace", false) && !def.is_gradient_op();
      return view;
    })
    .Doc(R"DOC(
Runs a net that sees only the blobs which the operator lists, under names of its own: `inner_blobs[i]` is
the blob number `outer_blobs_idx[i]` of the inputs and outputs, the scope not counted. All other blobs
of the net are made anew, in the scope that is the last input and the last output.

Every run puts a set of such blobs into the scope; CreateScope lets go of them. With `reuse_workspace` the
net uses the set of the last run, which may be one of another Do.

The gradient of Do is a Do that is_gradient_op says to be one: it takes the last set out of the scope and runs
in it, so that its net finds what the forward net left. With `copy_external_blobs` that is so for the blobs
outside too: the set gets copies of them after the run, which the gradient uses even where the blobs have
changed since, as they do in a loop.
)DOC")
    .RequiredArg<NetDef>("net", "net to run")
    .OptionalArg<std::vector<std::string>>("inner_blobs", "names of the blobs in the net")
    .OptionalArg<std::vector<int64_t>>("outer_blobs_idx", "their numbers")
    .Arg<bool>("reuse_workspace", "use the blobs of the last run", false)
    .Arg<bool>("copy_external_blobs", "keep what the blobs outside are after the run", false)
    .OptionalArg<std::vector<std::string>>(
        "saved_fwd_blobs", "in a gradient: blobs that the forward net must have left in the scope")
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
        reuses_(init->GetSingleArgument<bool>("reuse_workspace")),
        copies_(init->GetSingleArgument<bool>("copy_external_blobs")),
        saved_(init->template GetRepeatedArgument<std::string>("saved_fwd_blobs")) {
    if (outer_ == nullptr) init->Unsupported("Do needs a workspace, which is not there");
    if (reuses_ && (copies_ || this->def().is_gradient_op())) {
      init->Fail(absl::InvalidArgumentError(
          "reuse_workspace goes together neither with copy_external_blobs nor with a gradient"));
    }
    absl::StatusOr<std::map<std::string, std::string>> bindings = ReadDoBindings(init);
    init->Fail(bindings.status());
    if (!init->status().ok()) return;
    bindings_ = *std::move(bindings);
    writes_ = WritesOfNet(*net_);
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
    if (this->def().is_gradient_op()) return RunGradient(stack);
    if (reuses_ && stack->used > 0) {
      const std::shared_ptr<ScopeStack::Scope> last = stack->scopes[stack->used - 1];
      return RunIn(last.get());
    }
    if (stack->used == stack->scopes.size()) stack->scopes.emplace_back();
    const size_t place = stack->used++;
    if (stack->scopes[place] == nullptr || stack->scopes[place]->maker.lock() != self_) {
      stack->scopes[place] = std::make_shared<ScopeStack::Scope>(outer_, bindings_);
      stack->scopes[place]->maker = self_;
    }
    const std::shared_ptr<ScopeStack::Scope> scope = stack->scopes[place];
    HideSaved(scope.get());
    absl::Status status = RunIn(scope.get());
    if (status.ok() && copies_) status = Save(scope.get());
    if (!status.ok() && OutputBlob(OutputSize() - 1)->template Is<ScopeStack>()) {
      // No gradient can use it.
      stack = OutputBlob(OutputSize() - 1)->template GetMutable<ScopeStack>();
      stack->used = std::min(stack->used, place);
    }
    return status;
  }

 private:
  absl::Status RunGradient(ScopeStack* stack) {
    if (stack->used == 0) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the scope ", DescribeInput(InputSize() - 1),
          " is empty: the forward operator did not run, or its gradient has run already"));
    }
    const std::shared_ptr<ScopeStack::Scope> scope = stack->scopes[--stack->used];
    if (scope->outer != outer_) {
      return absl::FailedPreconditionError(
          "the scope was made in another workspace, so it is none of the forward operator");
    }
    Net* net = NetIn(scope.get());
    if (net == nullptr) {
      for (const std::string& blob : saved_) {
        if (scope->bindings.count(blob) > 0 || scope->workspace.HasBlob(blob)) continue;
        return absl::FailedPreconditionError(
            absl::StrCat("the scope has no blob \"", blob,
                         "\", so the operator whose gradient is wanted did not make it"));
      }
      DOPPIO_RETURN_IF_ERROR(AddBindings(scope.get(), scope->has_saved));
      DOPPIO_ASSIGN_OR_RETURN(net, MakeNetIn(scope.get()));
    }
    const absl::Status status = net->Run();
    // No longer needed: who writes to a blob that shares its storage need not make room.
    for (const ScopeStack::SavedBlob& saved : scope->saved) {
      if (!saved.is_written && saved.copy != nullptr) {
        saved.copy->template GetMutable<Tensor>()->Reset();
      }
    }
    return status;
  }

  absl::Status RunIn(ScopeStack::Scope* scope) {
    if (Net* net = NetIn(scope)) return net->Run();
    if (scope->maker.lock() == nullptr) {
      return absl::FailedPreconditionError(
          "the scope was last used by an operator that is no more, so its blobs can not be reused");
    }
    if (scope->maker.lock() != self_) DOPPIO_RETURN_IF_ERROR(AddBindings(scope, false));
    DOPPIO_ASSIGN_OR_RETURN(Net * net, MakeNetIn(scope));
    return net->Run();
  }

  // Null where it was not made yet.
  Net* NetIn(ScopeStack::Scope* scope) const {
    for (auto& [owner, net] : scope->nets) {
      if (owner.lock() == self_) return net.get();
    }
    return nullptr;
  }

  absl::StatusOr<Net*> MakeNetIn(ScopeStack::Scope* scope) const {
    DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<Net> net, CreateNet(net_, &scope->workspace));
    scope->nets.emplace_back(self_, std::move(net));
    return scope->nets.back().second.get();
  }

  // Those that the maker of the scope, another Do, has not got. One of the same name must be the
  // same blob, or may be a copy of it.
  absl::Status AddBindings(ScopeStack::Scope* scope, bool may_be_copies) const {
    std::map<std::string, std::string> more;
    for (const auto& [inner, outer] : bindings_) {
      const std::shared_ptr<Blob> there = scope->workspace.FindBlob(inner);
      const auto bound = scope->bindings.find(inner);
      const bool is_copy =
          may_be_copies && bound != scope->bindings.end() && bound->second == outer;
      if (there == nullptr) {
        more.emplace(inner, outer);
      } else if (there != outer_->FindBlob(outer) && !is_copy) {
        return absl::InvalidArgumentError(
            absl::StrCat("inner blob \"", inner, "\" is another blob in the scope already, not \"",
                         outer, "\""));
      }
    }
    return scope->workspace.AddBlobMapping(outer_, more);
  }

  // The forward net must not see copies from the run before: nets in it may still be made.
  static void HideSaved(ScopeStack::Scope* scope) {
    if (!scope->has_saved) return;
    for (ScopeStack::SavedBlob& saved : scope->saved) {
      if (saved.copy == nullptr) continue;
      saved.storage = std::move(*saved.copy->template GetMutable<Tensor>());
      (void)scope->workspace.RemoveBlob(saved.inner);  // is there
    }
    scope->has_saved = false;
  }

  // Keeps what the net saw: of what it wrote an own copy, since it is written again in the next
  // turn of a loop, of the rest the storage.
  absl::Status Save(ScopeStack::Scope* scope) const {
    if (scope->saved.empty()) {
      for (const auto& [inner, outer] : bindings_) {
        scope->saved.push_back(
            {inner, outer_->FindBlob(outer), nullptr, writes_.count(inner) > 0, Tensor()});
      }
    }
    scope->has_saved = true;
    for (ScopeStack::SavedBlob& saved : scope->saved) {
      if (saved.outer == nullptr) continue;
      DOPPIO_RETURN_IF_ERROR(saved.outer->WriteOut());
      const Tensor* tensor = saved.outer->template Get<Tensor>();
      if (tensor == nullptr || tensor->dtype() == DataType::kUndefined) continue;
      if (saved.copy == nullptr) {
        // Nets of gradients that are there would use the blob outside.
        auto& nets = scope->nets;
        nets.erase(std::remove_if(nets.begin(), nets.end(),
                                  [&](const auto& net) { return net.first.lock() != self_; }),
                   nets.end());
      }
      saved.copy = scope->workspace.CreateLocalBlob(saved.inner);
      Tensor* copy = saved.copy->template GetMutable<Tensor>();
      *copy = std::move(saved.storage);
      if (saved.is_written) {
        DOPPIO_RETURN_IF_ERROR(copy->CopyFrom(*tensor));
      } else {
        *copy = *tensor;
      }
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const int> self_ = std::make_shared<const int>(0);
  const Workspace* outer_;
  std::shared_ptr<const NetDef> net_;
  bool reuses_;
  bool copies_;
  std::vector<std::string> saved_;
  std::map<std::string, std::string> bindings_;
  std::set<std::string> writes_;  // of the net
};

// Caffe2's names: the gradient of inner blob b, given from outside, and that handed outside.
constexpr char kInnerGradient[] = "/_DO_OPERATOR_INNER_GRAD_";
constexpr char kInnerGradientCopy[] = "/_DO_OPERATOR_INNER_GRAD_COPY_";

class GetDoGradient final : public ControlGradientMaker {
  using ControlGradientMaker::ControlGradientMaker;

  absl::Status MakeGradient() override {
    ArgumentReader args(Def(), nullptr);
    if (args.GetSingleArgument<bool>("reuse_workspace", false)) {
      return absl::UnimplementedError(
          "a Do with reuse_workspace has no gradient: its scope has no blobs of this run alone");
    }
    saves_ = args.GetSingleArgument<bool>("copy_external_blobs", false);
    const NetDef* net = args.GetNetArgument("net");
    DOPPIO_RETURN_IF_ERROR(args.status());
    if (net == nullptr) return absl::InvalidArgumentError("argument \"net\" is missing");
    DOPPIO_ASSIGN_OR_RETURN(outer_, ReadDoBindings(&args));
    for (const auto& [inner, outer] : outer_) inner_[outer] = inner;
    const std::set<std::string> writes = WritesOfNet(*net);
    for (const auto& [inner, outer] : outer_) {
      if (writes.count(inner) == 0 || OutputIndex(outer) >= 0) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("its net writes to \"", outer,
                       "\", which it lists as an input alone; list it as an "
                       "output too"));
    }
    DOPPIO_RETURN_IF_ERROR(ReadGradients());
    std::vector<GradientTarget> targets;
    for (const auto& [output, name] : given()) {
      if (output == Scope()) continue;
      const std::string& inner = inner_[output];
      if (!Knows(*net, inner)) {  // stays what it was
        PassOn(output);
        continue;
      }
      targets.emplace_back(inner, inner + kInnerGradient);
      bindings_given_[inner + kInnerGradient] = name;
    }
    if (targets.empty()) return absl::OkStatus();
    absl::StatusOr<NetGradient> gradient = GradientOfInnerNet(*net, targets);
    if (!gradient.ok()) return Annotate(gradient.status(), "net");
    DOPPIO_RETURN_IF_ERROR(MakeDense(*net, &*gradient));
    return MakeDo(*net, *gradient);
  }

  const std::string& Scope() const { return Def().input(InputSize() - 1); }

  absl::Status MakeDo(const NetDef& net, const NetGradient& gradient) {
    std::vector<OperatorDef> ops = gradient.ops;
    std::vector<std::string> outputs;
    std::vector<std::pair<std::string, std::string>> bindings;
    for (int i = 0; i < InputSize() - 1; ++i) {
      const std::string& inner = inner_[Def().input(i)];
      const auto found = gradient.before.find(inner);
      if (found == gradient.before.end() || InputIndex(Def().input(i)) != i) continue;
      ops.push_back(Copy(found->second.dense, inner + kInnerGradientCopy));
      bindings.emplace_back(inner + kInnerGradientCopy, ResultName(Def().input(i)));
      outputs.push_back(bindings.back().second);
      result_inputs_.push_back(i);
    }
    for (const auto& [inner, outer] : outer_) {
      const bool is_wanted = gradient.before.count(inner) > 0 && InputIndex(outer) < 0;
      if (is_wanted || gradient.kept.count(inner) > 0) AddKept(OutputIndex(outer));
      if (gradient.restored.count(inner) == 0) continue;
      return absl::UnimplementedError(
          absl::StrCat("its net puts blobs into the scope \"", outer,
                       "\" of the net around it; put a CreateScope into the net of Do"));
    }
    if (outputs.empty()) return absl::OkStatus();
    AddCopies();
    std::vector<std::string> inputs;
    std::vector<GradientSource> sources;
    std::vector<std::string> saved;
    Used used;
    used.Add(ops);
    for (const std::string& name : used.reads) {
      const bool is_real = gradient.reads.count(name) > 0;
      std::string outer;
      bool is_forward = false;
      if (const auto bound = outer_.find(name); bound != outer_.end()) {
        outer = bound->second;
        is_forward = true;
      } else if (const auto given = bindings_given_.find(name); given != bindings_given_.end()) {
        outer = given->second;
      } else {
        saved.push_back(name);
        continue;
      }
      bindings.emplace_back(name, outer);
      inputs.push_back(outer);
      sources.push_back(SourceOf(outer, !is_forward || (is_real && !saves_)));
    }
    AddDo(net, ops, std::move(bindings), std::move(inputs), std::move(sources), std::move(outputs),
          saved);
    return absl::OkStatus();
  }

  // Another one than the blobs that the gradient reads.
  std::string ResultName(const std::string& input) const {
    std::string name = input + "_grad";
    for (int n = 0; IsGiven(name) || inner_.count(name) > 0; ++n) {
      name = absl::StrCat("_", input, "_grad_own_", n);
    }
    return name;
  }

  void AddDo(const NetDef& net, const std::vector<OperatorDef>& ops,
             std::vector<std::pair<std::string, std::string>> bindings,
             std::vector<std::string> inputs, std::vector<GradientSource> sources,
             std::vector<std::string> outputs, const std::vector<std::string>& saved) {
    std::vector<std::string> blobs = inputs;
    blobs.insert(blobs.end(), outputs.begin(), outputs.end());
    std::vector<std::string> inner;
    std::vector<int64_t> numbers;
    for (const auto& [name, outer] : bindings) {
      inner.push_back(name);
      numbers.push_back(std::find(blobs.begin(), blobs.end(), outer) - blobs.begin());
    }
    inputs.push_back(Scope());
    outputs.push_back(Scope());
    sources.push_back(SourceOf(Scope(), true));
    const int number = OpCount();
    AddOp(GradientOp(inputs, outputs,
                     {MakeArgument<NetDef>("net", GradientNet(net, ops)),
                      MakeArgument("inner_blobs", inner),
                      MakeArgument<std::vector<int64_t>>("outer_blobs_idx", numbers),
                      MakeArgument("saved_fwd_blobs", saved)}),
          std::move(sources));
    AddRestored({number, static_cast<int>(outputs.size()) - 1, InputSize() - 1, false});
    for (size_t r = 0; r < result_inputs_.size(); ++r) {
      AddGradient(result_inputs_[r], outputs[r],
                  {GradientSource::Kind::kMade, number, static_cast<int>(r)});
    }
  }

  bool saves_ = false;
  std::map<std::string, std::string> outer_;           // by inner name
  std::map<std::string, std::string> inner_;           // by outer name
  std::map<std::string, std::string> bindings_given_;  // inner gradients, bound to given ones
  std::vector<int> result_inputs_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Do, DoOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Do, GetDoGradient);

}  // namespace
}  // namespace doppio
