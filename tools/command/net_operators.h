#ifndef DOPPIO_TOOLS_COMMAND_NET_OPERATORS_H_
#define DOPPIO_TOOLS_COMMAND_NET_OPERATORS_H_

#include <set>
#include <string>

#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio::tools {

// The operators that a program must have to run `net`: those of the net, of nets in its arguments,
// and those that Predictor may put in their place.
std::set<std::string> OperatorsOfNet(const NetDef& net);

// Their list, a line each with the source that registers it, as the CMake option DOPPIO_OPERATORS
// takes it. NotFound for operators that are not there or are no part of doppio; all of them are
// named.
absl::StatusOr<std::string> ListOfSources(const std::set<std::string>& types);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_NET_OPERATORS_H_
