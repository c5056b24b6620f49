#ifndef DOPPIO_SERIALIZE_H_
#define DOPPIO_SERIALIZE_H_

// Tensors and blobs as messages: TensorProto and BlobProto, as Caffe2 writes and reads them.
//
//   absl::StatusOr<TensorProto> proto = TensorToProto(tensor);
//   absl::StatusOr<Tensor> copy = TensorFromProto(*proto);
//
// Messages are not trusted: shapes are checked against the data that is there before anything is
// allocated.
//
// bfloat16 has no number in the format. Such a tensor is written as FLOAT whose values are kept as
// bfloat16 (data_format 1), and comes back as a float tensor with the same values.
//
// Threads: all functions may be called from many at once.

#include <functional>
#include <map>
#include <string>
#include <typeindex>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/blob.h"
#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/tensor.h"

namespace doppio {

struct SerializeOptions {
  static constexpr int64_t kDefaultChunkSize = 1'000'000;
  static constexpr int64_t kNoChunks = -1;

  // Elements in one message; 0 is kDefaultChunkSize.
  int64_t chunk_size = 0;
  // Keep the upper half of each float only. Half the size, 8 bits of precision.
  bool floats_as_bfloat16 = false;
  // Keep bool, int8, uint8, int16, uint16 and float16 as bytes rather than one number per element.
  bool small_types_as_bytes = false;
};

// The whole tensor in one message, whatever the chunk size. A tensor without a type is written as
// an empty float tensor.
absl::StatusOr<TensorProto> TensorToProto(const Tensor& tensor, absl::string_view name = "",
                                          const SerializeOptions& options = {});

// Elements [begin, end) of the flattened tensor.
absl::StatusOr<TensorProto> TensorSegmentToProto(const Tensor& tensor, absl::string_view name,
                                                 int64_t begin, int64_t end,
                                                 const SerializeOptions& options = {});

// InvalidArgument when the message does not hold the whole tensor, or holds another number of
// values than its shape says, or a value that its type cannot.
absl::StatusOr<Tensor> TensorFromProto(const TensorProto& proto, const Limits& limits = {});

// Takes the messages of a blob one by one. `key` is what a database files the message under:
// "name#%0", "name#%1", ... for the chunks of a tensor, and the plain name for other blobs.
using BlobSink = std::function<absl::Status(const std::string& key, BlobProto proto)>;

// NotFound when no serializer is registered for the blob's type.
absl::Status SerializeBlob(const Blob& blob, absl::string_view name,
                           const SerializeOptions& options, const BlobSink& sink);

// The whole blob in one message.
absl::StatusOr<BlobProto> BlobToProto(const Blob& blob, absl::string_view name,
                                      const SerializeOptions& options = {});

// Fills *blob from the only message of a blob; on an error *blob is as before.
absl::Status BlobFromProto(const BlobProto& proto, Blob* blob, const Limits& limits = {});

// "name#%2" is chunk 2 of "name"; a key without "#%" and a number is a name, and chunk 0.
std::string ChunkKey(absl::string_view name, int64_t chunk);
absl::string_view NameOfChunkKey(absl::string_view key);

// Puts a blob together from its messages, which may come in any order.
//
//   BlobAssembler assembler;
//   while (!assembler.IsComplete()) DOPPIO_RETURN_IF_ERROR(assembler.Add(NextMessage()));
//   DOPPIO_RETURN_IF_ERROR(assembler.Finish(&blob));
class BlobAssembler {
 public:
  explicit BlobAssembler(const Limits& limits = {}) : limits_(limits) {}

  // InvalidArgument when the message is of another blob than those before, or holds what one of
  // them held already. The messages so far stay.
  absl::Status Add(BlobProto proto);
  bool IsComplete() const;
  // InvalidArgument that says what is missing when the blob is not complete; *blob is then as
  // before. The assembler is empty afterwards.
  absl::Status Finish(Blob* blob);

 private:
  absl::Status AddTensor(BlobProto proto);
  absl::Status AddContent(BlobProto proto);
  absl::Status FinishTensor(Blob* blob);
  absl::Status CheckComplete() const;

  Limits limits_;
  // By the first element of tensors, by the number of the chunk of other blobs.
  std::map<int64_t, BlobProto> chunks_;
  int64_t size_ = 0;   // of the whole, in elements or chunks
  int64_t there_ = 0;  // of that
};

// How blobs of other types than Tensor are written and read. std::string is registered.
struct BlobSerializer {
  std::string type;  // BlobProto.type
  std::function<absl::Status(const Blob&, absl::string_view name, const SerializeOptions&,
                             const BlobSink&)>
      serialize;
  // `chunks` are in order and complete: content_num_chunks of them, at least one.
  std::function<absl::Status(absl::Span<const BlobProto> chunks, const Limits&, Blob*)> deserialize;
};

// AlreadyExists when the type or its name is registered.
absl::Status RegisterBlobSerializer(std::type_index type, BlobSerializer serializer);

}  // namespace doppio

#endif  // DOPPIO_SERIALIZE_H_
