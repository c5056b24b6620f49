#ifndef DOPPIO_KERNEL_OPTIMIZER_H_
#define DOPPIO_KERNEL_OPTIMIZER_H_

// The steps of optimizers, on n elements that lie side by side: all of a tensor, a thread's share
// of them, or a row. An element's result depends neither on n nor on its place. They run on the
// calling thread.

#include <cstdint>

namespace doppio {

// Elements that are read and, changed, written: to the same place or to another tensor. Null where
// an optimizer has no such thing, or the new value is not wanted.
struct Slot {
  const float* in = nullptr;
  float* out = nullptr;

  Slot operator+(int64_t offset) const {
    return {in == nullptr ? nullptr : in + offset, out == nullptr ? nullptr : out + offset};
  }
};

// moment = momentum moment + lr grad. The step is that, or, as Nesterov wants it, (1 + momentum)
// times the new moment less momentum times the old one. grad becomes the step, param loses it.
struct MomentumStep {
  float lr;
  float momentum;
  bool nesterov;
};
void TakeStep(const MomentumStep& step, int64_t n, Slot grad, Slot moment, Slot param);

// g = scale grad + weight_decay param; moment = decay moment + g^2; rate = lr / (sqrt(moment) +
// epsilon); param += rate g, which is the update.
struct AdagradStep {
  float lr;
  float epsilon;
  float decay = 1;
  float weight_decay = 0;
  float scale = 1;
};
void TakeStep(const AdagradStep& step, int64_t n, const float* grad, Slot param, Slot moment,
              float* rate, float* update);

// m1 = decay1 m1 + gain1 grad; m2 = decay2 m2 + gain2 grad^2; the direction is factor (new m1 +
// catch_up old m1) / (sqrt(m2) + epsilon), without the division where not adaptive; param += lr
// (direction + weight_decay param). m2 may be absent where not adaptive.
struct AdamStep {
  float lr;
  float epsilon;
  float decay1;
  float gain1;
  float decay2;
  float gain2;
  float factor = 1;
  float catch_up = 0;
  float weight_decay = 0;
  bool adaptive = true;
};
void TakeStep(const AdamStep& step, int64_t n, const float* grad, Slot param, Slot m1, Slot m2,
              float* direction);

// param += rate (scale grad + weight_decay param), which is the update.
struct ScaledStep {
  float rate;
  float scale = 1;
  float weight_decay = 0;
};
void TakeStep(const ScaledStep& step, int64_t n, const float* grad, Slot param, float* update);

// moment_grad = decay moment_grad + (1 - decay) grad^2; direction = sqrt(moment_delta + epsilon) /
// sqrt(new moment_grad + epsilon) grad; moment_delta = decay moment_delta + (1 - decay)
// direction^2; param += lr direction.
struct AdadeltaStep {
  float lr;
  float epsilon;
  float decay;
};
void TakeStep(const AdadeltaStep& step, int64_t n, const float* grad, Slot param, Slot moment_grad,
              Slot moment_delta);

// squares += (1 - decay) (grad^2 - squares); moment = momentum moment + lr grad / sqrt(epsilon +
// squares); grad becomes the moment.
struct RmsPropStep {
  float lr;
  float epsilon;
  float decay;
  float momentum;
};
void TakeStep(const RmsPropStep& step, int64_t n, Slot grad, Slot squares, Slot moment);

// moment = grad + (1 - alpha) (moment - grad); param += rate moment.
struct StormStep {
  float rate;
  float alpha;
};
void TakeStep(const StormStep& step, int64_t n, const float* grad, Slot param, Slot moment);

// mean = decay mean + (1 - decay) grad, and squares the same of grad^2.
struct AverageStep {
  float decay;
};
void TakeStep(const AverageStep& step, int64_t n, const float* grad, Slot mean, Slot squares);

// n_z has a pair for every element. n' = n + grad^2; z += grad - (sqrt(n') - sqrt(n)) param /
// alpha; param = 0 where |z| <= lambda1, otherwise (sign(z) lambda1 - z) / ((beta + sqrt(n')) /
// alpha + lambda2).
struct FtrlStep {
  float alpha_inverse;
  float beta;
  float lambda1;
  float lambda2;
};
void TakeStep(const FtrlStep& step, int64_t n, const float* grad, Slot param, Slot n_z);

// The same where elements belong to groups: norm has that of all new z of an element's group, and
// param = 0 where norm <= lambda1, otherwise z (lambda1 / norm - 1) / ((beta + sqrt(n')) / alpha +
// lambda2).
void TakeGroupStep(const FtrlStep& step, int64_t n, const float* grad, Slot param, Slot n_z,
                   const float* norm);
// The new z alone.
void NextZ(const FtrlStep& step, int64_t n, const float* grad, const float* param, const float* n_z,
           float* z);

// The sum of a[i] b[i], in an order that n alone determines.
double SumOfProducts(const float* a, const float* b, int64_t n);
// The sum of (scale grad[i] + weight_decay param[i])^2.
double SumOfSquares(const ScaledStep& step, const float* grad, const float* param, int64_t n);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_OPTIMIZER_H_
