#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status AddRmsProp(const Parameter& w, Updates* updates) {
  DOPPIO_RETURN_IF_ERROR(updates->NoSparse(w));
  const std::string one = updates->One();
  const std::string rate = updates->LearningRate(-1);
  const std::vector<Argument> zeros = {MakeArgument("values", 0.0f)};
  const std::string step = updates->State(w, "_grad_o", zeros);
  const std::string squares = updates->State(w, "_mean_squares", zeros);
  const std::string velocity = updates->State(w, "_momentum", zeros);
  updates->Add("RmsProp", {w.gradient.dense, squares, velocity, one}, {step, squares, velocity},
               {MakeArgument("decay", updates->Float("decay")),
                MakeArgument("momentum", updates->Float("momentum")),
                MakeArgument("epsilon", updates->Float("epsilon"))},
               updates->Text("engine"));
  updates->Add("MomentumSGDUpdate", {step, velocity, rate, w.name}, {step, velocity, w.name});
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(rmsprop, "RmsPropOptimizer", AddRmsProp)
    .Doc(
        "RMSProp (Hinton 2012): gradients divided by the root of the running mean of their "
        "squares.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.01f); })
    .Arg<float>("decay", "what the running mean of squares keeps of itself in a step", 0.9f)
    .Arg<float>("momentum", "how much of the last step is taken again", 0.0f)
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 1e-5f); })
    .FillUsing(StateEngine);

}  // namespace
}  // namespace doppio::training
