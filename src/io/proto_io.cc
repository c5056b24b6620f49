#include "doppio/proto_io.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "src/io/encodings.h"
#include "src/io/file.h"

namespace doppio {
namespace {

using google::protobuf::Message;

// Whether a file of this kind may be read as a message of this type.
bool IsKindOf(FileKind kind, const Message& message) {
  if (kind == FileKind::kInitNet) kind = FileKind::kNetDef;
  return kind == FileKind::kUnknown ||
         FileKindName(kind) == absl::string_view(message.GetDescriptor()->name());
}

// An error that says what the data is, if that is something else and nothing about it is strange.
absl::Status WrongKind(absl::string_view bytes, const Message& message, const Limits& limits) {
  int64_t strangeness;
  const FileKind kind = io::Describe(bytes, limits, &strangeness).kind;
  if (IsKindOf(kind, message) || strangeness > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("this is not a ", message.GetDescriptor()->name(),
                                                 " but looks like ", WhatItIs(kind)));
}

absl::Status CheckInitialized(const Message& message) {
  if (message.IsInitialized()) return absl::OkStatus();
  std::vector<std::string> missing;
  message.FindInitializationErrors(&missing);
  return absl::InvalidArgumentError(
      absl::StrCat("required fields are missing: ", absl::StrJoin(missing, ", ")));
}

// Other messages are not looked for in files, so nothing is known about how they look.
bool IsDescribed(const Message& message) {
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  return type == NetDef::descriptor() || type == PlanDef::descriptor() ||
         type == MetaNetDef::descriptor() || type == OperatorDef::descriptor() ||
         type == BlobProto::descriptor() || type == TensorProto::descriptor();
}

absl::Status Parse(absl::string_view bytes, Message* message, const Limits& limits) {
  message->Clear();
  if (absl::StripAsciiWhitespace(bytes).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("empty: there is no ", message->GetDescriptor()->name(), " in it"));
  }
  if (static_cast<int64_t>(bytes.size()) > limits.max_file_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(bytes.size(), " bytes, more than the limit of ", limits.max_file_bytes));
  }
  const io::ProtoEncoding& encoding = io::EncodingOf(bytes);
  io::Fit fit;
  absl::Status status = encoding.Parse(bytes, limits, message, &fit);
  if (status.ok()) status = CheckInitialized(*message);
  // No other kind of file would have been read either.
  const bool is_refused = absl::IsResourceExhausted(status) || absl::IsCancelled(status) ||
                          absl::IsDeadlineExceeded(status);
  if (!IsDescribed(*message) || is_refused) return status;
  if (!status.ok()) {
    const absl::Status wrong_kind = WrongKind(bytes, *message, limits);
    return wrong_kind.ok() ? status : wrong_kind;
  }
  if (fit.strangeness == 0) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(WrongKind(bytes, *message, limits));
  if (fit.complete) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("this is not a ", message->GetDescriptor()->name(),
                   ": the data has other fields, and none that one needs"));
}

}  // namespace

absl::Status ParseProto(absl::string_view bytes, Message* message, const Limits& limits,
                        absl::string_view source_name) {
  absl::Status status = Parse(bytes, message, limits);
  if (status.ok()) return status;
  message->Clear();
  return Annotate(status, source_name);
}

absl::Status LoadProto(const std::string& path, Message* message, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const io::FileBytes file, io::ReadFile(path, limits));
  return ParseProto(file.view(), message, limits, path);
}

absl::StatusOr<NetDef> LoadNet(const std::string& path, const Limits& limits) {
  NetDef net;
  DOPPIO_RETURN_IF_ERROR(LoadProto(path, &net, limits));
  return net;
}

absl::StatusOr<PlanDef> LoadPlan(const std::string& path, const Limits& limits) {
  PlanDef plan;
  DOPPIO_RETURN_IF_ERROR(LoadProto(path, &plan, limits));
  return plan;
}

Encoding EncodingForPath(absl::string_view path) {
  for (absl::string_view ending : {".pbtxt", ".prototxt", ".txt"}) {
    if (absl::EndsWithIgnoreCase(path, ending)) return Encoding::kText;
  }
  return absl::EndsWithIgnoreCase(path, ".json") ? Encoding::kJson : Encoding::kBinary;
}

namespace {

absl::Status Write(const Message& message, Encoding encoding,
                   google::protobuf::io::ZeroCopyOutputStream* out) {
  for (const io::ProtoEncoding* candidate : io::AllEncodings()) {
    if (candidate->encoding() == encoding) return candidate->Write(message, out);
  }
  return absl::InternalError("no such encoding");
}

}  // namespace

absl::StatusOr<std::string> FormatProto(const Message& message, Encoding encoding) {
  std::string bytes;
  google::protobuf::io::StringOutputStream out(&bytes);
  DOPPIO_RETURN_IF_ERROR(Write(message, encoding, &out));
  return bytes;
}

absl::Status SaveProto(const Message& message, const std::string& path, Encoding encoding) {
  return io::WriteFile(path, [&](google::protobuf::io::ZeroCopyOutputStream* out) {
    return Write(message, encoding, out);
  });
}

}  // namespace doppio
