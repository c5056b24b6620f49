#ifndef DOPPIO_TOOLS_COMMAND_DATABASE_RECORD_H_
#define DOPPIO_TOOLS_COMMAND_DATABASE_RECORD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/status.h"

namespace doppio::tools {

// What the value of a record is: what a training reads (TensorProtos, CaffeDatum), a part of a
// checkpoint (BlobProto), or something else.
enum class RecordKind { kTensors, kDatum, kBlob, kUnknown };
absl::string_view RecordKindName(RecordKind kind);

// One thing in a record.
struct RecordPart {
  std::string name;   // empty where the record has none
  std::string type;   // "uint8", or "PNG" and "JPEG" for the bytes of a picture
  std::string shape;  // "[28,28]"; empty for the bytes of a picture
};

struct RecordContent {
  RecordKind kind = RecordKind::kUnknown;
  std::vector<RecordPart> parts;
  std::optional<double> label;  // where it is a single number
};

// Damaged values are errors; so are pictures that can not be decoded, with `decodes`.
absl::StatusOr<RecordContent> ReadRecord(absl::string_view key, const std::string& value,
                                         bool decodes);

// How `other` differs from what the first record of a database has; empty where it does not. Shapes
// may differ: of pictures, and of lists of labels.
std::string Difference(const RecordContent& first, const RecordContent& other);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_DATABASE_RECORD_H_
