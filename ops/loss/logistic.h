#ifndef DOPPIO_OPS_LOSS_LOGISTIC_H_
#define DOPPIO_OPS_LOSS_LOGISTIC_H_

// Functions of a logit that losses are made of, without overflow.

#include <algorithm>
#include <cmath>

namespace doppio {

// log(1 + exp(x)).
inline double Softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
inline double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
// a * b, and nothing of infinity where there is nothing of it.
inline double Times(double a, double b) { return a == 0 ? 0 : a * b; }

// Cross entropy of the target t and Sigmoid(x).
inline double LogisticLoss(double x, double t) {
  return Times(x >= 0 ? 1 - t : -t, x) + std::log1p(std::exp(-std::abs(x)));
}

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_LOGISTIC_H_
