#ifndef DOPPIO_OPERATOR_MOVABLE_BLOB_H_
#define DOPPIO_OPERATOR_MOVABLE_BLOB_H_

#include <typeindex>
#include <utility>

#include "doppio/blob.h"
#include "doppio/status.h"

namespace doppio {

// Values that go from one blob to another whatever they are, without a copy: through a queue, say.
// A Tensor and a std::string do; other types where they are known say
//
//   DOPPIO_REGISTER_MOVABLE_BLOB(PackedRecords);

// *to gets what `from` holds, which is empty afterwards. Unimplemented, and nothing changes, where
// that is of a type that was not registered; FailedPrecondition where it is nothing.
absl::Status MoveBlob(Blob* from, Blob* to);

using BlobMover = void (*)(Blob* from, Blob* to);
bool RegisterBlobMover(std::type_index type, BlobMover mover);

template <typename T>
void MoveBlobOf(Blob* from, Blob* to) {
  *to->GetMutable<T>() = std::move(*from->GetMutable<T>());
  from->Reset();
}

#define DOPPIO_REGISTER_MOVABLE_BLOB(Type)                        \
  [[maybe_unused]] static const bool doppio_movable_blob_##Type = \
      ::doppio::RegisterBlobMover(typeid(Type), &::doppio::MoveBlobOf<Type>)

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_MOVABLE_BLOB_H_
