#ifndef DOPPIO_PROTO_IO_H_
#define DOPPIO_PROTO_IO_H_

// Nets, plans and blobs in files: binary, text or JSON.
//
//   absl::StatusOr<NetDef> net = LoadNet("predict_net.pb");
//   absl::Status saved = SaveProto(*net, "predict_net.pbtxt");
//
// What a file is told by its content, never by its name. Files are not trusted: a bad one is a
// Status that names the file, the place in it and what is wrong. What holds for every reader:
//   - NotFound, PermissionDenied, ... when the file cannot be read;
//   - ResourceExhausted when it goes beyond `limits`;
//   - DataLoss when binary data is cut off or damaged;
//   - InvalidArgument when it is well-formed but not what was asked for.
//
// All functions may be called from many threads at once.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

enum class Encoding { kBinary, kText, kJson };

enum class FileKind {
  kUnknown,
  kNetDef,
  kInitNet,  // A NetDef that only fills blobs, from nothing.
  kPlanDef,
  kMetaNetDef,
  kOperatorDef,
  kBlobProto,
  kTensorProto,
  kNpy,
  kNpz,     // Any zip archive.
  kMiniDb,  // A database of blobs: a predictor (model_io.h), or what Save wrote.
  kOnnx,    // A ModelProto of ONNX (onnx.h).
  kPng,
  kJpeg,
  // Known so that errors can name them.
  kDataMiniDb,     // A database of examples to train with.
  kGitLfsPointer,  // What Git puts in the place of a file that it keeps elsewhere.
  kWebPage,
  kEmpty,
};

struct FileDescription {
  FileKind kind = FileKind::kUnknown;
  Encoding encoding = Encoding::kBinary;
  int64_t bytes = 0;
};

// "binary", "text", "JSON".
absl::string_view EncodingName(Encoding encoding);
// "NetDef", "init net", "npy", ...
absl::string_view FileKindName(FileKind kind);
// The same for messages, with what there is to say: "a Git LFS pointer: the file itself was not
// ...".
std::string WhatItIs(FileKind kind);

// What a file, or the content of one, is. Data that nothing recognises is kUnknown, not an error.
absl::StatusOr<FileDescription> DescribeFile(const std::string& path, const Limits& limits = {});
FileDescription DescribeBytes(absl::string_view bytes, const Limits& limits = {});

// Reads a file into *message, which is cleared first; fields of no known number are kept. An error
// says so when the file is plainly of another kind.
absl::Status LoadProto(const std::string& path, google::protobuf::Message* message,
                       const Limits& limits = {});
absl::StatusOr<NetDef> LoadNet(const std::string& path, const Limits& limits = {});
absl::StatusOr<PlanDef> LoadPlan(const std::string& path, const Limits& limits = {});

// The same for data in memory. `source_name` stands in errors in place of a file's name.
absl::Status ParseProto(absl::string_view bytes, google::protobuf::Message* message,
                        const Limits& limits = {}, absl::string_view source_name = "input");

// The encoding that the ending of a file's name asks for: .pbtxt, .prototxt and .txt are text,
// .json is JSON, all others are binary.
Encoding EncodingForPath(absl::string_view path);

// `message` in an encoding. Text and JSON have no place for fields of no known number, nor JSON for
// strings that are not UTF-8 or messages nested more than 63 deep: such messages are refused
// (FailedPrecondition). The payload of a NaN survives in binary only.
absl::StatusOr<std::string> FormatProto(const google::protobuf::Message& message,
                                        Encoding encoding);

// Writes a file, or replaces it, in one step: whatever happens meanwhile, the file is either the
// old one or the new one, complete and on disk.
absl::Status SaveProto(const google::protobuf::Message& message, const std::string& path,
                       Encoding encoding);
inline absl::Status SaveProto(const google::protobuf::Message& message, const std::string& path) {
  return SaveProto(message, path, EncodingForPath(path));
}

}  // namespace doppio

#endif  // DOPPIO_PROTO_IO_H_
