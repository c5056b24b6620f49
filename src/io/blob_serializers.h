#ifndef DOPPIO_IO_BLOB_SERIALIZERS_H_
#define DOPPIO_IO_BLOB_SERIALIZERS_H_

#include <typeindex>

#include "doppio/serialize.h"

namespace doppio {
namespace io {

// The registered serializer of a type of blobs, or of a BlobProto.type; null when there is none.
// It stays valid.
const BlobSerializer* FindBlobSerializer(std::type_index type);
const BlobSerializer* FindBlobSerializer(absl::string_view type);

constexpr char kInt8TensorType[] = "Int8TensorCPU";
BlobSerializer Int8TensorSerializer();
constexpr char kDatabaseReaderType[] = "DBReader";
BlobSerializer DatabaseReaderSerializer();

// "std::string, Tensor".
std::string SerializableTypes();

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_BLOB_SERIALIZERS_H_
