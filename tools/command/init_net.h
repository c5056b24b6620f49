#ifndef DOPPIO_TOOLS_COMMAND_INIT_NET_H_
#define DOPPIO_TOOLS_COMMAND_INIT_NET_H_

#include <string>

#include "doppio/net_builder.h"
#include "doppio/tensor.h"

namespace doppio::tools {

// Adds the operator that fills `blob` with this tensor. Unimplemented where there is none that
// gives exactly that: for some types, and for doubles that are no floats.
absl::Status AddFill(const std::string& blob, const Tensor& tensor, NetBuilder* net);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_INIT_NET_H_
