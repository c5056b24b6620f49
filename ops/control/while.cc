#include <algorithm>
#include <set>

#include "doppio/registry.h"
#include "ops/control/control_gradient.h"
#include "ops/control/subnet.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(While)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(0, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(OpSchema::kMany)
    .TakesPhantomsWhere([](const OperatorDef&, int) { return true; })
    .HasSideEffects()
    .Doc(R"DOC(
Runs a net again and again for as long as the condition is true. The condition is looked at before each
turn; `cond_net`, if there is one, runs before each look. Both nets see the blobs of the net that While
stands in and write to them. A loop whose condition stays true ends when the net is cancelled.

For a gradient the loop_net must be one Do with copy_external_blobs, whose scope a CreateScope in the same
net made, and what both nets read must be listed, as must be what the Do writes: those among the inputs too,
since the loop may make no turn. The gradient takes the turns out of the scope from the last to the first.
)DOC")
    .RequiredArg<NetDef>("loop_net", "net to run in each turn")
    .OptionalArg<NetDef>("cond_net", "net that computes the condition")
    .Input(0, "condition", "a single bool")
    .Output(0, "outputs", "blobs that the nets write, as far as one wants to list them");

template <class Context>
class WhileOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit WhileOp(OperatorInit* init)
      : Operator<Context>(init),
        loop_net_(CreateSubnet(init, "loop_net")),
        cond_net_(CreateSubnet(init, "cond_net")) {}

  absl::Status RunOnDevice() override {
    while (true) {
      if (cond_net_ != nullptr) DOPPIO_RETURN_IF_ERROR(cond_net_->Run());
      DOPPIO_ASSIGN_OR_RETURN(const bool condition,
                              ReadCondition(InputBlob(0), this->def().input(0)));
      if (!condition) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(loop_net_->Run());
    }
  }

 private:
  std::unique_ptr<Net> loop_net_;
  std::unique_ptr<Net> cond_net_;
};

// Caffe2's name of the condition, which says whether turns are left.
constexpr char kCondition[] = "gradient_loop_cond_net/cond";
// The gradient of a blob between two turns, and one on the way that has the name of a result.
constexpr char kCarried[] = "/_WHILE_OPERATOR_GRAD_";
constexpr char kStep[] = "/_WHILE_OPERATOR_STEP_";

class GetWhileGradient final : public ControlGradientMaker {
  using ControlGradientMaker::ControlGradientMaker;

  absl::Status MakeGradient() override {
    DOPPIO_RETURN_IF_ERROR(ReadGradients());
    ArgumentReader args(Def(), nullptr);
    loop_ = args.GetNetArgument("loop_net");
    const NetDef* condition = args.GetNetArgument("cond_net");
    DOPPIO_RETURN_IF_ERROR(args.status());
    if (loop_ == nullptr || loop_->op_size() != 1 || loop_->op(0).type() != "Do" ||
        loop_->op(0).output_size() == 0) {
      return absl::UnimplementedError(
          "the loop_net of a While with a gradient must be a single Do");
    }
    if (condition != nullptr) written_outside_ = WritesOfNet(*condition);
    for (const auto& [output, name] : given()) {
      DOPPIO_RETURN_IF_ERROR(CheckCarried(output));
      if (Knows(*loop_, output)) {
        carried_.push_back(output);
      } else {  // stays what it was
        PassOn(output);
      }
    }
    if (carried_.empty()) return absl::OkStatus();
    DOPPIO_RETURN_IF_ERROR(DifferentiateTurn());
    for (const std::string& blob : carried_) {
      if (InputIndex(blob) < 0) AddKept(OutputIndex(blob));
    }
    return MakeWhile();
  }

  absl::Status CheckCarried(const std::string& blob) const {
    if (written_outside_.count(blob) == 0) return absl::OkStatus();
    return absl::UnimplementedError(
        absl::StrCat("a gradient would flow through the cond_net, which writes to \"", blob,
                     "\"; the condition must not be part of what is differentiated"));
  }

  // The gradient of one turn. What a turn gives a gradient of needs one of the turn before, and
  // what each turn reads collects the gradients of all: so all these are carried from turn to turn.
  absl::Status DifferentiateTurn() {
    for (bool is_new = true; is_new;) {
      std::vector<GradientTarget> targets;
      for (const std::string& blob : carried_) targets.emplace_back(blob, blob + kCarried);
      absl::StatusOr<NetGradient> gradient = GradientOfInnerNet(*loop_, targets);
      if (!gradient.ok()) return Annotate(gradient.status(), "loop_net");
      turn_ = *std::move(gradient);
      DOPPIO_RETURN_IF_ERROR(MakeDense(*loop_, &turn_));
      is_new = false;
      for (const auto& [blob, name] : turn_.before) {
        if (std::count(carried_.begin(), carried_.end(), blob) > 0) continue;
        DOPPIO_RETURN_IF_ERROR(CheckCarried(blob));
        carried_.push_back(blob);
        is_new = true;
      }
    }
    if (turn_.kept.empty()) return FinishTurn();
    return absl::FailedPreconditionError(
        absl::StrCat("a turn may leave \"", *turn_.kept.begin(),
                     "\" as it was, but the Do does not list it among its inputs, so that no "
                     "gradient would reach "
                     "the turn before"));
  }

  absl::Status FinishTurn() {
    // The results have the names X_grad; one who looks for who makes them must find one.
    for (const OperatorDef& op : turn_.ops) made_.insert(op.output().begin(), op.output().end());
    for (OperatorDef& op : turn_.ops) {
      for (std::string& name : *op.mutable_input()) name = StepName(name);
      for (std::string& name : *op.mutable_output()) name = StepName(name);
    }
    for (const std::string& blob : carried_) {
      const auto found = turn_.before.find(blob);
      if (found == turn_.before.end()) {  // written without a look at what it was
        turn_.ops.push_back(ZerosLike(blob + kCarried, blob + kCarried));
        continue;
      }
      const std::string name = StepName(found->second.dense);
      if (name != blob + kCarried) turn_.ops.push_back(Copy(name, blob + kCarried));
    }
    return absl::OkStatus();
  }

  std::string StepName(const std::string& name) const {
    const bool is_result =
        std::any_of(carried_.begin(), carried_.end(),
                    [&](const std::string& blob) { return name == blob + "_grad"; });
    return is_result && made_.count(name) > 0 ? name + kStep : name;
  }

  absl::Status MakeWhile() {
    const std::string& scope = *loop_->op(0).output().rbegin();
    Used used;
    used.Add(turn_.ops);
    const auto scope_output = std::find(used.writes.begin(), used.writes.end(), scope);
    if (InputIndex(scope) < 0 || OutputIndex(scope) < 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("the scope \"", scope,
                       "\" of the loop must be both among the inputs and among the outputs"));
    }
    if (turn_.restored.count(scope) == 0 || scope_output == used.writes.end()) {
      return absl::UnimplementedError(absl::StrCat(
          "no turn gives a gradient of what it reads, so that only a loop without turns would give "
          "one of \"",
          carried_.front(), "\"; put a StopGradient behind the loop"));
    }
    AddNamedOp(CreateOperatorDef("HasScope", "", {scope}, {kCondition}), {SourceOf(scope, true)});
    for (const std::string& blob : carried_) {
      const auto found = given().find(blob);
      if (found == given().end()) {
        AddNamedOp(ZerosLike(blob, blob + kCarried), {SourceOf(blob, true)});
      } else {
        const int o = OutputIndex(blob);
        AddNamedOp(Copy(GradOut(o).dense, blob + kCarried),
                   {{GradientSource::Kind::kOutputGradient, o, GradientSource::kDense}});
      }
    }
    std::vector<std::string> inputs = {kCondition};
    std::vector<GradientSource> sources = {SourceOf(kCondition, true)};
    const std::set<std::string> written = WritesOfNet(*loop_);
    for (const std::string& name : used.reads) {
      const bool is_real = turn_.reads.count(name) > 0;
      if (is_real && name != scope && written.count(name) + written_outside_.count(name) > 0) {
        return absl::FailedPreconditionError(
            absl::StrCat("the gradient reads \"", name,
                         "\" as each turn left it, so that the Do needs copy_external_blobs"));
      }
      inputs.push_back(name);
      sources.push_back(SourceOf(name, is_real));
    }
    const auto output = static_cast<int>(scope_output - used.writes.begin());
    used.writes.push_back(kCondition);
    NetDef condition;
    condition.set_name("gradient_loop_cond_net");
    *condition.add_op() = CreateOperatorDef("HasScope", "", {scope}, {kCondition});
    AddRestored({OpCount(), output, InputIndex(scope), true});
    AddNamedOp(GradientOp(inputs, used.writes,
                          {MakeArgument<NetDef>("loop_net", GradientNet(*loop_, turn_.ops)),
                           MakeArgument<NetDef>("cond_net", condition)}),
               std::move(sources));
    for (const std::string& blob : carried_) {
      const int input = InputIndex(blob);
      if (input < 0) continue;
      AddGradient(input, blob + "_grad", {GradientSource::Kind::kMade, OpCount(), 0});
      AddNamedOp(Copy(blob + kCarried, blob + "_grad"), {SourceOf(blob + kCarried, true)});
    }
    return absl::OkStatus();
  }

  const NetDef* loop_ = nullptr;
  std::set<std::string> written_outside_;  // by the cond_net
  std::vector<std::string> carried_;
  NetGradient turn_;
  std::set<std::string> made_;  // by the operators of a turn
};

DOPPIO_REGISTER_CPU_OPERATOR(While, WhileOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(While, GetWhileGradient);

}  // namespace
}  // namespace doppio
