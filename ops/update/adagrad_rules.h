#ifndef DOPPIO_OPS_UPDATE_ADAGRAD_RULES_H_
#define DOPPIO_OPS_UPDATE_ADAGRAD_RULES_H_

#include <cmath>

#include "ops/update/update_operator.h"

namespace doppio {

// How operators update the rows of a table by Adagrad. Both classes read their arguments, which
// State() states.

// With a moment for each parameter.
class ElementAdagrad {
 public:
  explicit ElementAdagrad(OperatorInit* init)
      : step_{0, init->GetSingleArgument<float>("epsilon"), 1,
              init->GetSingleArgument<float>("weight_decay")} {}

  static void State(OpSchema& schema) {
    schema.Arg<float>("epsilon", "is added to the root of the moment", 1e-5f)
        .Arg<float>("weight_decay", "of the parameters, which are added to their gradient", 0.0f);
  }

  void SetRate(float lr) { step_.lr = lr; }

  // Updates a row of n parameters, and its moments, by scale times grad.
  void Update(int64_t row, int64_t n, float scale, const float* grad, float* param,
              float* moment) const {
    AdagradStep step = step_;
    step.scale = scale;
    float* w = param + row * n;
    float* h = moment + row * n;
    TakeStep(step, n, grad, {w, w}, {h, h}, nullptr, nullptr);
  }

 private:
  AdagradStep step_;
};

// With one moment for each row.
class RowWiseAdagrad {
 public:
  explicit RowWiseAdagrad(OperatorInit* init)
      : epsilon_(init->GetSingleArgument<float>("epsilon")),
        weight_decay_(init->GetSingleArgument<float>("weight_decay")),
        counter_halflife_(init->GetSingleArgument<int64_t>("counter_halflife")) {}

  static void State(OpSchema& schema) {
    ElementAdagrad::State(schema);
    schema.Arg<int64_t>("counter_halflife",
                        "above 0: weight_decay is multiplied by counter_halflife / counter in rows "
                        "whose counter is above 0, so that rare rows decay more",
                        -1);
  }

  // Whether the weight decay of a row depends on its counter.
  bool NeedsCounter() const { return counter_halflife_ > 0 && weight_decay_ != 0; }

  void SetRate(float lr) { lr_ = lr; }
  // One number for each row, or null.
  void SetCounter(const double* counter) { counter_ = counter; }

  // Updates a row of n parameters, more than none, and its moment, by scale times grad.
  void Update(int64_t row, int64_t n, float scale, const float* grad, float* param,
              float* moment) const {
    ScaledStep step = {0, scale, weight_decay_};
    if (counter_ != nullptr && counter_[row] > 0) {
      step.weight_decay = static_cast<float>(
          weight_decay_ * (static_cast<double>(counter_halflife_) / counter_[row]));
    }
    float* w = param + row * n;
    const double mean = SumOfSquares(step, grad, w, n) / static_cast<double>(n);
    moment[row] = static_cast<float>(moment[row] + mean);
    step.rate = lr_ / (std::sqrt(moment[row]) + epsilon_);
    TakeStep(step, n, grad, {w, w}, nullptr);
  }

 private:
  const float epsilon_;
  const float weight_decay_;
  const int64_t counter_halflife_;
  float lr_ = 0;
  const double* counter_ = nullptr;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_UPDATE_ADAGRAD_RULES_H_
