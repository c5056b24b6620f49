#ifndef DOPPIO_OPS_UPDATE_LEARNING_RATE_POLICY_H_
#define DOPPIO_OPS_UPDATE_LEARNING_RATE_POLICY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "doppio/arguments.h"

namespace doppio {

// The factor of the base learning rate at an iteration (at least 0).
using LearningRatePolicy = std::function<float(int64_t iteration)>;

// The policy of that name, with its arguments, whose names begin with `prefix`. What is wrong with
// them is reported to `args`.
LearningRatePolicy MakeLearningRatePolicy(const std::string& name, const std::string& prefix,
                                          float base_lr, ArgumentReader* args);

// What the policies compute and which arguments they read, for the documentation.
extern const char kLearningRatePolicies[];

}  // namespace doppio

#endif  // DOPPIO_OPS_UPDATE_LEARNING_RATE_POLICY_H_
