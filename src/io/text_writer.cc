#include "src/io/text_writer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "src/io/number_text.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kChunk = 1 << 16;

// Appends the i-th value of a field, or its only one, which is no message.
void AppendValue(const Message& message, const Reflection& from, const FieldDescriptor* field,
                 int i, std::string* text) {
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_FLOAT:
      return AppendNumber(
          many ? from.GetRepeatedFloat(message, field, i) : from.GetFloat(message, field), text);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return AppendNumber(
          many ? from.GetRepeatedDouble(message, field, i) : from.GetDouble(message, field), text);
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrAppend(
          text, many ? from.GetRepeatedInt32(message, field, i) : from.GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrAppend(
          text, many ? from.GetRepeatedInt64(message, field, i) : from.GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string space;
      const std::string& value = many ? from.GetRepeatedStringReference(message, field, i, &space)
                                      : from.GetStringReference(message, field, &space);
      return absl::StrAppend(text, "\"", absl::CEscape(value), "\"");
    }
    default: {  // What there are never many of.
      std::string value;
      google::protobuf::TextFormat::PrintFieldValueToString(message, field, many ? i : -1, &value);
      text->append(value);
    }
  }
}

class TextWriter {
 public:
  explicit TextWriter(google::protobuf::io::ZeroCopyOutputStream* out) : out_(out) {}

  void Fields(const Message& message) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
      const std::string lead = absl::StrCat(indent_, field->name());
      for (int i = 0; i < count; ++i) {
        text_.append(lead);
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          Body(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                    : reflection.GetMessage(message, field));
        } else {
          text_.append(": ");
          AppendValue(message, reflection, field, i, &text_);
        }
        text_.push_back('\n');
        if (text_.size() >= kChunk) Flush();
      }
    }
  }

  absl::Status Finish() {
    Flush();
    return out_.HadError() ? absl::DataLossError("cannot write") : absl::OkStatus();
  }

 private:
  void Flush() {
    out_.WriteString(text_);
    text_.clear();
  }

  void Body(const Message& message) {
    text_.append(" {\n");
    indent_.append(2, ' ');
    Fields(message);
    indent_.resize(indent_.size() - 2);
    text_.append(indent_).push_back('}');
  }

  google::protobuf::io::CodedOutputStream out_;
  std::string text_;  // not written yet
  std::string indent_;
};

}  // namespace

absl::Status WriteText(const Message& message, google::protobuf::io::ZeroCopyOutputStream* out) {
  TextWriter writer(out);
  writer.Fields(message);
  return writer.Finish();
}

}  // namespace io
}  // namespace doppio
