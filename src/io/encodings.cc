#include "src/io/encodings.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "src/io/blob_serializers.h"
#include "src/io/text_scanner.h"
#include "src/io/wire.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsIdentifier(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

bool IsBlobType(absl::string_view text) {
  return text == "Tensor" || text == "TensorCPU" || text == "Int8TensorCPU" ||
         absl::StrContains(text, "::") || FindBlobSerializer(text) != nullptr;
}

int64_t CountOperators(const google::protobuf::Message& message) {
  if (message.GetDescriptor() == TensorProto::descriptor()) return 0;
  int64_t count = message.GetDescriptor() == OperatorDef::descriptor() ? 1 : 0;
  const google::protobuf::Reflection* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      count += CountOperators(reflection->GetMessage(message, field));
      continue;
    }
    const int size = reflection->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      count += CountOperators(reflection->GetRepeatedMessage(message, field, i));
    }
  }
  return count;
}

// Takes the outermost names and values of some text, and tells how well they fit a type.
class OutermostNames {
 public:
  explicit OutermostNames(const Descriptor* type) : type_(type) {}

  void Add(absl::string_view word, bool may_be_name) {
    if (value_of_ != nullptr) {
      fields_.emplace(value_of_->number(), word);
      value_of_ = nullptr;
      return;
    }
    if (!may_be_name) return;
    if (word != name_) {  // which often stands there many times
      name_ = std::string(word);
      field_ = type_->FindFieldByName(name_);
      if (field_ == nullptr) field_ = type_->FindFieldByCamelcaseName(name_);
    }
    if (field_ == nullptr) {
      ++unknown_;
    } else if (field_->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE || field_->is_repeated()) {
      fields_.emplace(field_->number(), "");
    } else {
      value_of_ = field_;
    }
  }

  Fit fit() const { return {true, IsComplete(type_, fields_), unknown_}; }

 private:
  const Descriptor* type_;
  FieldTexts fields_;
  int64_t unknown_ = 0;
  std::string name_;  // the last one, and its field
  const FieldDescriptor* field_ = nullptr;
  const FieldDescriptor* value_of_ = nullptr;  // what the next word is the value of
};

}  // namespace

const std::vector<const ProtoEncoding*>& AllEncodings() {
  static const auto* const encodings =
      new std::vector<const ProtoEncoding*>{&JsonEncoding(), &TextEncoding(), &BinaryEncoding()};
  return *encodings;
}

const ProtoEncoding& EncodingOf(absl::string_view bytes) {
  for (const ProtoEncoding* encoding : AllEncodings()) {
    if (encoding->Recognises(bytes)) return *encoding;
  }
  return BinaryEncoding();
}

absl::Status CheckOperatorCount(const google::protobuf::Message& message, const Limits& limits) {
  const int64_t count = CountOperators(message);
  if (count <= limits.max_operators) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(count, " operators, more than the limit of ", limits.max_operators));
}

bool IsComplete(const Descriptor* type, const FieldTexts& fields) {
  const auto has = [&](int number) { return fields.count(number) > 0; };
  const auto text = [&](int number) {
    const auto found = fields.find(number);
    return found == fields.end() ? absl::string_view() : found->second;
  };
  if (type == NetDef::descriptor()) {
    return has(NetDef::kOpFieldNumber);
  }
  if (type == PlanDef::descriptor()) {
    return has(PlanDef::kNetworkFieldNumber) || has(PlanDef::kExecutionStepFieldNumber);
  }
  if (type == MetaNetDef::descriptor()) {
    return has(MetaNetDef::kNetsFieldNumber) || has(MetaNetDef::kPlansFieldNumber);
  }
  if (type == OperatorDef::descriptor()) {
    return IsIdentifier(text(OperatorDef::kTypeFieldNumber));
  }
  if (type == BlobProto::descriptor()) {
    return IsBlobType(text(BlobProto::kTypeFieldNumber)) &&
           (has(BlobProto::kTensorFieldNumber) || has(BlobProto::kContentFieldNumber) ||
            has(BlobProto::kQtensorFieldNumber));
  }
  if (type == TensorProto::descriptor()) {
    return has(TensorProto::kDimsFieldNumber) || has(TensorProto::kDataTypeFieldNumber);
  }
  return true;
}

std::vector<Fit> FitsOfNames(absl::string_view text, int depth, const MessageTypes& types) {
  // At depth 0 names are bare words, in JSON they are strings.
  const auto name_kind = depth == 0 ? TextScanner::kIdentifier : TextScanner::kString;
  std::vector<OutermostNames> names(types.begin(), types.end());
  TextScanner scanner(text);
  TextScanner::Token token;
  while (scanner.Next(&token)) {
    if (token.depth != depth || token.text == ":" || token.text == "," || token.text == ";") {
      continue;
    }
    absl::string_view word = token.text;
    const bool is_string = token.kind == TextScanner::kString && word.size() >= 2;
    if (is_string) word = word.substr(1, word.size() - 2);
    for (OutermostNames& one : names) one.Add(word, token.kind == name_kind);
  }
  std::vector<Fit> fits;
  fits.reserve(names.size());
  for (const OutermostNames& one : names) fits.push_back(one.fit());
  return fits;
}

absl::StatusOr<std::string> SerializeForText(const google::protobuf::Message& message,
                                             int max_nesting, bool utf8_only) {
  if (message.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::ResourceExhaustedError(
        absl::StrCat(message.ByteSizeLong(), " bytes: messages end at 2 GiB"));
  }
  std::string bytes;
  message.SerializePartialToString(&bytes);
  WireReport report;
  Limits limits;
  limits.max_operators = std::numeric_limits<int64_t>::max();
  limits.max_nesting = max_nesting;
  const absl::Status status = CheckWire(bytes, message.GetDescriptor(), limits, &report);
  if (!status.ok()) return absl::FailedPreconditionError(status.message());
  if (report.unknown_fields > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(report.unknown_fields, " unknown fields, which only the binary encoding can ",
                     "carry; the first is ", report.first_unknown));
  }
  if (utf8_only && !report.first_not_utf8.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        report.first_not_utf8, " is not UTF-8, which JSON cannot carry; use text or binary"));
  }
  return bytes;
}

}  // namespace io
}  // namespace doppio
