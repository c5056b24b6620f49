#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status AddStorm(const Parameter& w, Updates* updates) {
  const std::string rate = updates->LearningRateOf(w);
  const std::string moment = updates->State(w, "_moment");
  const std::string squares =
      updates->StateVector(w.name + "_grad_sq_sum", 1, updates->Float("grad_sq_init"));
  const std::vector<Argument> args = {MakeArgument("momentum", updates->Float("momentum")),
                                      MakeArgument("beta", updates->Float("beta"))};
  std::vector<std::string> inputs = {w.name, moment, squares};
  const std::vector<std::string> outputs = inputs;
  if (w.gradient.IsSparse()) {
    DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient, updates->Deduplicated(w));
    inputs.insert(inputs.end(), {gradient.values, gradient.indices, rate});
    updates->Add("SparseStorm", inputs, outputs, args);
  } else {
    inputs.insert(inputs.end(), {w.gradient.dense, rate});
    updates->Add("Storm", inputs, outputs, args);
  }
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(storm, "StormOptimizer", AddStorm)
    .Doc(
        "STORM (Cutkosky, Orabona 2019): momentum whose weight and rate fall with the norms of "
        "the gradients so far.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.1f); })
    .Arg<float>("momentum", "c of the paper", 10.0f)
    .Arg<float>("beta", "w of the paper: what is added to the sum of squares", 0.1f)
    .Arg<float>("grad_sq_init", "the first sum of squares", 0.01f)
    .FillUsing(StateDedup)
    .FillUsing(StateLars);

}  // namespace
}  // namespace doppio::training
