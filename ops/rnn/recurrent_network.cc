#include <algorithm>
#include <limits>
#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/rnn/recurrent_arguments.h"
#include "ops/rnn/step_net.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

DOPPIO_REGISTER_BLOB_TYPE(StepWorkspaces);

// More than that would take all memory even where the steps are empty.
constexpr int64_t kMostWorkspaces = int64_t{1} << 20;

DOPPIO_OPERATOR_SCHEMA(RecurrentNetwork)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(2, OpSchema::kMany)
    .AllowAnyInput(OpSchema::kMany)
    .HasSideEffects()
    .NetsSee([](const OperatorDef& def, const Argument& arg) {
      if (arg.name() == "backward_step_net") return ViewOfBackwardStep();
      ArgumentReader args(def, nullptr);
      OpSchema::NetView view;
      view.own = args.GetRepeatedArgument<std::string>("link_internal");
      view.own.push_back(args.GetSingleArgument<std::string>("timestep", "timestep"));
      return view;
    })
    .Doc(R"DOC(
Runs step_net once for each row of the first input, [T,N,...]: step t sees the blobs outside, the number t
in `timestep`, and blobs of its own. Links make blobs of the step net rows of blobs outside: where step t
runs, `internal` is rows [t + offset, t + offset + window) of `external`.

A recurrent state is a blob outside, [T + L,N,D], whose first L rows are its initial state: an input [D],
which all sequences begin with, [N,D], or [L,N,D]. A link of offset 0 gives a step the state before, one of
offset 1 takes the state after. Aliases are outputs that get the rows of a state from alias_offset on, which
counts from the end where it is negative.

With a backward_step_net each step has a workspace of its own, which RecurrentNetworkGradient runs in
again; without one num_workspaces serve all steps in turn. Blobs named in recompute_blobs_on_backward have
one place for all steps.

Example: a step_net of one Add(x, before) -> after, with x [3,1,1] = [[[1]],[[2]],[[3]]], whose rows are
linked to x, an initial state [[10]] and links of before and after to it (offsets 0 and 1), gives the state
10, 11, 13, 16; alias_offset 1 the output [[[11]],[[13]],[[16]]].
)DOC")
    .FillUsing(StateRecurrentArguments)
    .Input(0, "input",
           "tensor [T,N,...], and behind it initial states, parameters and what else "
           "the step net reads")
    .Output(0, "outputs", "the aliases")
    .Output(1, "step_workspaces", "last of all: the workspaces of the steps");

// `state` becomes a tensor of `steps` rows behind those of `initial`, which are copied.
absl::Status BeginState(const Tensor& initial, int64_t steps, int64_t batch, Tensor* state) {
  const int rank = initial.rank();
  if (rank < 1 || rank > 3 || (rank > 1 && initial.dim(rank - 2) != batch)) {
    return absl::InvalidArgumentError(absl::StrCat("the initial state must be [D], [", batch,
                                                   ",D] or [L,", batch, ",D], but is ",
                                                   initial.TypeAndShape()));
  }
  const int64_t width = initial.dim(rank - 1);
  const int64_t length = rank == 3 ? initial.dim(0) : 1;
  int64_t rows;
  if (__builtin_add_overflow(steps, length, &rows)) {
    return absl::InvalidArgumentError(
        absl::StrCat(steps, " steps behind ", length, " rows are too many"));
  }
  DOPPIO_RETURN_IF_ERROR(FillZeros(initial.dtype(), {rows, batch, width}, state));
  const ElementCopy copy(initial, state);
  if (rank > 1) {
    copy(0, 0, initial.numel());
  } else {
    for (int64_t n = 0; n < batch; ++n) copy(0, n * width, width);
  }
  return absl::OkStatus();
}

template <class Context>
class RecurrentNetworkOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RecurrentNetworkOp(OperatorInit* init)
      : Operator<Context>(init),
        scope_(init->scope()),
        args_(init),
        recompute_(init->GetRepeatedArgument<std::string>("recompute_blobs_on_backward")),
        workspaces_(init->GetSingleArgument<int64_t>("num_workspaces")) {
    if (workspaces_ < 1 || workspaces_ > kMostWorkspaces) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "num_workspaces is ", workspaces_, ", but must be from 1 to ", kMostWorkspaces)));
    }
    for (const int64_t id : args_.initial_ids) {
      if (id >= 0 && id < InputSize()) continue;
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "initial_recurrent_state_ids has ", id, ", but there are ", InputSize(), " inputs")));
    }
    // The steps see the blobs of this workspace, which those of a parent's steps do not.
    if (auto* workspace = dynamic_cast<Workspace*>(scope_)) {
      scratch_ = workspace->CreateLocalBlob(init->def().output(OutputSize() - 1));
    }
    // Found by the gradient too, which has no input or output for them.
    for (const std::string& state : args_.states) scope_->CreateBlob(state);
    NetDef steps = ReadStepNet(init, "step_net");
    const std::vector<Link> links = ReadLinks(init, "");
    PrependOps(ApplyLinks(links, args_.timestep), &steps);
    step_net_.emplace(std::move(steps), links, args_.timestep, init);
  }

  absl::Status RunOnDevice() override {
    auto* workspace = dynamic_cast<Workspace*>(scope_);
    if (workspace == nullptr) return absl::FailedPreconditionError("steps need a workspace");
    for (int i = 0; i < InputSize(); ++i) {
      DOPPIO_RETURN_IF_ERROR(FindTensor(*scope_, this->def().input(i)).status());
    }
    const Tensor& input = Input(0);
    if (input.rank() < 2 || input.dim(0) > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the first input must be [T,N,...] with T in int32, but is ", input.TypeAndShape()));
    }
    const int64_t steps = input.dim(0);
    for (size_t i = 0; i < args_.states.size(); ++i) {
      const std::string& state = args_.states[i];
      DOPPIO_RETURN_IF_ERROR(
          Annotate(BeginState(Input(static_cast<int>(args_.initial_ids[i])), steps, input.dim(1),
                              scope_->CreateBlob(state)->template GetMutable<Tensor>()),
                   absl::StrCat("state \"", state, "\"")));
    }
    auto* scratch = scratch_->GetMutable<StepWorkspaces>();
    if (scratch->shared == nullptr) scratch->shared = std::make_shared<Workspace>(workspace);
    for (const std::string& name : recompute_) scratch->shared->CreateBlob(name);
    const int64_t places = args_.has_backward ? steps : workspaces_;
    if (places > kMostWorkspaces) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "each of ", steps, " steps needs a workspace for its gradient, but there are ",
          "at most ", kMostWorkspaces));
    }
    if (static_cast<size_t>(places) > scratch->steps.size())
      scratch->steps.resize(static_cast<size_t>(places));
    for (int64_t t = 0; t < steps; ++t) {
      const auto place = static_cast<size_t>(t % places);
      std::shared_ptr<Workspace>& step = scratch->steps[place];
      if (step == nullptr) step = std::make_shared<Workspace>(scratch->shared.get());
      DOPPIO_RETURN_IF_ERROR(step_net_->Run(step, place, static_cast<int32_t>(t)));
    }
    for (const Alias& alias : args_.aliases) {
      DOPPIO_RETURN_IF_ERROR(
          Annotate(ApplyAlias(alias), absl::StrCat("alias \"", alias.dst, "\"")));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ApplyAlias(const Alias& alias) const {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* src, FindTensor(*scope_, alias.src));
    const int64_t rows = src->rank() == 0 ? 0 : src->dim(0);
    const int64_t begin = alias.offset >= 0 ? alias.offset : rows + alias.offset;
    if (begin < 0 || begin > rows) {
      return absl::InvalidArgumentError(absl::StrCat("offset ", alias.offset, " is outside of \"",
                                                     alias.src, "\" ", src->TypeAndShape()));
    }
    return LoadRows(*src, begin, rows - begin,
                    scope_->CreateBlob(alias.dst)->template GetMutable<Tensor>());
  }

  BlobScope* const scope_;
  const RecurrentArguments args_;
  const std::vector<std::string> recompute_;
  const int64_t workspaces_;
  std::shared_ptr<Blob> scratch_;  // the last output
  std::optional<StepNet> step_net_;
};

class GetRecurrentNetworkGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader args(Def(), nullptr);
    const auto with_gradients = args.GetRepeatedArgument<int64_t>("outputs_with_grads");
    auto ids = args.GetRepeatedArgument<int64_t>("param");
    for (int64_t id : args.GetRepeatedArgument<int64_t>("initial_recurrent_state_ids"))
      ids.push_back(id);
    Fail(args.status());
    if (with_gradients.empty()) {
      Fail(absl::InvalidArgumentError("outputs_with_grads must say which outputs have a gradient"));
    }
    std::vector<std::string> inputs;
    for (int64_t id : with_gradients) {
      if (IsIndex(id, OutputSize(), "outputs_with_grads"))
        inputs.push_back(GO(static_cast<int>(id)));
    }
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(I(i));
    for (int i = 0; i < OutputSize(); ++i) inputs.push_back(O(i));
    std::vector<std::string> outputs = {GI(0)};
    for (int64_t id : ids) {
      if (IsIndex(id, InputSize(), "param or initial_recurrent_state_ids"))
        outputs.push_back(GI(static_cast<int>(id)));
    }
    return SingleGradientDef("RecurrentNetworkGradient", "", inputs, outputs);
  }

  bool IsIndex(int64_t id, int size, absl::string_view argument) {
    if (id >= 0 && id < size) return true;
    Fail(absl::InvalidArgumentError(
        absl::StrCat(argument, " has ", id, ", but must be below ", size)));
    return false;
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(RecurrentNetwork, RecurrentNetworkOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(RecurrentNetwork, GetRecurrentNetworkGradient);

}  // namespace
}  // namespace doppio
