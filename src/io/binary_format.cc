#include <limits>

#include "src/io/binary_reader.h"
#include "src/io/encodings.h"
#include "src/io/wire.h"

namespace doppio {
namespace io {
namespace {

constexpr size_t kMaxMessageBytes = std::numeric_limits<int>::max();

// The texts of the outermost fields. The data has passed CheckWire.
FieldTexts OutermostFields(absl::string_view bytes) {
  FieldTexts fields;
  WireField field;
  while (TakeField(&bytes, &field)) {
    fields.emplace(field.number(), field.has_length() ? field.content : absl::string_view());
  }
  return fields;
}

Fit FitOfReport(absl::string_view bytes, const google::protobuf::Descriptor* type,
                const WireReport& report) {
  return {true, IsComplete(type, OutermostFields(bytes)),
          2 * report.unknown_fields + 4 * report.odd_strings + report.repeated_singles};
}

class Binary final : public ProtoEncoding {
 public:
  Encoding encoding() const override { return Encoding::kBinary; }

  bool Recognises(absl::string_view) const override { return true; }

  absl::Status Parse(absl::string_view bytes, const Limits& limits,
                     google::protobuf::Message* message, Fit* fit) const override {
    if (bytes.size() > kMaxMessageBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(bytes.size(), " bytes: messages end at 2 GiB"));
    }
    WireReport report;
    DOPPIO_RETURN_IF_ERROR(CheckWire(bytes, message->GetDescriptor(), limits, &report));
    *fit = FitOfReport(bytes, message->GetDescriptor(), report);
    return ReadBinary(bytes, report.floats, limits.max_nesting, message);
  }

  absl::Status Write(const google::protobuf::Message& message,
                     google::protobuf::io::ZeroCopyOutputStream* out) const override {
    if (message.ByteSizeLong() > kMaxMessageBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(message.ByteSizeLong(), " bytes: messages end at 2 GiB"));
    }
    if (message.SerializePartialToZeroCopyStream(out)) return absl::OkStatus();
    return absl::DataLossError("cannot write the message");
  }

  std::vector<Fit> FitsOf(absl::string_view bytes, const MessageTypes& types,
                          const Limits& limits) const override {
    std::vector<Fit> fits(types.size());
    if (bytes.size() > kMaxMessageBytes) return fits;
    for (size_t i = 0; i < types.size(); ++i) {
      WireReport report;
      if (!CheckWire(bytes, types[i], limits, &report).ok()) continue;
      fits[i] = FitOfReport(bytes, types[i], report);
    }
    return fits;
  }
};

}  // namespace

const ProtoEncoding& BinaryEncoding() {
  static const Binary* const encoding = new Binary;
  return *encoding;
}

}  // namespace io
}  // namespace doppio
