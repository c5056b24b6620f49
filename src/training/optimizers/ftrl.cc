#include "src/training/updates.h"

namespace doppio::training {
namespace {

std::vector<Argument> Arguments(Updates* updates) {
  return {MakeArgument("alpha", updates->Float("learning_rate")),
          MakeArgument("beta", updates->Float("beta")),
          MakeArgument("lambda1", updates->Float("lambda1")),
          MakeArgument("lambda2", updates->Float("lambda2"))};
}

// Two numbers for each element.
std::string StateOf(const Parameter& w, absl::string_view suffix, Updates* updates) {
  return updates->State(
      w, suffix,
      {MakeArgument("extra_shape", std::vector<int64_t>{2}), MakeArgument("value", 0.0f)});
}

absl::Status AddFtrl(const Parameter& w, Updates* updates) {
  const std::string nz = StateOf(w, "_ftrl_nz", updates);
  if (w.gradient.IsSparse()) {
    DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient, updates->Deduplicated(w));
    updates->Add("SparseFtrl", {w.name, nz, gradient.indices, gradient.values}, {w.name, nz},
                 Arguments(updates), updates->Text("engine"));
  } else {
    updates->Add("Ftrl", {w.name, nz, w.gradient.dense}, {w.name, nz}, Arguments(updates),
                 updates->Text("engine"));
  }
  return absl::OkStatus();
}

absl::Status AddGFtrl(const Parameter& w, Updates* updates) {
  DOPPIO_RETURN_IF_ERROR(updates->NoSparse(w));
  const std::string nz = StateOf(w, "_gftrl_nz", updates);
  updates->Add("GFtrl", {w.name, nz, w.gradient.dense}, {w.name, nz}, Arguments(updates),
               updates->Text("engine"));
  return absl::OkStatus();
}

void StateFtrl(OpSchema& schema) {
  schema.Arg<float>("learning_rate", "above 0; it follows no policy", 0.01f)
      .Arg<float>("beta", "added to the root of the sum of squares", 1e-4f)
      .Arg<float>("lambda1", "how much absolute values cost: makes parameters 0", 0.0f)
      .Arg<float>("lambda2", "how much squares cost", 0.0f);
  StateEngine(schema);
}

DOPPIO_OPTIMIZER(ftrl, "FtrlOptimizer", AddFtrl)
    .Doc("Follow the regularized leader (McMahan et al. 2013), for sparse models.")
    .FillUsing(StateFtrl)
    .FillUsing(StateDedup);

DOPPIO_OPTIMIZER(gftrl, "GFtrlOptimizer", AddGFtrl)
    .Doc("ftrl that makes whole groups 0 (Ni et al. 2019): a group is a column of the parameter.")
    .FillUsing(StateFtrl);

}  // namespace
}  // namespace doppio::training
