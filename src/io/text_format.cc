#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "doppio/cancellation.h"
#include "src/io/encodings.h"
#include "src/io/piece_stream.h"
#include "src/io/text_reader.h"
#include "src/io/text_scanner.h"
#include "src/io/text_writer.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::Message;

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";
// protobuf's printer recurses; no reader goes as deep as this.
constexpr int kMaxNesting = 1000;

// Keeps the first error. Lines and columns count from 0 in protobuf, from 1 here.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(int64_t lines_before) : lines_before_(lines_before) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    text_ = line < 0
                ? message
                : absl::StrCat("line ", lines_before_ + line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  const int64_t lines_before_;
  std::string text_;
};

// Device types by the names that text files of before mid-2018 give them.
absl::string_view DeviceNumber(absl::string_view name) {
  constexpr std::pair<absl::string_view, absl::string_view> kNumbers[] = {
      {"CPU", "0"}, {"CUDA", "1"}, {"MKLDNN", "2"}, {"OPENGL", "3"}, {"OPENCL", "4"}};
  for (const auto& entry : kNumbers) {
    if (absl::StripPrefix(name, "PROTO_") == entry.first) return entry.second;
  }
  return {};
}

// The text with the field names and values of before mid-2018 replaced by those of today, padded
// with spaces so that errors keep their columns. Empty when there is nothing to replace.
std::string Modernise(absl::string_view text) {
  if (!absl::StrContains(text, "cuda_gpu_id") && !absl::StrContains(text, "device_type")) return "";
  std::string modern;
  const auto replace = [&](absl::string_view old_text, absl::string_view new_text) {
    if (modern.empty()) modern = std::string(text);
    const auto at = modern.begin() + (old_text.data() - text.data());
    std::fill(std::copy(new_text.begin(), new_text.end(), at),
              at + static_cast<ptrdiff_t>(old_text.size()), ' ');
  };
  absl::string_view field;
  TextScanner scanner(text);
  TextScanner::Token token;
  while (scanner.Next(&token)) {
    if (token.text == ":") continue;
    const bool is_value = field == "device_type" && token.kind == TextScanner::kIdentifier;
    if (is_value && !DeviceNumber(token.text).empty()) {
      replace(token.text, DeviceNumber(token.text));
    } else if (token.kind == TextScanner::kIdentifier && token.text == "cuda_gpu_id") {
      replace(token.text, "device_id");
    }
    field = token.text;
  }
  return modern;
}

// Whether the quick ways of reading and writing are for this message.
bool IsOurs(const Message& message) {
  return message.GetDescriptor()->file() == NetDef::descriptor()->file();
}

// Reads what begins at `begin`, a place between fields, with protobuf's own parser. Errors tell the
// place in the whole text. `known`, text without line breaks, is read before it.
absl::Status ReadWithProtobuf(absl::string_view text, size_t begin, const std::string& known,
                              const Limits& limits, Message* message) {
  const size_t line = text.substr(0, begin).rfind('\n') + 1;  // 0 where there is none
  std::string before(text.substr(line, begin - line));
  for (char& c : before) c = c == '\t' ? c : ' ';  // for the columns
  before = absl::StrCat(known, "\n", before);
  google::protobuf::io::ArrayInputStream head(before.data(), static_cast<int>(before.size()));
  PieceStream tail(text.substr(begin));
  google::protobuf::io::ZeroCopyInputStream* const parts[] = {&head, &tail};
  google::protobuf::io::ConcatenatingInputStream in(parts, 2);
  FirstError error(std::count(text.begin(), text.begin() + line, '\n') - 1);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.AllowPartialMessage(true);
  parser.SetRecursionLimit(limits.max_nesting);
  const bool is_read = parser.Parse(&in, message);
  DOPPIO_RETURN_IF_ERROR(tail.status());
  if (is_read) return absl::OkStatus();
  return absl::StrContains(error.text(), "recursion limit")
             ? absl::ResourceExhaustedError(error.text())
             : absl::InvalidArgumentError(error.text());
}

// Takes the fields that may be there once out of a message; gives them as text on one line.
std::string TakeSingleFields(Message* message) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message->GetReflection()->ListFields(*message, &fields);
  fields.erase(std::remove_if(fields.begin(), fields.end(),
                              [](const auto* field) { return field->is_repeated(); }),
               fields.end());
  const std::unique_ptr<Message> singles(message->New());
  message->GetReflection()->SwapFields(message, singles.get(), fields);
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(*singles, &text);
  return text;
}

// Takes all that protobuf takes.
absl::Status Read(absl::string_view text, const Limits& limits, Message* message) {
  if (!IsOurs(*message)) return ReadWithProtobuf(text, 0, "", limits, message);
  size_t right = 0;
  if (ReadText(text, limits.max_nesting, message, &right)) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(CancellationStatus());
  message->Clear();  // of the field that was left in between
  ReadText(text.substr(0, right), limits.max_nesting, message, &right);
  // The rest may hold what must not be there twice; and it may be wrong, not far from here.
  const std::string singles = TakeSingleFields(message);
  const std::unique_ptr<Message> rest(message->New());
  DOPPIO_RETURN_IF_ERROR(ReadWithProtobuf(text, right, singles, limits, rest.get()));
  message->MergeFrom(*rest);
  return absl::OkStatus();
}

class Text final : public ProtoEncoding {
 public:
  Encoding encoding() const override { return Encoding::kText; }

  // Begins like `name: ...` or `op { ...`, after comments, without control characters.
  bool Recognises(absl::string_view bytes) const override {
    absl::ConsumePrefix(&bytes, kByteOrderMark);
    const absl::string_view head = bytes.substr(0, 512);
    const bool has_control = std::any_of(head.begin(), head.end(), [](char c) {
      return absl::ascii_iscntrl(static_cast<unsigned char>(c)) &&
             !absl::ascii_isspace(static_cast<unsigned char>(c));
    });
    if (has_control) return false;
    TextScanner scanner(bytes);
    TextScanner::Token token;
    // Nothing but comments is an empty message.
    if (!scanner.Next(&token)) return true;
    if (token.kind != TextScanner::kIdentifier) return false;
    if (!scanner.Next(&token)) return false;
    return token.text == ":" || token.text == "{" || token.text == "<";
  }

  absl::Status Parse(absl::string_view bytes, const Limits& limits, Message* message,
                     Fit* fit) const override {
    absl::ConsumePrefix(&bytes, kByteOrderMark);
    if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
      return absl::ResourceExhaustedError(absl::StrCat(bytes.size(), " bytes: text ends at 2 GiB"));
    }
    // A name that the type does not have is an error.
    *fit = {true, true, 0};
    absl::Status status = Read(bytes, limits, message);
    if (!status.ok()) {
      DOPPIO_RETURN_IF_ERROR(CancellationStatus());
      const std::string modern = Modernise(bytes);
      if (modern.empty()) return status;
      message->Clear();
      DOPPIO_RETURN_IF_ERROR(Read(modern, limits, message));
    }
    return CheckOperatorCount(*message, limits);
  }

  absl::Status Write(const Message& message,
                     google::protobuf::io::ZeroCopyOutputStream* out) const override {
    DOPPIO_RETURN_IF_ERROR(SerializeForText(message, kMaxNesting, /*utf8_only=*/false).status());
    if (IsOurs(message)) return WriteText(message, out);
    google::protobuf::TextFormat::Printer printer;
    if (printer.Print(message, out)) return absl::OkStatus();
    return absl::DataLossError("cannot write the text");
  }

  std::vector<Fit> FitsOf(absl::string_view bytes, const MessageTypes& types,
                          const Limits&) const override {
    absl::ConsumePrefix(&bytes, kByteOrderMark);
    return FitsOfNames(bytes, 0, types);
  }
};

}  // namespace

const ProtoEncoding& TextEncoding() {
  static const Text* const encoding = new Text;
  return *encoding;
}

}  // namespace io
}  // namespace doppio
