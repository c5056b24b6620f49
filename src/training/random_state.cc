#include "src/training/random_state.h"

#include <sstream>

#include "doppio/op_def.h"
#include "doppio/operator.h"
#include "doppio/random_engine.h"

namespace doppio::training {
namespace {

// An operator keeps its context for itself and for what is derived from it; a member's address,
// taken where that is allowed, is good for every operator.
struct ContextOf : Operator<CPUContext> {
  static CPUContext& Get(Operator<CPUContext>* op) { return op->*(&ContextOf::context_); }
};

std::vector<RandomEngine*> Engines(const Net& net) {
  std::vector<RandomEngine*> engines;
  for (const std::unique_ptr<OperatorBase>& op : net.operators()) {
    auto* on_cpu = dynamic_cast<Operator<CPUContext>*>(op.get());
    if (on_cpu == nullptr || !op->schema().has_side_effects()) continue;
    engines.push_back(&ContextOf::Get(on_cpu).RandomGenerator());
  }
  return engines;
}

const OperatorDef* FirstWithSideEffects(const NetDef& net);

const OperatorDef* FirstHidden(const OperatorDef& op) {
  for (const Argument& arg : op.arg()) {
    if (arg.has_n()) {
      if (const OperatorDef* found = FirstWithSideEffects(arg.n())) return found;
    }
    for (const NetDef& net : arg.nets()) {
      if (const OperatorDef* found = FirstWithSideEffects(net)) return found;
    }
  }
  return nullptr;
}

const OperatorDef* FirstWithSideEffects(const NetDef& net) {
  for (const OperatorDef& op : net.op()) {
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    if (schema != nullptr && schema->has_side_effects()) return &op;
    if (const OperatorDef* found = FirstHidden(op)) return found;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> RandomStates(const Net& net) {
  std::vector<std::string> states;
  for (const RandomEngine* engine : Engines(net)) {
    std::ostringstream text;
    text << *engine;
    states.push_back(text.str());
  }
  return states;
}

size_t CountRandomStates(const Net& net) { return Engines(net).size(); }

absl::Status SetRandomStates(const std::vector<std::string>& states, Net* net) {
  const std::vector<RandomEngine*> engines = Engines(*net);
  if (engines.size() != states.size()) return absl::InternalError("other random operators");
  for (size_t i = 0; i < states.size(); ++i) {
    std::istringstream text(states[i]);
    if (!(text >> *engines[i])) {
      return absl::DataLossError(absl::StrCat("the random state ", i, " can not be read"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNoneIsHidden(const NetDef& net) {
  for (const OperatorDef& op : net.op()) {
    const OperatorDef* hidden = FirstHidden(op);
    if (hidden == nullptr) continue;
    return absl::UnimplementedError(absl::StrCat(
        "net \"", net.name(), "\": ", op.type(), " runs a net with ", OpToString(*hidden),
        ", which may draw random numbers whose state a checkpoint can not hold"));
  }
  return absl::OkStatus();
}

}  // namespace doppio::training
