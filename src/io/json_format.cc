#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <limits>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "src/io/encodings.h"
#include "src/io/file.h"
#include "src/io/piece_stream.h"
#include "src/io/text_scanner.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::io::ArrayInputStream;
namespace util = google::protobuf::util;

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";
// Beyond this protobuf's converter gives up halfway.
constexpr int kMaxNesting = 63;
constexpr char kUrlPrefix[] = "type.doppio";

util::TypeResolver* Resolver() {
  static util::TypeResolver* const resolver = util::NewTypeResolverForDescriptorPool(
      kUrlPrefix, google::protobuf::DescriptorPool::generated_pool());
  return resolver;
}

std::string TypeUrl(const google::protobuf::Message& message) {
  return absl::StrCat(kUrlPrefix, "/", message.GetDescriptor()->full_name());
}

absl::Status CheckNesting(absl::string_view text, const Limits& limits) {
  TextScanner scanner(text);
  TextScanner::Token token;
  while (scanner.Next(&token)) {
    // The outermost message is an object too.
    if (token.braces > limits.max_nesting + 1) {
      return absl::ResourceExhaustedError(absl::StrCat("byte ", token.text.data() - text.data(),
                                                       ": objects are nested more than ",
                                                       limits.max_nesting, " deep"));
    }
  }
  return absl::OkStatus();
}

// Writes -0.0 where protobuf writes -0, which its parser takes for the integer 0.
std::string KeepNegativeZeros(const std::string& json) {
  if (!absl::StrContains(json, "-0")) return json;
  std::string kept;
  size_t done = 0;
  TextScanner scanner(json);
  TextScanner::Token token;
  while (scanner.Next(&token)) {
    if (token.text != "-0") continue;
    const size_t end = static_cast<size_t>(token.text.data() - json.data()) + token.text.size();
    kept.append(json, done, end - done).append(".0");
    done = end;
  }
  return kept.append(json, done, std::string::npos);
}

class Json final : public ProtoEncoding {
 public:
  Encoding encoding() const override { return Encoding::kJson; }

  // Begins with an object. Binary messages begin with a field's tag, and 0x7b is none of ours.
  bool Recognises(absl::string_view bytes) const override {
    absl::ConsumePrefix(&bytes, kByteOrderMark);
    bytes = absl::StripLeadingAsciiWhitespace(bytes);
    return !bytes.empty() && bytes[0] == '{';
  }

  absl::Status Parse(absl::string_view bytes, const Limits& limits,
                     google::protobuf::Message* message, Fit* fit) const override {
    absl::ConsumePrefix(&bytes, kByteOrderMark);
    if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
      return absl::ResourceExhaustedError(absl::StrCat(bytes.size(), " bytes: JSON ends at 2 GiB"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckNesting(bytes, limits));
    PieceStream in(bytes);
    std::string binary;
    google::protobuf::io::StringOutputStream out(&binary);
    const util::Status status = util::JsonToBinaryStream(Resolver(), TypeUrl(*message), &in, &out);
    DOPPIO_RETURN_IF_ERROR(in.status());
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("JSON: ", std::string(status.message())));
    }
    return BinaryEncoding().Parse(binary, limits, message, fit);
  }

  absl::Status Write(const google::protobuf::Message& message,
                     google::protobuf::io::ZeroCopyOutputStream* out) const override {
    DOPPIO_ASSIGN_OR_RETURN(const std::string binary,
                            SerializeForText(message, kMaxNesting, /*utf8_only=*/true));
    util::JsonPrintOptions options;
    options.add_whitespace = true;
    options.preserve_proto_field_names = true;
    ArrayInputStream in(binary.data(), static_cast<int>(binary.size()));
    std::string json;
    google::protobuf::io::StringOutputStream json_out(&json);
    const util::Status status =
        util::BinaryToJsonStream(Resolver(), TypeUrl(message), &in, &json_out, options);
    if (!status.ok()) {
      return absl::FailedPreconditionError(absl::StrCat("JSON: ", std::string(status.message())));
    }
    return WriteBytes(KeepNegativeZeros(json), out);
  }

  std::vector<Fit> FitsOf(absl::string_view bytes, const MessageTypes& types,
                          const Limits&) const override {
    absl::ConsumePrefix(&bytes, kByteOrderMark);
    return FitsOfNames(bytes, 1, types);
  }
};

}  // namespace

const ProtoEncoding& JsonEncoding() {
  static const Json* const encoding = new Json;
  return *encoding;
}

}  // namespace io
}  // namespace doppio
