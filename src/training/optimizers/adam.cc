#include "src/training/updates.h"

namespace doppio::training {
namespace {

absl::Status CheckVariant(const Parameter& w, bool is_row_wise, bool is_smart, Updates* updates) {
  const bool is_rectified = updates->Bool("enableRAdam");
  if (is_row_wise + is_smart + is_rectified > 1) {
    return absl::InvalidArgumentError(
        "rowWise, use_smart_decay and enableRAdam do not go together: there is no such operator");
  }
  if (w.gradient.IsDense() && (is_row_wise || is_smart)) {
    return absl::InvalidArgumentError(absl::StrCat(is_row_wise ? "rowWise" : "use_smart_decay",
                                                   " is for sparse gradients, but that of \"",
                                                   w.name, "\" is dense"));
  }
  return absl::OkStatus();
}

absl::Status AddAdam(const Parameter& w, Updates* updates) {
  const bool is_row_wise = updates->Bool("rowWise");
  const bool is_smart = updates->Bool("use_smart_decay");
  DOPPIO_RETURN_IF_ERROR(CheckVariant(w, is_row_wise, is_smart, updates));
  const std::string rate = updates->LearningRate();
  const std::string iteration = updates->Iteration();
  const std::string mean = updates->State(w, "_first_moment");
  const std::string squares = is_row_wise ? updates->StateOfRows(w, "_avg_second_moment")
                                          : updates->State(w, "_second_moment");
  std::vector<Argument> args = {MakeArgument("beta1", updates->Float("beta1")),
                                MakeArgument("beta2", updates->Float("beta2")),
                                MakeArgument("epsilon", updates->Float("epsilon"))};
  if (w.gradient.IsDense()) {
    updates->Add("Adam", {w.name, mean, squares, w.gradient.dense, rate, iteration},
                 {w.name, mean, squares}, args);
    return absl::OkStatus();
  }
  std::vector<std::string> inputs = {w.name, mean, squares};
  std::vector<std::string> outputs = inputs;
  if (is_smart) {
    outputs.push_back(updates->StateOfRows(w, "_last_seen", DataType::kInt64));
    inputs.push_back(outputs.back());
  }
  DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient, updates->Deduplicated(w));
  inputs.insert(inputs.end(), {gradient.indices, gradient.values, rate, iteration});
  if (!is_row_wise && !is_smart) {
    args.push_back(MakeArgument("enableRAdam", updates->Bool("enableRAdam")));
  }
  updates->Add(is_row_wise ? "RowWiseSparseAdam"
               : is_smart  ? "SmartDecaySparseAdam"
                           : "SparseAdam",
               inputs, outputs, args);
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(adam, "AdamOptimizer", AddAdam)
    .Doc(
        "Adam (Kingma, Ba 2014): steps by the running mean of the gradient, divided by the root of "
        "that of its square. The iteration counts from 1 and the operator's t is one more, as in "
        "Caffe2: the first step corrects by 1 - beta^2.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.001f); })
    .Arg<float>("beta1", "what the running mean keeps of itself in a step", 0.9f)
    .Arg<float>("beta2", "the same of the mean of squares", 0.999f)
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 1e-8f); })
    .Arg<bool>("rowWise", "one mean of squares for each row, of sparse gradients", false)
    .Arg<bool>("enableRAdam", "the rectified step (Liu et al. 2019), of sparse gradients", false)
    .Arg<bool>("use_smart_decay",
               "of sparse gradients: rows that were not there decay as if they had been", false)
    .FillUsing(StateDedup);

}  // namespace
}  // namespace doppio::training
