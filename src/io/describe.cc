#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "doppio/proto_io.h"
#include "src/io/database_blobs.h"
#include "src/io/encodings.h"
#include "src/io/file.h"
#include "src/io/minidb.h"
#include "src/io/wire.h"

namespace doppio {
namespace {

struct Magic {
  absl::string_view bytes;
  FileKind kind;
};

constexpr Magic kMagics[] = {
    {"\x93NUMPY", FileKind::kNpy},     {"PK\x03\x04", FileKind::kNpz},
    {"PK\x05\x06", FileKind::kNpz},    {"\x89PNG\r\n\x1a\n", FileKind::kPng},
    {"\xff\xd8\xff", FileKind::kJpeg},
};

bool IsGitLfsPointer(absl::string_view bytes) {
  return absl::StartsWith(bytes, "version https://git-lfs.github.com/spec/");
}

bool IsWebPage(absl::string_view bytes) {
  bytes = absl::StripLeadingAsciiWhitespace(bytes);
  return absl::StartsWithIgnoreCase(bytes, "<!doctype html") ||
         absl::StartsWithIgnoreCase(bytes, "<html");
}

// A ModelProto of ONNX: its version first (no other message here begins with a number but a
// TensorProto, whose second field is one too), and a graph, which may be cut off.
bool IsOnnx(absl::string_view bytes) {
  constexpr int kIrVersion = 1, kProducer = 2;
  constexpr char kGraphTag = 7 << 3 | 2;
  io::WireField field;
  if (!io::TakeField(&bytes, &field) || field.number() != kIrVersion || field.has_length()) {
    return false;
  }
  while (!bytes.empty() && bytes.front() != kGraphTag) {
    if (!io::TakeField(&bytes, &field) || field.number() == kIrVersion) return false;
    if (field.number() == kProducer && !field.has_length()) return false;
  }
  return !bytes.empty();
}

// Of files that are told by their first bytes.
FileKind KindOfStart(absl::string_view bytes) {
  if (bytes.empty()) return FileKind::kEmpty;
  for (const Magic& magic : kMagics) {
    if (absl::StartsWith(bytes, magic.bytes)) return magic.kind;
  }
  if (io::IsMiniDb(bytes)) return FileKind::kMiniDb;
  if (io::IsDataMiniDb(bytes)) return FileKind::kDataMiniDb;
  if (IsOnnx(bytes)) return FileKind::kOnnx;
  if (IsGitLfsPointer(bytes)) return FileKind::kGitLfsPointer;
  return IsWebPage(bytes) ? FileKind::kWebPage : FileKind::kUnknown;
}

struct Candidate {
  const google::protobuf::Descriptor* type;
  FileKind kind;
};

// In the order that decides between equals.
const std::vector<Candidate>& Candidates() {
  static const auto* const candidates = new std::vector<Candidate>{
      {NetDef::descriptor(), FileKind::kNetDef},
      {PlanDef::descriptor(), FileKind::kPlanDef},
      {MetaNetDef::descriptor(), FileKind::kMetaNetDef},
      {BlobProto::descriptor(), FileKind::kBlobProto},
      {OperatorDef::descriptor(), FileKind::kOperatorDef},
      {TensorProto::descriptor(), FileKind::kTensorProto},
  };
  return *candidates;
}

bool IsInitNet(const NetDef& net) {
  std::set<absl::string_view> filled;
  for (const OperatorDef& op : net.op()) {
    if (!absl::EndsWith(op.type(), "Fill")) return false;
    for (const std::string& input : op.input()) {
      if (filled.count(input) == 0) return false;
    }
    filled.insert(op.output().begin(), op.output().end());
  }
  return net.op_size() > 0;
}

absl::StatusOr<FileKind> KindOfDatabase(const std::string& path, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<DatabaseCursor> cursor,
                          io::OpenRecords(path, limits));
  const bool is_of_blobs = !cursor->Valid() || io::IsBlobRecord(cursor->Key(), cursor->Value());
  return is_of_blobs ? FileKind::kMiniDb : FileKind::kDataMiniDb;
}

// Of a file, or of the files in a folder.
int64_t BytesOf(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return static_cast<int64_t>(std::filesystem::file_size(path, error));
  }
  int64_t bytes = 0;
  std::filesystem::directory_iterator entry(path, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    if (entry->is_regular_file(error)) bytes += static_cast<int64_t>(entry->file_size(error));
    entry.increment(error);
  }
  return bytes;
}

}  // namespace

absl::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kBinary:
      return "binary";
    case Encoding::kText:
      return "text";
    case Encoding::kJson:
      return "JSON";
  }
  return "unknown";
}

absl::string_view FileKindName(FileKind kind) {
  switch (kind) {
    case FileKind::kUnknown:
      return "unknown";
    case FileKind::kNetDef:
      return "NetDef";
    case FileKind::kInitNet:
      return "init net";
    case FileKind::kPlanDef:
      return "PlanDef";
    case FileKind::kMetaNetDef:
      return "MetaNetDef";
    case FileKind::kOperatorDef:
      return "OperatorDef";
    case FileKind::kBlobProto:
      return "BlobProto";
    case FileKind::kTensorProto:
      return "TensorProto";
    case FileKind::kNpy:
      return "npy";
    case FileKind::kNpz:
      return "npz";
    case FileKind::kMiniDb:
      return "minidb";
    case FileKind::kOnnx:
      return "ONNX model";
    case FileKind::kPng:
      return "PNG";
    case FileKind::kJpeg:
      return "JPEG";
    case FileKind::kDataMiniDb:
      return "minidb of examples";
    case FileKind::kGitLfsPointer:
      return "Git LFS pointer";
    case FileKind::kWebPage:
      return "web page";
    case FileKind::kEmpty:
      return "empty file";
  }
  return "unknown";
}

std::string WhatItIs(FileKind kind) {
  switch (kind) {
    case FileKind::kUnknown:
      return "no net, plan, tensor, array or picture that doppio knows";
    case FileKind::kDataMiniDb:
      return "a minidb of examples: a net reads them, it is not in there";
    case FileKind::kOnnx:
      return "an ONNX model";
    case FileKind::kGitLfsPointer:
      return "a Git LFS pointer: the file itself was not fetched (`git lfs pull` does that)";
    case FileKind::kWebPage:
      return "a web page (HTML): a link to the file was saved, not the file";
    case FileKind::kEmpty:
      return "an empty file";
    default:
      return std::string(FileKindName(kind));
  }
}

FileDescription io::Describe(absl::string_view bytes, const Limits& limits, int64_t* strangeness) {
  *strangeness = 0;
  FileDescription description;
  description.bytes = static_cast<int64_t>(bytes.size());
  description.kind = KindOfStart(bytes);
  if (description.kind != FileKind::kUnknown) return description;
  const io::ProtoEncoding& encoding = io::EncodingOf(bytes);
  description.encoding = encoding.encoding();
  io::MessageTypes types;
  for (const Candidate& candidate : Candidates()) types.push_back(candidate.type);
  const std::vector<io::Fit> fits = encoding.FitsOf(bytes, types, limits);
  int64_t best = 0;
  for (size_t i = 0; i < fits.size(); ++i) {
    const io::Fit& fit = fits[i];
    if (!fit.possible || (!fit.complete && fit.strangeness > 0)) continue;
    const int64_t distance = 2 * fit.strangeness + (fit.complete ? 0 : 1);
    if (description.kind != FileKind::kUnknown && distance >= best) continue;
    best = distance;
    *strangeness = fit.strangeness;
    description.kind = Candidates()[i].kind;
  }
  if (description.kind == FileKind::kNetDef) {
    NetDef net;
    io::Fit fit;
    if (encoding.Parse(bytes, limits, &net, &fit).ok() && IsInitNet(net)) {
      description.kind = FileKind::kInitNet;
    }
  }
  return description;
}

FileDescription DescribeBytes(absl::string_view bytes, const Limits& limits) {
  int64_t strangeness;
  return io::Describe(bytes, limits, &strangeness);
}

absl::StatusOr<FileDescription> DescribeFile(const std::string& path, const Limits& limits) {
  if (io::IsBlobDatabase(path)) {  // which may be larger than what is read at once
    FileDescription description;
    DOPPIO_ASSIGN_OR_RETURN(description.kind, KindOfDatabase(path, limits));
    description.bytes = BytesOf(path);
    return description;
  }
  DOPPIO_ASSIGN_OR_RETURN(const io::FileBytes file, io::ReadFile(path, limits));
  return DescribeBytes(file.view(), limits);
}

}  // namespace doppio
