#include "doppio/tensor_io.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "src/io/database_blobs.h"
#include "src/io/file.h"
#include "src/io/npy.h"
#include "src/io/npz.h"
#include "src/io/tensor_proto.h"

namespace doppio {
namespace {

absl::StatusOr<NamedTensor> TensorOfBlob(absl::string_view bytes, const Limits& limits) {
  BlobProto proto;
  DOPPIO_RETURN_IF_ERROR(ParseProto(bytes, &proto, limits, "BlobProto"));
  if (!io::IsTensorBlob(proto)) {
    return absl::InvalidArgumentError(absl::StrCat("blob \"", proto.name(), "\" is of type \"",
                                                   proto.type(), "\", not a tensor"));
  }
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, TensorFromProto(proto.tensor(), limits));
  return NamedTensor{proto.name(), std::move(tensor)};
}

absl::StatusOr<NamedTensor> OnlyTensor(absl::string_view bytes, FileKind kind,
                                       const Limits& limits) {
  if (kind == FileKind::kBlobProto) return TensorOfBlob(bytes, limits);
  if (kind == FileKind::kNpy) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, ParseNpy(bytes, limits));
    return NamedTensor{"", std::move(tensor)};
  }
  if (kind == FileKind::kTensorProto) {
    TensorProto proto;
    DOPPIO_RETURN_IF_ERROR(ParseProto(bytes, &proto, limits, "TensorProto"));
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, TensorFromProto(proto, limits));
    return NamedTensor{proto.name(), std::move(tensor)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no tensor in this file (kind: ", FileKindName(kind),
                   "); npy, npz, BlobProto and TensorProto have some"));
}

absl::StatusOr<std::vector<NamedTensor>> TensorsOf(absl::string_view bytes, const Limits& limits) {
  const FileKind kind = DescribeBytes(bytes, limits).kind;
  if (kind == FileKind::kNpz) return ParseNpz(bytes, limits);
  DOPPIO_ASSIGN_OR_RETURN(NamedTensor tensor, OnlyTensor(bytes, kind, limits));
  std::vector<NamedTensor> tensors;
  tensors.push_back(std::move(tensor));
  return tensors;
}

absl::StatusOr<std::vector<NamedTensor>> TensorsOfDatabase(const std::string& path,
                                                           const Limits& limits) {
  std::vector<NamedTensor> tensors;
  DOPPIO_RETURN_IF_ERROR(io::ReadDatabaseBlobs(
      path, limits, [&](const std::string& name, const std::string&, const Blob* blob) {
        const Tensor* tensor = blob == nullptr ? nullptr : blob->Get<Tensor>();
        if (tensor != nullptr) tensors.push_back({name, *tensor});
        return absl::OkStatus();
      }));
  return tensors;
}

std::string NamesOf(const std::vector<NamedTensor>& tensors) {
  return absl::StrJoin(tensors, ", ", [](std::string* out, const NamedTensor& tensor) {
    absl::StrAppend(out, "\"", tensor.name, "\"");
  });
}

absl::StatusOr<Tensor> OneOf(std::vector<NamedTensor> tensors, absl::string_view name) {
  for (NamedTensor& tensor : tensors) {
    if (tensor.name == name || (name.empty() && tensors.size() == 1)) {
      return std::move(tensor.tensor);
    }
  }
  if (!name.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no tensor \"", name, "\"; there are: ", NamesOf(tensors)));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "holds ", tensors.size(), " tensors, and one must be named: ", NamesOf(tensors)));
}

absl::StatusOr<Tensor> TensorOf(absl::string_view bytes, absl::string_view name,
                                const Limits& limits) {
  const FileKind kind = DescribeBytes(bytes, limits).kind;
  if (kind != FileKind::kNpz) {
    DOPPIO_ASSIGN_OR_RETURN(NamedTensor tensor, OnlyTensor(bytes, kind, limits));
    if (name.empty() || name == tensor.name) return std::move(tensor.tensor);
    return absl::NotFoundError(
        absl::StrCat("no tensor \"", name, "\"; there is: \"", tensor.name, "\""));
  }
  if (!name.empty()) return ParseNpzArray(bytes, name, limits);
  DOPPIO_ASSIGN_OR_RETURN(std::vector<NamedTensor> tensors, ParseNpz(bytes, limits));
  return OneOf(std::move(tensors), "");
}

}  // namespace

absl::StatusOr<std::vector<NamedTensor>> LoadTensors(const std::string& path,
                                                     const Limits& limits) {
  if (io::IsBlobDatabase(path)) return TensorsOfDatabase(path, limits);
  DOPPIO_ASSIGN_OR_RETURN(const io::FileBytes file, io::ReadFile(path, limits));
  absl::StatusOr<std::vector<NamedTensor>> tensors = TensorsOf(file.view(), limits);
  if (!tensors.ok()) return Annotate(tensors.status(), path);
  return tensors;
}

absl::StatusOr<Tensor> LoadTensor(const std::string& path, absl::string_view name,
                                  const Limits& limits) {
  if (io::IsBlobDatabase(path)) {
    DOPPIO_ASSIGN_OR_RETURN(std::vector<NamedTensor> tensors, TensorsOfDatabase(path, limits));
    absl::StatusOr<Tensor> tensor = OneOf(std::move(tensors), name);
    if (!tensor.ok()) return Annotate(tensor.status(), path);
    return tensor;
  }
  DOPPIO_ASSIGN_OR_RETURN(const io::FileBytes file, io::ReadFile(path, limits));
  absl::StatusOr<Tensor> tensor = TensorOf(file.view(), name, limits);
  if (!tensor.ok()) return Annotate(tensor.status(), path);
  return tensor;
}

absl::Status SaveTensors(absl::Span<const NamedTensor> tensors, const std::string& path) {
  if (!absl::EndsWithIgnoreCase(path, ".npz")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": several tensors go into an archive, whose name ends in .npz"));
  }
  return io::WriteFile(path, [&](google::protobuf::io::ZeroCopyOutputStream* out) {
    return io::WriteNpz(tensors, out);
  });
}

absl::Status SaveTensor(const Tensor& tensor, const std::string& path, absl::string_view name) {
  if (absl::EndsWithIgnoreCase(path, ".npz")) {
    const NamedTensor named = {name.empty() ? "arr_0" : std::string(name), tensor};
    return SaveTensors({&named, 1}, path);
  }
  if (absl::EndsWithIgnoreCase(path, ".npy")) {
    absl::StatusOr<io::NpyContent> content = io::NpyContent::Of(tensor);
    if (!content.ok()) return Annotate(content.status(), path);
    return io::WriteFile(path, [&](google::protobuf::io::ZeroCopyOutputStream* out) {
      DOPPIO_RETURN_IF_ERROR(io::WriteBytes(content->header(), out));
      return io::WriteBytes(content->elements(), out);
    });
  }
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type("Tensor");
  absl::StatusOr<TensorProto> tensor_proto = TensorToProto(tensor, name);
  if (!tensor_proto.ok()) return Annotate(tensor_proto.status(), path);
  *proto.mutable_tensor() = *std::move(tensor_proto);
  return SaveProto(proto, path);
}

}  // namespace doppio
