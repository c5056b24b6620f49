#include "src/training/updates.h"

namespace doppio::training {
namespace {

// Numbers that the operator keeps from step to step.
constexpr int64_t kScalars = 5;

absl::Status AddYellowFin(const Parameter& w, Updates* updates) {
  DOPPIO_RETURN_IF_ERROR(updates->NoSparse(w));
  const int64_t width = updates->Int("curv_win_width");
  const std::string moment = updates->State(w, "_moment");
  const std::string window = updates->StateVector(w.name + "_curv_win", width, 0);
  const std::string mean = updates->State(w, "_g_avg");
  const std::string squares = updates->State(w, "_g2_avg");
  const std::string rate =
      updates->StateVector(w.name + "_lr_avg", 1, updates->Float("learning_rate"));
  const std::string momentum = updates->StateVector(w.name + "_mu_avg", 1, updates->Float("mu"));
  const std::string scalars = updates->StateVector(w.name + "_scalars_memory", kScalars, 0);
  std::vector<std::string> inputs = {w.name, moment, rate,    momentum,
                                     window, mean,   squares, scalars};
  const std::vector<std::string> outputs = inputs;
  inputs.insert(inputs.end(), {w.gradient.dense, updates->Iteration()});
  updates->Add(
      "YellowFin", inputs, outputs,
      {MakeArgument("beta", updates->Float("beta")),
       MakeArgument("epsilon", updates->Float("epsilon")), MakeArgument("curv_win_width", width),
       MakeArgument("zero_debias", updates->Bool("zero_debias"))});
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(yellowfin, "YellowFinOptimizer", AddYellowFin)
    .Doc(
        "YellowFin (Zhang, Mitliagkas 2017): momentum SGD that tunes its rate and momentum itself, "
        "for every parameter.")
    .Arg<float>("learning_rate", "above 0: the first one", 0.1f)
    .Arg<float>("mu", "the first momentum", 0.0f)
    .Arg<float>("beta", "what running means keep of themselves in a step", 0.999f)
    .Arg<int64_t>("curv_win_width", "over how many steps the curvature's range is taken", 20)
    .Arg<bool>("zero_debias", "correct running means for their start at 0", true)
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 1e-6f); });

}  // namespace
}  // namespace doppio::training
