#ifndef DOPPIO_BLOB_H_
#define DOPPIO_BLOB_H_

// A named place in a workspace that holds nothing, a tensor, or a value of any other type (a
// counter, a reader, ...).
//
// Threads: many may read a blob at once; one that writes to it must be alone, as with a tensor.
// Some values, counters and locks say, bear more.

#include <memory>
#include <string>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>

#include "absl/strings/string_view.h"
#include "doppio/tensor.h"

namespace doppio {

class Blob {
 public:
  Blob() : type_(typeid(void)) {}
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  bool IsEmpty() const { return type_ == typeid(void); }
  bool IsTensor() const { return is_tensor_; }
  template <typename T>
  bool Is() const {
    return type_ == typeid(T);
  }
  std::type_index type() const { return type_; }
  // "Tensor", "std::string", what DOPPIO_REGISTER_BLOB_TYPE gave the type, or the compiler's name
  // of it; "nothing" when empty.
  std::string TypeName() const;

  // The value, or null when the blob does not hold a T.
  template <typename T>
  const T* Get() const;
  // The value; where the blob does not hold a T, it is replaced by a T().
  template <typename T>
  T* GetMutable();

  void Reset();

 private:
  Tensor tensor_;  // in place: nearly all blobs are tensors
  std::shared_ptr<void> other_;
  std::type_index type_;
  bool is_tensor_ = false;
};

// Gives a type of blobs the name that messages and BlobProto.type show:
// DOPPIO_REGISTER_BLOB_TYPE(MyCounter);
#define DOPPIO_REGISTER_BLOB_TYPE(Type)                        \
  [[maybe_unused]] static const bool doppio_blob_type_##Type = \
      ::doppio::RegisterBlobTypeName(typeid(Type), #Type)

bool RegisterBlobTypeName(std::type_index type, absl::string_view name);

template <typename T>
const T* Blob::Get() const {
  if constexpr (std::is_same_v<T, Tensor>) {
    return is_tensor_ ? &tensor_ : nullptr;  // every operator asks: no comparison of types
  } else {
    return Is<T>() ? static_cast<const T*>(other_.get()) : nullptr;
  }
}

template <typename T>
T* Blob::GetMutable() {
  if constexpr (std::is_same_v<T, Tensor>) {
    if (!is_tensor_) {
      Reset();
      type_ = typeid(Tensor);
      is_tensor_ = true;
    }
    return &tensor_;
  } else {
    if (!Is<T>()) {
      Reset();
      other_ = std::make_shared<T>();
      type_ = typeid(T);
    }
    return static_cast<T*>(other_.get());
  }
}

// How operators see blobs: by name, found or created. Workspace is one.
class BlobScope {
 public:
  virtual ~BlobScope() = default;
  // Null when there is no blob of that name.
  virtual std::shared_ptr<Blob> FindBlob(absl::string_view name) const = 0;
  // The blob of that name, made empty where there was none.
  virtual std::shared_ptr<Blob> CreateBlob(absl::string_view name) = 0;
};

}  // namespace doppio

#endif  // DOPPIO_BLOB_H_
