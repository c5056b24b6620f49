#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status AddAdadelta(const Parameter& w, Updates* updates) {
  const std::string rate = updates->LearningRate();
  const std::string squares = updates->State(w, "_squared_moment");
  const std::string steps = updates->State(w, "_squared_moment_update");
  const std::vector<Argument> args = {MakeArgument("epsilon", updates->Float("epsilon")),
                                      MakeArgument("decay", updates->Float("decay"))};
  std::vector<std::string> inputs = {w.name, squares, steps};
  const std::vector<std::string> outputs = inputs;
  if (w.gradient.IsSparse()) {
    DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient, updates->Deduplicated(w));
    inputs.insert(inputs.end(), {gradient.indices, gradient.values, rate});
    updates->Add("SparseAdadelta", inputs, outputs, args, updates->Text("engine"));
  } else {
    inputs.insert(inputs.end(), {w.gradient.dense, rate});
    updates->Add("Adadelta", inputs, outputs, args, updates->Text("engine"));
  }
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(adadelta, "AdadeltaOptimizer", AddAdadelta)
    .Doc("Adadelta (Zeiler 2012): steps as large as the steps before, in the measure of gradients.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.01f); })
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 1e-4f); })
    .Arg<float>("decay", "what running means of squares keep of themselves in a step", 0.95f)
    .FillUsing(StateDedup)
    .FillUsing(StateEngine);

}  // namespace
}  // namespace doppio::training
