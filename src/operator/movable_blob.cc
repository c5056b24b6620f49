#include "src/operator/movable_blob.h"

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace doppio {
namespace {

struct Movers {
  absl::Mutex mutex;
  absl::flat_hash_map<std::type_index, BlobMover> movers ABSL_GUARDED_BY(mutex) = {
      {typeid(Tensor), &MoveBlobOf<Tensor>}, {typeid(std::string), &MoveBlobOf<std::string>}};
};

Movers& TheMovers() {
  static Movers& movers = *new Movers;
  return movers;
}

}  // namespace

bool RegisterBlobMover(std::type_index type, BlobMover mover) {
  Movers& movers = TheMovers();
  absl::MutexLock lock(&movers.mutex);
  return movers.movers.emplace(type, mover).second;
}

absl::Status MoveBlob(Blob* from, Blob* to) {
  if (from->IsEmpty()) return absl::FailedPreconditionError("there is no value yet");
  DOPPIO_RETURN_IF_ERROR(from->WriteOut());
  BlobMover mover = nullptr;
  {
    Movers& movers = TheMovers();
    absl::MutexLock lock(&movers.mutex);
    const auto found = movers.movers.find(from->type());
    if (found != movers.movers.end()) mover = found->second;
  }
  if (mover == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("a ", from->TypeName(), " can not go from one blob to another"));
  }
  mover(from, to);
  return absl::OkStatus();
}

}  // namespace doppio
