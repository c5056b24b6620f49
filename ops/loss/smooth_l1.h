#ifndef DOPPIO_OPS_LOSS_SMOOTH_L1_H_
#define DOPPIO_OPS_LOSS_SMOOTH_L1_H_

// A parabola around 0 that goes on as a straight line (Girshick, Fast R-CNN, 2015).

#include <cmath>

#include "ops/loss/total_loss.h"

namespace doppio {

inline void StateSmoothL1(OpSchema& schema) {
  schema.FillUsing(StateScale)
      .Arg<float>("beta", "the difference, above 0, from which on the loss is a straight line",
                  1.0f);
}

struct SmoothL1 {
  explicit SmoothL1(ArgumentReader* args)
      : scale(ReadScale(args)), beta(args->GetSingleArgument<float>("beta", 1.0f)) {
    if (beta > 0) return;
    args->Fail(absl::InvalidArgumentError(absl::StrCat("beta is ", beta, ", must be above 0")));
  }

  double Loss(double x) const {
    const double size = std::abs(x);
    return size < beta ? 0.5 * x * x / beta : size - 0.5 * beta;
  }
  double Slope(double x) const {
    if (std::abs(x) < beta) return x / beta;
    return x != x ? x : std::copysign(1.0, x);
  }

  double scale;
  double beta;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_SMOOTH_L1_H_
