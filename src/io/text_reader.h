#ifndef DOPPIO_IO_TEXT_READER_H_
#define DOPPIO_IO_TEXT_READER_H_

#include <google/protobuf/message.h>

#include <cstddef>

#include "absl/strings/string_view.h"

namespace doppio {
namespace io {

// Reads text as protobuf's own parser does, many times faster, into a message of net.proto that is
// clear. False where the text is wrong, or written as only people write it (hexadecimal numbers,
// True for true): then the message is left in between, and protobuf's parser is to be asked, which
// takes the text or says what is wrong with it. Nothing is wrong with the first *right bytes, which
// are whole outermost fields.
bool ReadText(absl::string_view text, int max_nesting, google::protobuf::Message* message,
              size_t* right);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_TEXT_READER_H_
