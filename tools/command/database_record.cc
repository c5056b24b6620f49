#include "tools/command/database_record.h"

#include <algorithm>
#include <utility>

#include "doppio/image.h"
#include "doppio/net.pb.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "tools/command/tensor_text.h"

namespace doppio::tools {
namespace {

absl::StatusOr<RecordPart> PicturePart(absl::string_view name, const std::string& bytes,
                                       FileKind kind, bool decodes) {
  if (decodes) {
    const absl::StatusOr<Tensor> picture = ParseImage(bytes);
    if (!picture.ok()) return picture.status();
  }
  return RecordPart{std::string(name), kind == FileKind::kPng ? "PNG" : "JPEG", ""};
}

// Writers of labels left dims away, and had BYTE where uint8 is meant.
absl::StatusOr<RecordPart> TensorPart(const TensorProto& proto, bool decodes,
                                      std::optional<double>* number) {
  if (proto.data_type() == TensorProto::STRING && proto.string_data_size() == 1) {
    const std::string& bytes = proto.string_data(0);
    const FileKind kind = DescribeBytes(bytes).kind;
    if (kind == FileKind::kPng || kind == FileKind::kJpeg) {
      return PicturePart(proto.name(), bytes, kind, decodes);
    }
  }
  TensorProto vector;
  const TensorProto* whole = &proto;
  const int values = std::max({proto.int32_data_size(), proto.float_data_size(),
                               proto.int64_data_size(), proto.string_data_size()});
  if (proto.dims_size() == 0 && values != 1) {
    vector = proto;
    vector.add_dims(values);
    whole = &vector;
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, TensorFromProto(*whole));
  if (tensor.numel() == 1) *number = Summarize(tensor).mean;
  return RecordPart{proto.name(), std::string(DataTypeName(tensor.dtype())),
                    ShapeToString(tensor.dims())};
}

absl::StatusOr<RecordContent> TensorsContent(const TensorProtos& protos, bool decodes) {
  RecordContent content;
  content.kind = RecordKind::kTensors;
  for (int i = 0; i < protos.protos_size(); ++i) {
    std::optional<double> number;
    absl::StatusOr<RecordPart> part = TensorPart(protos.protos(i), decodes, &number);
    if (!part.ok()) return Annotate(part.status(), absl::StrCat("tensor ", i));
    // The second one is the label, as input operators have it, or the one that is called so.
    if (part->name == "label" || part->name == "labels" || (i == 1 && !content.label)) {
      content.label = number;
    }
    content.parts.push_back(*std::move(part));
  }
  return content;
}

absl::StatusOr<RecordContent> DatumContent(const CaffeDatum& datum, bool decodes) {
  RecordContent content;
  content.kind = RecordKind::kDatum;
  if (datum.encoded()) {
    const FileKind kind = DescribeBytes(datum.data()).kind;
    DOPPIO_ASSIGN_OR_RETURN(RecordPart part, PicturePart("data", datum.data(), kind, decodes));
    content.parts.push_back(std::move(part));
  } else {
    content.parts.push_back(
        {"data", datum.float_data_size() > 0 ? "float" : "uint8",
         absl::StrCat("[", datum.channels(), ",", datum.height(), ",", datum.width(), "]")});
  }
  content.parts.push_back({"label", "int32", "[]"});
  content.label = datum.label();
  return content;
}

}  // namespace

absl::string_view RecordKindName(RecordKind kind) {
  switch (kind) {
    case RecordKind::kTensors:
      return "TensorProtos";
    case RecordKind::kDatum:
      return "CaffeDatum";
    case RecordKind::kBlob:
      return "BlobProto";
    case RecordKind::kUnknown:
      break;
  }
  return "unknown";
}

absl::StatusOr<RecordContent> ReadRecord(absl::string_view key, const std::string& value,
                                         bool decodes) {
  BlobProto blob;
  if (blob.ParseFromString(value) && !blob.type().empty() && blob.name() == NameOfChunkKey(key)) {
    RecordContent content;
    content.kind = RecordKind::kBlob;
    content.parts.push_back({blob.name(), blob.type(), ""});
    return content;
  }
  TensorProtos protos;
  if (protos.ParseFromString(value) && protos.protos_size() > 0) {
    return TensorsContent(protos, decodes);
  }
  CaffeDatum datum;
  if (datum.ParseFromString(value) && (datum.encoded() || datum.channels() > 0)) {
    return DatumContent(datum, decodes);
  }
  RecordContent content;
  content.parts.push_back({"", "bytes", absl::StrCat("[", value.size(), "]")});
  return content;
}

std::string Difference(const RecordContent& first, const RecordContent& other) {
  if (other.kind != first.kind) {
    return absl::StrCat("is ", RecordKindName(other.kind), ", but the first record is ",
                        RecordKindName(first.kind));
  }
  if (first.kind == RecordKind::kBlob) return "";
  if (other.parts.size() != first.parts.size()) {
    return absl::StrCat("has ", other.parts.size(), " tensors, but the first record has ",
                        first.parts.size());
  }
  const auto type_of = [](const RecordPart& part) {
    return part.type == "PNG" || part.type == "JPEG" ? "a picture" : part.type;
  };
  for (size_t i = 0; i < first.parts.size(); ++i) {
    if (type_of(other.parts[i]) == type_of(first.parts[i]) &&
        other.parts[i].name == first.parts[i].name) {
      continue;
    }
    return absl::StrCat("has tensor ", i, " \"", other.parts[i].name, "\" of type ",
                        other.parts[i].type, ", but the first record has \"", first.parts[i].name,
                        "\" of type ", first.parts[i].type);
  }
  return "";
}

}  // namespace doppio::tools
