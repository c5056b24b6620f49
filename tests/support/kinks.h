#ifndef DOPPIO_TESTS_SUPPORT_KINKS_H_
#define DOPPIO_TESTS_SUPPORT_KINKS_H_

#include <vector>

#include "doppio/op_def.h"
#include "doppio/tensor.h"

namespace doppio {

// How far the inputs' elements are from a point where a derivative of the operator jumps: the
// least |x| of Relu, the least difference between the two greatest operands of Max. Infinite for a
// smooth operator, and for one that is not known here. An operand given twice is one operand:
// Max(x, x) is smooth.
double DistanceToKink(const OperatorDef& def, const std::vector<Tensor>& inputs);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_KINKS_H_
