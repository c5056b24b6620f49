#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status AddWngrad(const Parameter& w, Updates* updates) {
  const std::string rate = updates->LearningRateOf(w);
  const std::string moment =
      updates->StateVector(w.name + "_moment", 1, updates->Float("moment_init"));
  const std::vector<Argument> args = {MakeArgument("epsilon", updates->Float("epsilon"))};
  if (w.gradient.IsSparse()) {
    DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient, updates->Deduplicated(w));
    updates->Add("SparseWngrad", {w.name, moment, gradient.indices, gradient.values, rate},
                 {w.name, moment}, args, updates->Text("engine"));
  } else {
    updates->Add("Wngrad", {w.name, moment, w.gradient.dense, rate}, {w.name, moment}, args,
                 updates->Text("engine"));
  }
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(wngrad, "WngradOptimizer", AddWngrad)
    .Doc(
        "WNGrad (Wu, Ward, Bottou 2018): one rate for a parameter, which falls with its gradient's "
        "norm.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 1.0f); })
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 1e-9f); })
    .Arg<float>("moment_init", "what the rate is divided by at first", 100.0f)
    .FillUsing(StateDedup)
    .FillUsing(StateEngine)
    .FillUsing(StateLars);

}  // namespace
}  // namespace doppio::training
