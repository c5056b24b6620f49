#include "doppio/serialize.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "src/io/blob_serializers.h"
#include "src/io/tensor_proto.h"

namespace doppio {
namespace {

absl::Status SerializeTensor(const Tensor& tensor, absl::string_view name,
                             const SerializeOptions& options, const BlobSink& sink) {
  int64_t chunk_size = options.chunk_size;
  if (chunk_size == 0) chunk_size = SerializeOptions::kDefaultChunkSize;
  if (chunk_size == SerializeOptions::kNoChunks) chunk_size = std::max<int64_t>(tensor.numel(), 1);
  if (chunk_size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("chunk_size is ", chunk_size, "; it must be positive, 0 or -1"));
  }
  int64_t begin = 0;
  int64_t chunk = 0;
  do {
    const int64_t end = begin + std::min(chunk_size, tensor.numel() - begin);
    BlobProto proto;
    proto.set_name(std::string(name));
    proto.set_type("Tensor");
    DOPPIO_ASSIGN_OR_RETURN(*proto.mutable_tensor(),
                            TensorSegmentToProto(tensor, name, begin, end, options));
    DOPPIO_RETURN_IF_ERROR(sink(ChunkKey(name, chunk++), std::move(proto)));
    begin = end;
  } while (begin < tensor.numel());
  return absl::OkStatus();
}

}  // namespace

std::string ChunkKey(absl::string_view name, int64_t chunk) {
  return absl::StrCat(name, "#%", chunk);
}

absl::string_view NameOfChunkKey(absl::string_view key) {
  const size_t mark = key.rfind("#%");
  if (mark == absl::string_view::npos || mark + 2 == key.size()) return key;
  const absl::string_view number = key.substr(mark + 2);
  const bool is_number =
      std::all_of(number.begin(), number.end(), [](char c) { return absl::ascii_isdigit(c); });
  return is_number ? key.substr(0, mark) : key;
}

absl::Status SerializeBlob(const Blob& blob, absl::string_view name,
                           const SerializeOptions& options, const BlobSink& sink) {
  absl::Status status = blob.WriteOut();
  if (!status.ok()) return status;
  if (blob.IsTensor()) {
    status = SerializeTensor(*blob.Get<Tensor>(), name, options, sink);
  } else if (const BlobSerializer* serializer = io::FindBlobSerializer(blob.type())) {
    status = serializer->serialize(blob, name, options, sink);
  } else {
    status = absl::NotFoundError(
        absl::StrCat("holds ", blob.TypeName(),
                     ", which cannot be written; what can: ", io::SerializableTypes()));
  }
  return status.ok() ? status : Annotate(status, absl::StrCat("blob \"", name, "\""));
}

absl::StatusOr<BlobProto> BlobToProto(const Blob& blob, absl::string_view name,
                                      const SerializeOptions& options) {
  SerializeOptions whole = options;
  whole.chunk_size = SerializeOptions::kNoChunks;
  BlobProto result;
  int messages = 0;
  DOPPIO_RETURN_IF_ERROR(SerializeBlob(blob, name, whole, [&](const std::string&, BlobProto proto) {
    result = std::move(proto);
    ++messages;
    return absl::OkStatus();
  }));
  if (messages == 1) return result;
  return absl::InvalidArgumentError(
      absl::StrCat("blob \"", name, "\": ", messages, " messages, not one"));
}

absl::Status BlobFromProto(const BlobProto& proto, Blob* blob, const Limits& limits) {
  if (io::IsTensorBlob(proto)) {
    absl::StatusOr<Tensor> tensor = TensorFromProto(proto.tensor(), limits);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrCat("blob \"", proto.name(), "\""));
    *blob->GetMutable<Tensor>() = *std::move(tensor);
    return absl::OkStatus();
  }
  BlobAssembler assembler(limits);
  DOPPIO_RETURN_IF_ERROR(assembler.Add(proto));
  return assembler.Finish(blob);
}

}  // namespace doppio
