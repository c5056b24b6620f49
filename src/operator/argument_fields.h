#ifndef DOPPIO_OPERATOR_ARGUMENT_FIELDS_H_
#define DOPPIO_OPERATOR_ARGUMENT_FIELDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

// The names of the fields that hold a value: "ints", "f and s", ...; "nothing" when there is none.
std::string FilledFields(const Argument& arg);

// A list without elements leaves no trace in the format: the argument has its name only.
bool IsEmptyList(const Argument& arg);

// Equal in every field.
bool SameArgument(const Argument& a, const Argument& b);

absl::Status WrongField(const Argument& arg, absl::string_view wanted);

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_ARGUMENT_FIELDS_H_
