#ifndef DOPPIO_TESTS_FUZZ_NET_BYTES_H_
#define DOPPIO_TESTS_FUZZ_NET_BYTES_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/proto_io.h"

namespace doppio {

// Reads a net from bytes in any encoding, and looks at it as `doppio check` does; expects that it
// stays the same where it is written as binary, text and JSON and read again.
void TryNetBytes(absl::string_view bytes);

// Expects that a message that can be written in an encoding is read as the same again.
void ExpectReadAsWritten(const google::protobuf::Message& message, Encoding encoding);

// The nets that other tests have files of, in an encoding.
std::vector<std::string> NetSeeds(Encoding encoding);

}  // namespace doppio

#endif  // DOPPIO_TESTS_FUZZ_NET_BYTES_H_
