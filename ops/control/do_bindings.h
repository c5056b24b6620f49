#ifndef DOPPIO_OPS_CONTROL_DO_BINDINGS_H_
#define DOPPIO_OPS_CONTROL_DO_BINDINGS_H_

#include <map>
#include <string>

#include "doppio/arguments.h"

namespace doppio {

// Which blobs the net of a Do sees: by the name in the net, that of an input or output of the
// operator. One to one.
absl::StatusOr<std::map<std::string, std::string>> ReadDoBindings(ArgumentReader* args);

}  // namespace doppio

#endif  // DOPPIO_OPS_CONTROL_DO_BINDINGS_H_
