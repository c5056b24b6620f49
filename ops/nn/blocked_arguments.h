#ifndef DOPPIO_OPS_NN_BLOCKED_ARGUMENTS_H_
#define DOPPIO_OPS_NN_BLOCKED_ARGUMENTS_H_

// What OptimizeNet leaves to an operator of blocked tensors beside its own work: the arguments that
// say so, read and stated.

#include <string>

#include "doppio/operator.h"
#include "src/dnn/channel_slice.h"
#include "src/dnn/post_operations.h"

namespace doppio {

// The function that the operator `type` (Relu, Clip, ...) with these arguments computes; the
// algorithm is undef where oneDNN has none.
DnnlActivation ActivationOf(const std::string& type, ArgumentReader* args);

// `sum` and `activation`, and the arguments of the activation.
PostOperations ReadPostOperations(OperatorInit* init);
void StatePostOperations(OpSchema& schema);

// `into_channels`, which is 0 where the result is no part of anything, `first_channel`, and
// `continues`: the operator's last input holds other parts.
ChannelSlice ReadChannelSlice(OperatorInit* init);
void StateChannelSlice(OpSchema& schema);

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_BLOCKED_ARGUMENTS_H_
