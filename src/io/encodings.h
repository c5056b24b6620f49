#ifndef DOPPIO_IO_ENCODINGS_H_
#define DOPPIO_IO_ENCODINGS_H_

#include <google/protobuf/io/zero_copy_stream.h>
#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/proto_io.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// How well some data fits a message type.
struct Fit {
  bool possible = false;    // the data is well-formed
  bool complete = false;    // it has what makes a message of the type worth having
  int64_t strangeness = 0;  // grows with all that a writer of the type would not have written
};

using MessageTypes = std::vector<const google::protobuf::Descriptor*>;

// One way of writing messages. A new one is a file like text_format.cc, an entry in
// AllEncodings() and a value of Encoding.
class ProtoEncoding {
 public:
  virtual ~ProtoEncoding() = default;

  virtual Encoding encoding() const = 0;
  // Whether these bytes, which are not empty, are in this encoding rather than in those after it.
  virtual bool Recognises(absl::string_view bytes) const = 0;
  // Fills *message, which is clear, and says how well the data fits its type. Required fields may
  // be missing afterwards.
  virtual absl::Status Parse(absl::string_view bytes, const Limits& limits,
                             google::protobuf::Message* message, Fit* fit) const = 0;
  virtual absl::Status Write(const google::protobuf::Message& message,
                             google::protobuf::io::ZeroCopyOutputStream* out) const = 0;
  // How well the data fits each of these types, as far as that can be seen without building a
  // message.
  virtual std::vector<Fit> FitsOf(absl::string_view bytes, const MessageTypes& types,
                                  const Limits& limits) const = 0;
};

const ProtoEncoding& JsonEncoding();
const ProtoEncoding& TextEncoding();
const ProtoEncoding& BinaryEncoding();

// In the order in which they are tried; the last one takes everything.
const std::vector<const ProtoEncoding*>& AllEncodings();
const ProtoEncoding& EncodingOf(absl::string_view bytes);

// DescribeBytes, with the strangeness of the data as what it is described to be.
FileDescription Describe(absl::string_view bytes, const Limits& limits, int64_t* strangeness);

// ResourceExhausted when the message holds more operators, subnets included, than the limit.
absl::Status CheckOperatorCount(const google::protobuf::Message& message, const Limits& limits);

// Helpers of the encodings.

// The outermost fields of some data: number -> the first value's text, where it has one.
using FieldTexts = std::map<int, absl::string_view>;

// Fit::complete of a message with these fields.
bool IsComplete(const google::protobuf::Descriptor* type, const FieldTexts& fields);

// The fits of text or JSON whose outermost fields' names stand at this bracket depth.
std::vector<Fit> FitsOfNames(absl::string_view text, int depth, const MessageTypes& types);

// The message in binary; FailedPrecondition when it holds what only the binary encoding can carry:
// unknown fields, deeper nesting and, if `utf8_only`, strings that are not UTF-8.
absl::StatusOr<std::string> SerializeForText(const google::protobuf::Message& message,
                                             int max_nesting, bool utf8_only);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_ENCODINGS_H_
