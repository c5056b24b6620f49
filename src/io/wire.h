#ifndef DOPPIO_IO_WIRE_H_
#define DOPPIO_IO_WIRE_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// What CheckWire found in binary data that it read as a message of some type.
struct WireReport {
  int64_t unknown_fields = 0;    // fields of no known number, of another wire type, or enum values
  int64_t odd_strings = 0;       // strings that are not printable UTF-8
  int64_t repeated_singles = 0;  // fields that a writer writes once, but that stand there again
  std::string first_unknown;     // such as "op[2].arg[0]: field 77"
  std::string first_not_utf8;    // such as "op[2].name"
};

// Walks through binary data as a message of this type without building the message: protobuf's
// parser says only that data is bad, this says where, and before anything is allocated. DataLoss
// when the data is not well-formed, ResourceExhausted when it goes beyond max_nesting or
// max_operators. Fields that do not fit the type are only counted: protobuf keeps them as unknown.
absl::Status CheckWire(absl::string_view bytes, const google::protobuf::Descriptor* type,
                       const Limits& limits, WireReport* report);

// Whether this is UTF-8 without control characters other than line breaks and tabs.
bool IsPrintableUtf8(absl::string_view text);

// Whether this is UTF-8 (no overlong forms, no surrogates).
bool IsUtf8(absl::string_view text);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_WIRE_H_
