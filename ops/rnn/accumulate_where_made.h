#ifndef DOPPIO_OPS_RNN_ACCUMULATE_WHERE_MADE_H_
#define DOPPIO_OPS_RNN_ACCUMULATE_WHERE_MADE_H_

#include <string>
#include <vector>

#include "doppio/op_def.h"

namespace doppio {

// What a step adds to a sum over all steps.
struct StepSum {
  std::string part;  // blob that the step writes
  std::string sum;   // blob outside, of the same type and shape
};

// Adds to the net that each step runs what takes its parts into the sums. An operator OP for which
// there is an operator OPAccumulate (FCGradientAccumulate) becomes that one, which adds to the sums
// what OP would have written, where nothing else uses the parts; nobody outside sees the blobs of
// one step's gradients. Other parts get a Sum at the end of the net.
//
// OPAccumulate takes, after the inputs of OP, the sums, which are its outputs in place. It can not
// leave one of them out.
void AccumulateWhereMade(const std::vector<StepSum>& sums, NetDef* net);

}  // namespace doppio

#endif  // DOPPIO_OPS_RNN_ACCUMULATE_WHERE_MADE_H_
