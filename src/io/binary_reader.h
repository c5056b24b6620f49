#ifndef DOPPIO_IO_BINARY_READER_H_
#define DOPPIO_IO_BINARY_READER_H_

#include <google/protobuf/message.h>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// Reads binary data into *message as protobuf does, and leaves all to it but the weights of init
// nets: `floats`, what CheckWire has found of them. Protobuf adds their millions of numbers one by
// one to lists that move whenever they are full; here a list is made once, at its size. DataLoss
// where the data is not well-formed, or nested more than `max_nesting` deep; else what ended the
// run (doppio/cancellation.h). The message is then left in between.
absl::Status ReadBinary(absl::string_view bytes, absl::Span<const absl::string_view> floats,
                        int max_nesting, google::protobuf::Message* message);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_BINARY_READER_H_
