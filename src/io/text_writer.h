#ifndef DOPPIO_IO_TEXT_WRITER_H_
#define DOPPIO_IO_TEXT_WRITER_H_

#include <google/protobuf/io/zero_copy_stream.h>
#include <google/protobuf/message.h>

#include "doppio/status.h"

namespace doppio {
namespace io {

// Writes a message of net.proto as protobuf's own printer does, to the letter, and many times
// faster where there are numbers. The message has no unknown fields.
absl::Status WriteText(const google::protobuf::Message& message,
                       google::protobuf::io::ZeroCopyOutputStream* out);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_TEXT_WRITER_H_
