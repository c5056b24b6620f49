#include <algorithm>
#include <optional>

#include "doppio/registry.h"
#include "ops/rnn/accumulate_where_made.h"
#include "ops/rnn/recurrent_arguments.h"
#include "ops/rnn/step_net.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(RecurrentNetworkGradient)
    .NumOutputs(1, OpSchema::kMany)
    .NumInputs(1, OpSchema::kMany)
    .AllowAnyInput(OpSchema::kMany)
    .HasSideEffects()
    .NetsSee([](const OperatorDef&, const Argument&) { return ViewOfBackwardStep(); })
    // The aliases among the inputs are there for Caffe2's sake.
    .ShapeOnlyWhere([](const OperatorDef& def, int input) {
      ArgumentReader args(def, nullptr);
      const auto aliases = args.GetRepeatedArgument<std::string>("alias_dst");
      const auto given = args.GetRepeatedArgument<int64_t>("outputs_with_grads").size();
      return static_cast<size_t>(input) >= given &&
             std::find(aliases.begin(), aliases.end(), def.input(input)) != aliases.end();
    })
    .Doc(R"DOC(
The gradient of RecurrentNetwork: runs backward_step_net in the workspaces of the steps, from the last to
the first. The gradient of a state, a blob NAME_grad outside, begins as zeros; what an output of offset 1
gives is added row by row before each step, that of offset -1 once to the last row. Gradients of parameters
are summed over the steps.

An argument NAME.rename says that the backward net calls a blob otherwise.
)DOC")
    .FillUsing(StateRecurrentArguments)
    .Input(0, "gradients",
           "of the outputs in outputs_with_grads; then all inputs of "
           "RecurrentNetwork, then all its outputs")
    .Output(0, "dinput",
            "gradient of RecurrentNetwork's first input, then those of the "
            "parameters, then those of the initial states");

struct Param {
  int output;         // of the gradient operator
  std::string value;  // the parameter
};

struct StateGradient {
  std::string state;
  std::string grad;
  std::string external;       // gradient of all rows, or empty
  std::string last_external;  // of the last row, or empty
};

template <class Context>
class RecurrentNetworkGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RecurrentNetworkGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        scope_(init->scope()),
        args_(init),
        with_gradients_(init->GetRepeatedArgument<int64_t>("outputs_with_grads")),
        given_(static_cast<int>(with_gradients_.size())) {
    const auto ids = init->GetRepeatedArgument<int64_t>("param");
    const auto param_grads = init->GetRepeatedArgument<std::string>("param_grads");
    DoInit(init, ids, param_grads);
  }

  absl::Status RunOnDevice() override {
    const auto* scratch = InputBlob(InputSize() - 1).template Get<StepWorkspaces>();
    if (scratch == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the last input must be the workspaces of the steps, but is ",
                       InputBlob(InputSize() - 1).TypeName()));
    }
    for (int i = 0; i < InputSize() - 1; ++i) {
      DOPPIO_RETURN_IF_ERROR(FindTensor(*scope_, this->def().input(i)).status());
    }
    const Tensor& input = Input(given_);
    if (input.rank() < 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("the first input must be [T,N,...], but is ", input.TypeAndShape()));
    }
    const int64_t steps = input.dim(0);
    if (static_cast<size_t>(steps) > scratch->steps.size() || scratch->shared == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("there are workspaces of ", scratch->steps.size(), " steps, but ", steps,
                       " steps; RecurrentNetwork must run first, with a backward_step_net"));
    }
    DOPPIO_RETURN_IF_ERROR(FillZeros(input.dtype(), Dims(input.dims().begin(), input.dims().end()),
                                     OutputBlob(0)->template GetMutable<Tensor>()));
    for (const Param& param : params_) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor* value, FindTensor(*scope_, param.value));
      DOPPIO_RETURN_IF_ERROR(FillZeros(value->dtype(), value->dims(),
                                       OutputBlob(param.output)->template GetMutable<Tensor>()));
    }
    for (const StateGradient& state : states_) {
      DOPPIO_RETURN_IF_ERROR(
          Annotate(BeginGradient(state), absl::StrCat("gradient of state \"", state.state, "\"")));
    }
    if (steps > 0) ShareOutputs(*scratch);
    for (int64_t t = steps - 1; t >= 0; --t) {
      const auto place = static_cast<size_t>(t);
      if (scratch->steps[place] == nullptr) {
        return absl::FailedPreconditionError(absl::StrCat("step ", t, " did not run"));
      }
      DOPPIO_RETURN_IF_ERROR(step_net_->Run(scratch->steps[place], place, static_cast<int32_t>(t)));
    }
    for (size_t i = 0; i < states_.size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(Annotate(
          InitialGradient(i), absl::StrCat("gradient of state \"", states_[i].state, "\"")));
    }
    return absl::OkStatus();
  }

 private:
  void DoInit(OperatorInit* init, const std::vector<int64_t>& ids,
              const std::vector<std::string>& param_grads) {
    const OperatorDef& def = this->def();
    const int inputs = InputSize() - given_;  // RecurrentNetwork's inputs and outputs
    const size_t outputs = 1 + ids.size() + args_.states.size();
    if (static_cast<size_t>(OutputSize()) != outputs || inputs < 2) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "there must be ", outputs, " outputs, for the first input, ", ids.size(),
          " parameters and ", args_.states.size(), " states, but there are ", OutputSize())));
      return;
    }
    if (!param_grads.empty() && param_grads.size() != ids.size()) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat("there are ", ids.size(), " param, but ",
                                                         param_grads.size(), " param_grads")));
      return;
    }
    for (const auto& list : {ids, args_.initial_ids}) {
      for (const int64_t id : list) {
        if (id >= 0 && id < inputs) continue;
        init->Fail(
            absl::InvalidArgumentError(absl::StrCat("param or initial_recurrent_state_ids has ", id,
                                                    ", which is no input of RecurrentNetwork")));
        return;
      }
    }
    NetDef steps = ReadStepNet(init, "backward_step_net");
    std::vector<Link> links = ReadLinks(init, "");
    for (const Link& link : ReadLinks(init, "backward_")) links.push_back(link);
    // Where the gradient of the first input has a name of its own, as when gradients of several
    // uses are summed, that is where it goes.
    const std::string input_gradient = Renamed(def.input(given_) + "_grad");
    for (Link& link : links) {
      link.internal = Renamed(link.internal);
      link.external = Renamed(link.external);
      if (link.external == input_gradient) link.external = def.output(0);
    }
    std::vector<StepSum> sums;
    for (size_t i = 0; i < ids.size(); ++i) {
      Param param;
      param.output = static_cast<int>(i) + 1;
      param.value = def.input(static_cast<int>(ids[i]) + given_);
      const std::string& sum = def.output(param.output);
      const std::string of_step = param_grads.empty() ? sum : Renamed(param_grads[i]);
      sums.push_back({of_step + "_tmpstep", sum});
      const std::string& part = sums.back().part;
      RenameBlob(of_step, part, &steps);
      for (Link& link : links) {
        if (link.internal == of_step) link.internal = part;
      }
      params_.push_back(std::move(param));
    }
    for (const std::string& state : args_.states) {
      states_.push_back({state, Renamed(state + "_grad"), "", ""});
      for (size_t j = 0; j < args_.aliases.size(); ++j) AddOutputGradient(init, j, &states_.back());
    }
    std::vector<OperatorDef> before;
    for (const StateGradient& state : states_) {
      scope_->CreateBlob(state.grad);
      if (state.external.empty()) continue;
      before.push_back(CreateOperatorDef("rnn_internal_accumulate_gradient_input", "",
                                         {args_.timestep, state.external, state.grad}, {state.grad},
                                         {MakeArgument<int64_t>("offset", 1)}));
      steps.add_external_input(state.external);
      steps.add_external_input(state.grad);
    }
    // Links copy, so they come after what is added to the blobs that they copy from.
    for (OperatorDef& op : ApplyLinks(links, args_.timestep)) before.push_back(std::move(op));
    PrependOps(std::move(before), &steps);
    AccumulateWhereMade(sums, &steps);
    step_net_.emplace(std::move(steps), std::move(links), args_.timestep, init);
  }

  // What alias j's gradient means for a state, if it has one and is of that state.
  void AddOutputGradient(OperatorInit* init, size_t j, StateGradient* state) const {
    const Alias& alias = args_.aliases[j];
    if (alias.src != state->state) return;
    for (int k = given_ - 1; k >= 0; --k) {
      if (with_gradients_[static_cast<size_t>(k)] != static_cast<int64_t>(j)) continue;
      if (alias.offset != 1 && alias.offset != -1) {
        init->Fail(absl::UnimplementedError(
            absl::StrCat("alias \"", alias.dst, "\" has offset ", alias.offset,
                         ", but only of 1 and -1 there is a gradient")));
      }
      (alias.offset == 1 ? state->external : state->last_external) = this->def().input(k);
      return;
    }
  }

  std::string Renamed(const std::string& name) const {
    const std::string argument = name + ".rename";
    for (const Argument& arg : this->def().arg()) {
      if (arg.name() == argument && arg.has_s()) return arg.s();
    }
    return name;
  }

  static void RenameBlob(const std::string& from, const std::string& to, NetDef* net) {
    for (OperatorDef& op : *net->mutable_op()) {
      std::replace(op.mutable_input()->begin(), op.mutable_input()->end(), from, to);
      std::replace(op.mutable_output()->begin(), op.mutable_output()->end(), from, to);
    }
  }

  // Zeros of the state's shape, and the gradient of its last row where that is an output.
  absl::Status BeginGradient(const StateGradient& state) const {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* value, FindTensor(*scope_, state.state));
    Tensor* grad = scope_->CreateBlob(state.grad)->template GetMutable<Tensor>();
    if (value->rank() != 3) {
      return absl::InvalidArgumentError(
          absl::StrCat("the state must be [T,N,D], but is ", value->TypeAndShape()));
    }
    DOPPIO_RETURN_IF_ERROR(FillZeros(value->dtype(), value->dims(), grad));
    if (state.last_external.empty()) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* last, FindTensor(*scope_, state.last_external));
    const int64_t size = SizeFromDim(grad->dims(), 1);
    if (last->numel() != size || grad->dim(0) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("\"", state.last_external, "\" is ",
                                                     last->TypeAndShape(), ", which is no row of ",
                                                     grad->TypeAndShape()));
    }
    return AddElements(*last, 0, size, grad->numel() - size, grad);
  }

  // Blobs that the backward net makes have one place for all steps.
  void ShareOutputs(const StepWorkspaces& scratch) const {
    for (const OperatorDef& op : step_net_->def().op()) {
      for (const std::string& output : op.output()) {
        if (!scratch.steps[0]->HasBlob(output)) scratch.shared->CreateBlob(output);
      }
    }
  }

  // The gradient of initial state i: of the first rows of the state.
  absl::Status InitialGradient(size_t i) {
    const Tensor& initial = Input(given_ + static_cast<int>(args_.initial_ids[i]));
    const int output = 1 + static_cast<int>(params_.size() + i);
    DOPPIO_ASSIGN_OR_RETURN(const Tensor* grad, FindTensor(*scope_, states_[i].grad));
    const Dims dims(initial.dims().begin(), initial.dims().end());
    const int64_t batch = grad->dim(1);
    const int64_t count = initial.rank() == 1 ? initial.numel() * batch : initial.numel();
    if (initial.dtype() != grad->dtype() || count > grad->numel()) {
      return absl::InvalidArgumentError(absl::StrCat("the initial state ", initial.TypeAndShape(),
                                                     " is no part of ", grad->TypeAndShape()));
    }
    Tensor* result = OutputBlob(output)->template GetMutable<Tensor>();
    DOPPIO_RETURN_IF_ERROR(FillZeros(grad->dtype(), dims, result));
    for (int64_t begin = 0; begin < count; begin += result->numel()) {
      DOPPIO_RETURN_IF_ERROR(AddElements(*grad, begin, result->numel(), 0, result));
    }
    return absl::OkStatus();
  }

  BlobScope* const scope_;
  const RecurrentArguments args_;
  const std::vector<int64_t> with_gradients_;
  const int given_;  // gradients of outputs, which the inputs begin with
  std::vector<Param> params_;
  std::vector<StateGradient> states_;
  std::optional<StepNet> step_net_;
};

DOPPIO_REGISTER_CPU_OPERATOR(RecurrentNetworkGradient, RecurrentNetworkGradientOp<CPUContext>);

}  // namespace
}  // namespace doppio
