#ifndef DOPPIO_BLOB_H_
#define DOPPIO_BLOB_H_

// A named place in a workspace that holds nothing, a tensor, or a value of any other type (a
// counter, a reader, ...).
//
// A tensor may be kept in another form (TensorForm); whoever asks for the tensor does not notice.
//
// Threads: many may read a blob at once; one that writes to it must be alone, as with a tensor.
// Some values, counters and locks say, bear more.

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>

#include "absl/strings/string_view.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// The base of values that are a tensor in another form, such as a layout that some operators work
// faster with. To everyone else a blob of such a value holds the tensor: it is made when somebody
// asks for it first, and kept until the value is written to again.
class TensorForm {
 public:
  virtual ~TensorForm() = default;
  virtual absl::Status MakeTensor(Tensor* tensor) const = 0;
  // What the form itself keeps its elements in.
  virtual const Tensor& stored() const = 0;
};

class Blob {
 public:
  Blob() : type_(typeid(void)) {}
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  bool IsEmpty() const { return type_ == typeid(void); }
  bool IsTensor() const { return Get<Tensor>() != nullptr; }
  template <typename T>
  bool Is() const {
    if constexpr (std::is_same_v<T, Tensor>) {
      return IsTensor();
    } else {
      return type_ == typeid(T);
    }
  }
  std::type_index type() const { return type_; }
  // "Tensor", "std::string", what DOPPIO_REGISTER_BLOB_TYPE gave the type, or the compiler's name
  // of it; "nothing" when empty.
  std::string TypeName() const;

  // The value, or null when the blob does not hold a T. A Tensor is made where the blob holds
  // another form of it; null too where there is no memory for that.
  template <typename T>
  const T* Get() const;
  // The value; where the blob does not hold a T, it is replaced by a T(), or a TensorForm by its
  // tensor.
  template <typename T>
  T* GetMutable();

  void Reset();

  // The tensors that there are now: a tensor, or what a form of one is stored in and what was made
  // of it. Null: no such one.
  std::array<const Tensor*, 2> StoredTensors() const;

 private:
  const Tensor* MadeTensor() const;
  void BecomeTensor();

  mutable Tensor tensor_;  // in place: nearly all blobs are tensors
  std::shared_ptr<void> other_;
  const TensorForm* form_ = nullptr;  // `other_`, where that is one
  std::type_index type_;
  mutable std::atomic<bool> is_tensor_ = false;  // tensor_ has the value, if as a copy of form_
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
    // Every operator asks: no comparison of types.
    if (__builtin_expect(is_tensor_.load(std::memory_order_acquire), 1)) return &tensor_;
    return form_ == nullptr ? nullptr : MadeTensor();
  } else {
    return Is<T>() ? static_cast<const T*>(other_.get()) : nullptr;
  }
}

template <typename T>
T* Blob::GetMutable() {
  if constexpr (std::is_same_v<T, Tensor>) {
    if (form_ != nullptr || !is_tensor_.load(std::memory_order_relaxed)) BecomeTensor();
    return &tensor_;
  } else {
    if (!Is<T>()) {
      Reset();
      auto value = std::make_shared<T>();
      if constexpr (std::is_base_of_v<TensorForm, T>) form_ = value.get();
      other_ = std::move(value);
      type_ = typeid(T);
    }
    if constexpr (std::is_base_of_v<TensorForm, T>) {
      is_tensor_.store(false, std::memory_order_relaxed);
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
