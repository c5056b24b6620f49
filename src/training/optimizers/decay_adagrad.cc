#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status AddDecayAdagrad(const Parameter& w, Updates* updates) {
  const std::string rate = updates->LearningRate();
  const Argument epsilon = MakeArgument("epsilon", updates->Float("epsilon"));
  if (w.gradient.IsSparse()) {
    if (updates->Float("weight_decay") != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("weight_decay: the gradient of \"", w.name, "\" is sparse"));
    }
    const std::string squares = updates->State(w, "_squared_sum");
    updates->Add("SparseAdagrad", {w.name, squares, w.gradient.indices, w.gradient.values, rate},
                 {w.name, squares}, {epsilon});
    return absl::OkStatus();
  }
  const std::string mean = updates->State(w, "_first_mo1ment");  // the front end's name
  const std::string squares = updates->State(w, "_second_moment");
  updates->Add("DecayAdagrad",
               {w.name, mean, squares, w.gradient.dense, rate, updates->Iteration()},
               {w.name, mean, squares},
               {MakeArgument("beta1", updates->Float("beta1")),
                MakeArgument("beta2", updates->Float("beta2")), epsilon,
                MakeArgument("weight_decay", updates->Float("weight_decay")),
                MakeArgument("bias_correction_first", updates->Bool("bias_correction_first"))});
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(decay_adagrad, "DecayAdagradOptimizer", AddDecayAdagrad)
    .Doc(
        "Adagrad that forgets: Adam with a large epsilon, and mostly without a mean. Of sparse "
        "gradients it is adagrad, without weight_decay.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.01f); })
    .Arg<float>("beta1", "what the running mean keeps of itself in a step", 0.0f)
    .Arg<float>("beta2", "the same of the mean of squares", 0.999f)
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 0.1f); })
    .Arg<bool>("bias_correction_first", "correct the mean for its start at 0", true);

}  // namespace
}  // namespace doppio::training
