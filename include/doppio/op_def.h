#ifndef DOPPIO_OP_DEF_H_
#define DOPPIO_OP_DEF_H_

// Making and reading OperatorDefs.
//
// Threads: all functions may be called from many at once.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

// An argument by the type of its value: bool and whole numbers go to `i`, float and double to `f`,
// strings to `s`, vectors to `ints`, `floats` and `strings`, a NetDef to `n`.
template <typename T>
Argument MakeArgument(absl::string_view name, const T& value);
Argument MakeArgument(absl::string_view name, const char* value);

// `name` is set even where it is empty, as Caffe2 does.
OperatorDef CreateOperatorDef(absl::string_view type, absl::string_view name,
                              absl::Span<const std::string> inputs,
                              absl::Span<const std::string> outputs,
                              absl::Span<const Argument> args = {});

// The argument of that name, or null.
const Argument* FindArgument(const OperatorDef& def, absl::string_view name);

// "Expand(X, shape) -> Y".
std::string OpToString(const OperatorDef& def);

// The fields that are set in `defaults` and not in `option` are taken over.
void MergeDeviceOption(const DeviceOption& defaults, DeviceOption* option);

}  // namespace doppio

#endif  // DOPPIO_OP_DEF_H_
