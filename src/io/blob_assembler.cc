#include <iterator>
#include <utility>
#include <vector>

#include "doppio/serialize.h"
#include "src/io/blob_serializers.h"
#include "src/io/tensor_proto.h"

namespace doppio {
namespace {

std::string Quoted(const BlobProto& proto) { return absl::StrCat("blob \"", proto.name(), "\""); }

bool SameTensor(const TensorProto& a, const TensorProto& b) {
  return a.data_type() == b.data_type() &&
         absl::Span<const int64_t>(a.dims()) == absl::Span<const int64_t>(b.dims());
}

int64_t EndOf(const BlobProto& chunk, int64_t size) {
  return chunk.tensor().has_segment() ? chunk.tensor().segment().end() : size;
}

absl::Status Overlap(const BlobProto& proto, int64_t begin, int64_t end) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(proto), ": two messages hold elements of [",
                                                 begin, ",", end, ")"));
}

}  // namespace

absl::Status BlobAssembler::Add(BlobProto proto) {
  if (!chunks_.empty()) {
    const BlobProto& first = chunks_.begin()->second;
    if (first.name() != proto.name() || first.type() != proto.type()) {
      return absl::InvalidArgumentError(absl::StrCat("messages of ", Quoted(first), " (",
                                                     first.type(), ") and ", Quoted(proto), " (",
                                                     proto.type(), ") do not go together"));
    }
  }
  return io::IsTensorBlob(proto) ? AddTensor(std::move(proto)) : AddContent(std::move(proto));
}

absl::Status BlobAssembler::AddTensor(BlobProto proto) {
  absl::StatusOr<io::TensorSegment> segment = io::CheckTensorProto(proto.tensor(), limits_);
  if (!segment.ok()) return Annotate(segment.status(), Quoted(proto));
  const int64_t begin = segment->begin;
  if (!chunks_.empty()) {
    const BlobProto& first = chunks_.begin()->second;
    if (!first.has_tensor() || !SameTensor(first.tensor(), proto.tensor())) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(proto), ": its messages differ in type or shape"));
    }
    const auto next = chunks_.lower_bound(begin);
    if (next != chunks_.end() && (next->first < segment->end || next->first == begin)) {
      return Overlap(proto, next->first, EndOf(next->second, size_));
    }
    if (next != chunks_.begin() && EndOf(std::prev(next)->second, size_) > begin) {
      return Overlap(proto, std::prev(next)->first, EndOf(std::prev(next)->second, size_));
    }
  }
  size_ = segment->numel;
  there_ += segment->end - begin;
  chunks_.emplace(begin, std::move(proto));
  return absl::OkStatus();
}

absl::Status BlobAssembler::AddContent(BlobProto proto) {
  if (io::FindBlobSerializer(proto.type()) == nullptr) {
    return absl::NotFoundError(absl::StrCat(Quoted(proto), ": is of type \"", proto.type(),
                                            "\", which cannot be read; what can: ",
                                            io::SerializableTypes()));
  }
  if (!chunks_.empty() && chunks_.begin()->second.has_tensor()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(proto), ": some messages hold a tensor, others do not"));
  }
  const int64_t size = proto.has_content_num_chunks() ? proto.content_num_chunks() : 1;
  const int64_t id = proto.content_chunk_id();
  if (id < 0 || id >= size) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(proto), ": chunk ", id, " of ", size, " chunks"));
  }
  if (!chunks_.empty() && size != size_) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(proto), ": a message says that there are ",
                                                   size, " chunks, another ", size_));
  }
  if (chunks_.count(id) > 0) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(proto), ": chunk ", id, " comes twice"));
  }
  size_ = size;
  ++there_;
  chunks_.emplace(id, std::move(proto));
  return absl::OkStatus();
}

bool BlobAssembler::IsComplete() const { return !chunks_.empty() && there_ == size_; }

absl::Status BlobAssembler::CheckComplete() const {
  if (IsComplete()) return absl::OkStatus();
  if (chunks_.empty()) return absl::InvalidArgumentError("no message of the blob came");
  const bool is_tensor = chunks_.begin()->second.has_tensor();
  int64_t expected = 0;
  int64_t next = size_;
  for (const auto& [begin, chunk] : chunks_) {
    if (begin > expected) {
      next = begin;
      break;
    }
    expected = is_tensor ? EndOf(chunk, size_) : begin + 1;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      Quoted(chunks_.begin()->second), ": ", is_tensor ? "elements" : "chunks", " [", expected, ",",
      next, ") of ", size_, " are missing, in all ", size_ - there_));
}

absl::Status BlobAssembler::FinishTensor(Blob* blob) {
  DOPPIO_ASSIGN_OR_RETURN(const io::TensorSegment whole,
                          io::CheckTensorProto(chunks_.begin()->second.tensor(), limits_));
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(whole.dtype, whole.dims));
  // Each message is freed as soon as it is copied: the blob is never twice in memory.
  while (!chunks_.empty()) {
    const TensorProto& proto = chunks_.begin()->second.tensor();
    DOPPIO_ASSIGN_OR_RETURN(const io::TensorSegment segment,
                            io::CheckTensorProto(proto, limits_));
    DOPPIO_RETURN_IF_ERROR(io::DecodeSegment(proto, segment, &tensor));
    chunks_.erase(chunks_.begin());
  }
  *blob->GetMutable<Tensor>() = std::move(tensor);
  return absl::OkStatus();
}

absl::Status BlobAssembler::Finish(Blob* blob) {
  absl::Status status = CheckComplete();
  if (status.ok() && io::IsTensorBlob(chunks_.begin()->second)) {
    const std::string name = Quoted(chunks_.begin()->second);
    status = FinishTensor(blob);
    if (!status.ok()) status = Annotate(status, name);
  } else if (status.ok()) {
    const BlobSerializer* serializer = io::FindBlobSerializer(chunks_.begin()->second.type());
    std::vector<BlobProto> in_order;
    for (auto& entry : chunks_) in_order.push_back(std::move(entry.second));
    status = serializer->deserialize(in_order, limits_, blob);
  }
  chunks_.clear();
  size_ = there_ = 0;
  return status;
}

}  // namespace doppio
