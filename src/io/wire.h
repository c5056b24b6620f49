#ifndef DOPPIO_IO_WIRE_H_
#define DOPPIO_IO_WIRE_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>
#include <vector>

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
  // Long lists of numbers in Argument.floats, each with its tag as files have them, in order.
  std::vector<absl::string_view> floats;
};

// Walks through binary data as a message of this type without building the message: protobuf's
// parser says only that data is bad, this says where, and before anything is allocated. DataLoss
// when the data is not well-formed, ResourceExhausted when it goes beyond max_nesting or
// max_operators. Fields that do not fit the type are only counted: protobuf keeps them as unknown.
absl::Status CheckWire(absl::string_view bytes, const google::protobuf::Descriptor* type,
                       const Limits& limits, WireReport* report);

// A field in binary data: its tag, and what stands behind it, of a string or message without the
// length.
struct WireField {
  uint32_t tag = 0;
  absl::string_view content;

  int number() const { return static_cast<int>(tag >> 3); }
  bool has_length() const { return (tag & 7) == 2; }
};

// Takes the field that *bytes begin with. False, and nothing is taken, where they end, where a
// group begins (no writer of these messages makes any) and where they are not well-formed.
bool TakeField(absl::string_view* bytes, WireField* field);

// Whether this is UTF-8 without control characters other than line breaks and tabs.
bool IsPrintableUtf8(absl::string_view text);

// Whether this is UTF-8 (no overlong forms, no surrogates).
bool IsUtf8(absl::string_view text);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_WIRE_H_
