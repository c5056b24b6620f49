#include "src/training/updates.h"

namespace doppio::training {
namespace {

// How fast rows that are seen rarely forget, for the operator with a counter of its rows.
absl::Status CheckHalfLife(int64_t halflife, bool is_row_wise) {
  if (halflife == -1 || (halflife > 0 && is_row_wise)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "counter_halflife is ", halflife, ", must be -1 (none) or above 0, and is for rowWise only"));
}

absl::Status AddSparse(const Parameter& w, const std::string& squares, const std::string& rate,
                       std::vector<Argument> args, int64_t halflife, Updates* updates) {
  DOPPIO_ASSIGN_OR_RETURN(const GradientWrapper gradient, updates->Deduplicated(w));
  std::vector<std::string> inputs = {w.name, squares, gradient.indices, gradient.values, rate};
  if (halflife == -1) {
    updates->Add(updates->Bool("rowWise") ? "RowWiseSparseAdagrad" : "SparseAdagrad", inputs,
                 {w.name, squares}, args, updates->Text("engine"));
    return absl::OkStatus();
  }
  const std::string counter = w.name + "_update_counter";
  const std::string last = w.name + "_prev_update_iter";
  inputs.push_back(counter);
  const Argument half = MakeArgument("counter_halflife", halflife);
  if (FindArgument(CreateOperatorDef("", "", {}, {}, args), "weight_decay") != nullptr) {
    args.push_back(half);
  }
  updates->Add("RowWiseSparseAdagrad", inputs, {w.name, squares}, args, updates->Text("engine"));
  updates->Add("RowWiseCounter", {last, counter, gradient.indices, updates->Iteration()},
               {last, counter}, {half});
  return absl::OkStatus();
}

absl::Status AddAdagrad(const Parameter& w, Updates* updates) {
  const bool is_row_wise = updates->Bool("rowWise");
  const int64_t halflife = updates->Int("counter_halflife");
  DOPPIO_RETURN_IF_ERROR(CheckHalfLife(halflife, is_row_wise));
  if (is_row_wise && w.gradient.IsDense()) {
    return absl::InvalidArgumentError(
        absl::StrCat("rowWise is for sparse gradients, but that of \"", w.name, "\" is dense"));
  }
  const float decay = updates->Float("decay");
  if (decay != 1 && w.gradient.IsSparse()) {
    return absl::InvalidArgumentError(absl::StrCat("decay is ", decay, ", but the gradient of \"",
                                                   w.name, "\" is sparse: it must be 1"));
  }
  const std::string rate = updates->LearningRateOf(w);
  const std::string squares =
      is_row_wise ? updates->StateOfRows(w, "_avg_squared_sum") : updates->State(w, "_squared_sum");
  if (halflife > 0) {
    updates->StateOfRows(w, "_update_counter", DataType::kDouble);
    updates->StateOfRows(w, "_prev_update_iter", DataType::kInt64);
  }
  std::vector<Argument> args = {MakeArgument("epsilon", updates->Float("epsilon"))};
  const float weight_decay = updates->Float("weight_decay");
  // As the front end does: vectors, such as biases, do not decay.
  if (weight_decay != 0 && w.dims->size() != 1) {
    args.push_back(MakeArgument("weight_decay", weight_decay));
  }
  if (w.gradient.IsSparse()) return AddSparse(w, squares, rate, args, halflife, updates);
  args.push_back(MakeArgument("decay", decay));
  updates->Add("Adagrad", {w.name, squares, w.gradient.dense, rate}, {w.name, squares}, args,
               updates->Text("engine"));
  return absl::OkStatus();
}

DOPPIO_OPTIMIZER(adagrad, "AdagradOptimizer", AddAdagrad)
    .Doc(
        "Adagrad (Duchi, Hazan, Singer 2011): every element has a rate of its own, which falls "
        "with the sum of its squared gradients.")
    .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.01f); })
    .FillUsing([](OpSchema& schema) { StateEpsilon(schema, 1e-4f); })
    .Arg<float>("decay", "what the sum of squares is multiplied by in every step; dense only", 1.0f)
    .Arg<bool>("rowWise", "one sum of squares for each row, of sparse gradients", false)
    .Arg<int64_t>(
        "counter_halflife",
        "of rowWise: steps until what is counted of a row is half; -1: nothing is counted", -1)
    .FillUsing(StateDedup)
    .FillUsing(StateEngine)
    .FillUsing(StateLars);

}  // namespace
}  // namespace doppio::training
