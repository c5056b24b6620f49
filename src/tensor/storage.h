#ifndef DOPPIO_TENSOR_STORAGE_H_
#define DOPPIO_TENSOR_STORAGE_H_

#include <memory>
#include <string>
#include <vector>

#include "doppio/allocator.h"
#include "doppio/status.h"
#include "src/tensor/memory_account.h"

namespace doppio::internal {

// A block of memory that tensors share. It remembers how many strings live in it, so that the last
// owner destroys them.
class Storage {
 public:
  static absl::StatusOr<std::shared_ptr<Storage>> Allocate(size_t bytes);
  static std::shared_ptr<Storage> External(const void* data, size_t bytes,
                                           std::shared_ptr<const void> owner);

  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t capacity() const { return capacity_; }

  // Makes the block an array of `count` empty strings; whatever strings were there are gone.
  void ConstructStrings(int64_t count);
  void DestroyStrings();

 private:
  Storage(void* data, size_t capacity, Allocator* allocator)
      : data_(data), capacity_(capacity), allocator_(allocator) {}

  void* data_;
  size_t capacity_;
  Allocator* allocator_;  // null where `owner_` has the memory
  std::shared_ptr<const void> owner_;
  // Beside that of the process.
  std::vector<std::shared_ptr<MemoryAccount>> accounts_;
  int64_t strings_ = 0;
};

}  // namespace doppio::internal

#endif  // DOPPIO_TENSOR_STORAGE_H_
