#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status AddSgd(const Parameter& w, Updates* updates) {
  const float momentum = updates->Float("momentum");
  // WeightedSum adds what the rate says, the operators with a momentum subtract it.
  const std::string rate = updates->LearningRateOf(w, momentum == 0 ? 1.0f : -1.0f);
  const std::string one = updates->One();
  DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient,
                          w.gradient.IsSparse() ? updates->Deduplicated(w)
                                                : absl::StatusOr<GradientWrapper>(w.gradient));
  if (momentum == 0) {
    if (gradient.IsSparse()) {
      updates->Add("ScatterWeightedSum", {w.name, one, gradient.indices, gradient.values, rate},
                   {w.name});
    } else {
      updates->Add("WeightedSum", {w.name, one, gradient.dense, rate}, {w.name});
    }
    return absl::OkStatus();
  }
  const std::string velocity = updates->State(w, "_momentum");
  const std::vector<Argument> args = {MakeArgument("momentum", momentum),
                                      MakeArgument("nesterov", updates->Bool("nesterov"))};
  if (gradient.IsSparse()) {
    updates->Add("SparseMomentumSGDUpdate",
                 {gradient.values, velocity, rate, w.name, gradient.indices},
                 {gradient.values, velocity, w.name}, args);
  } else {
    updates->Add("MomentumSGDUpdate", {gradient.dense, velocity, rate, w.name},
                 {gradient.dense, velocity, w.name}, args);
  }
  return absl::OkStatus();
}

void StateSgd(OpSchema& schema) {
  StateLearningRate(schema, 0.01f);
  schema.Arg<float>("momentum", "how much of the last step is taken again", 0.0f)
      .Arg<bool>("nesterov", "the momentum of Nesterov, where there is one", true);
  StateDedup(schema);
}

DOPPIO_OPTIMIZER(sgd, "SgdOptimizer", AddSgd)
    .Doc("Gradient descent: w = w - learning_rate * gradient, or with a momentum.")
    .FillUsing(StateSgd)
    .FillUsing(StateLars);

DOPPIO_OPTIMIZER(lars, "SgdOptimizer", AddSgd)
    .Doc("sgd with layer-wise rates (You, Gitman, Ginsburg 2017): the operator Lars.")
    .FillUsing(StateSgd)
    .Arg<float>("lars", "at least 0: the offset of the operator Lars", 0.5f);

}  // namespace
}  // namespace doppio::training
