#ifndef DOPPIO_BLOB_H_
#define DOPPIO_BLOB_H_

// A named place in a workspace that holds nothing, a tensor, or a value of any other type (a
// counter, a reader, ...).
//
// Threads: many may read a blob at once; one that writes to it must be alone, as with a tensor.
// Some values, counters and locks say, bear more.
//
// A tensor in which a smaller one is repeated need not be written out: the blob may hold it as a
// phantom. Whoever asks for the tensor finds it written; only who asks for the phantom sees one.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/tensor.h"

namespace doppio {

// A tensor of the shape dims() that stands over one of its kind: elements() has as many dimensions,
// each of the same size, or of size 1 where the elements are repeated.
class Phantom {
 public:
  const Tensor& elements() const { return elements_; }
  DimsView dims() const { return dims_; }
  // What it would take more to write it out.
  int64_t unwritten_bytes() const;
  // The phantom of the same elements, in the same order, in the shape `dims` of as many elements:
  // the shape of its elements(); none where these are not repeated along dimensions of it.
  std::optional<Dims> ElementsReshaped(DimsView dims) const;

 private:
  friend class Blob;
  Tensor elements_;
  Dims dims_;
  std::mutex writing_;
};

class Blob {
 public:
  Blob();
  ~Blob();
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  bool IsEmpty() const { return type_ == typeid(void); }
  bool IsTensor() const { return TensorAtHand() != nullptr || WrittenTensor() != nullptr; }
  template <typename T>
  bool Is() const {
    return type_ == typeid(T);
  }
  std::type_index type() const { return type_; }
  // "Tensor", "std::string", what DOPPIO_REGISTER_BLOB_TYPE gave the type, or the compiler's name
  // of it; "nothing" when empty.
  std::string TypeName() const;

  // The value, or null when the blob does not hold a T. A phantom is written out first, once for
  // all threads; null when there is no memory for it, which WriteOut() tells beforehand.
  template <typename T>
  const T* Get() const;
  // The value; where the blob does not hold a T, it is replaced by a T(). A phantom is written out
  // first; it is replaced too where there is no memory for it.
  template <typename T>
  T* GetMutable();

  void Reset();

  // --- Phantoms. ---
  // Becomes a tensor of the shape `dims` with the elements of `elements`, which are numbers,
  // repeated by NumPy's rules, without writing it out. The elements are copied, into storage that
  // the blob keeps from one time to the next. InvalidArgument for shapes that do not go together or
  // have no elements.
  absl::Status SetPhantom(const Tensor& elements, DimsView dims);
  // The same without the elements, which the caller writes to the tensor that it gets. It has type
  // and shape; `elements` is of the rank of `dims`.
  absl::StatusOr<Tensor*> SetPhantom(DataType dtype, DimsView elements, DimsView dims);
  // The phantom gets another shape; `elements` is what ElementsReshaped says.
  absl::Status ReshapePhantom(DimsView elements, DimsView dims);
  // The phantom that the blob holds; null where it holds something else, or the tensor was written
  // out. It stays as it is until the blob is written to.
  const Phantom* phantom() const {
    return TensorAtHand() == nullptr && Is<Tensor>() ? phantom_.get() : nullptr;
  }
  // Writes a phantom out. An error means that there is no memory for it, and leaves it as it is.
  absl::Status WriteOut() const;
  // The tensor, unless the blob holds something else or a phantom.
  const Tensor* TensorAtHand() const {
    return is_at_hand_.load(std::memory_order_acquire) ? &tensor_ : nullptr;
  }
  Tensor* TensorAtHand() {
    return is_at_hand_.load(std::memory_order_acquire) ? &tensor_ : nullptr;
  }
  // As GetMutable<Tensor>(), for those who write all of it: a phantom is not written out, and what
  // it stands over stays where it is, so that it can be read while the tensor is written.
  Tensor* Overwrite();
  // The tensors whose storage the blob holds; not while it is written to.
  std::vector<Tensor> Storages() const;

 private:
  const Tensor* WrittenTensor() const;
  Tensor* WrittenMutableTensor();

  std::type_index type_;  // first: the compiler knows then that the tensor's address is not null
  // In place: nearly all blobs are tensors. While there is a phantom, it is what was there before,
  // whose storage serves again.
  mutable Tensor tensor_;
  std::shared_ptr<void> other_;
  mutable std::atomic<bool> is_at_hand_{false};  // tensor_ is the value
  std::unique_ptr<Phantom> phantom_;  // the value where type_ is Tensor's and tensor_ is not it
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
    const Tensor* tensor = TensorAtHand();  // every operator asks: no comparison of types
    return __builtin_expect(tensor != nullptr, 1) ? tensor : WrittenTensor();
  } else {
    return Is<T>() ? static_cast<const T*>(other_.get()) : nullptr;
  }
}

template <typename T>
T* Blob::GetMutable() {
  if constexpr (std::is_same_v<T, Tensor>) {
    return __builtin_expect(TensorAtHand() != nullptr, 1) ? &tensor_ : WrittenMutableTensor();
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
