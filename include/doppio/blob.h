#ifndef DOPPIO_BLOB_H_
#define DOPPIO_BLOB_H_

// A named place in a workspace that holds nothing, a tensor, or a value of any other type (a
// counter, a reader, ...).
//
// Threads: many may read a blob at once; one that writes to it must be alone, as with a tensor.
// Some values, counters and locks say, bear more.
//
// A tensor need not be written out: one in which a smaller one is repeated may be a phantom, and
// one that some operators keep in a layout of their own a TensorForm. Whoever asks for the tensor
// finds it written; only who asks for the phantom or the form sees one.

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
#include "doppio/status.h"
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
  Blob();
  ~Blob();
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  bool IsEmpty() const { return type_ == typeid(void); }
  bool IsTensor() const { return TensorAtHand() != nullptr || WrittenTensor() != nullptr; }
  // Whether it holds a T; a phantom and a TensorForm are tensors too, written out or not.
  template <typename T>
  bool Is() const {
    if (std::is_same_v<T, Tensor> && form_ != nullptr) return true;
    return type_ == typeid(T);
  }
  std::type_index type() const { return type_; }
  // "Tensor", "std::string", what DOPPIO_REGISTER_BLOB_TYPE gave the type, or the compiler's name
  // of it; "nothing" when empty.
  std::string TypeName() const;

  // The value, or null when the blob does not hold a T. A tensor is written out first, once for all
  // threads; null when there is no memory for it, which WriteOut() tells beforehand.
  template <typename T>
  const T* Get() const;
  // The value; where the blob does not hold a T, it is replaced by a T(). A tensor is written out
  // first, and is a phantom or a form no longer; it is replaced too where there is no memory for
  // it.
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
    return TensorAtHand() == nullptr && type_ == typeid(Tensor) ? phantom_.get() : nullptr;
  }
  // Writes a phantom or a form out. An error, mostly that there is no memory for it, leaves it as
  // it is.
  absl::Status WriteOut() const;
  // The tensor, unless the blob holds something else or one that is not written out; to be written
  // to, unless it is that of a form.
  const Tensor* TensorAtHand() const {
    return is_at_hand_.load(std::memory_order_acquire) ? &tensor_ : nullptr;
  }
  Tensor* TensorAtHand() {
    return form_ == nullptr && is_at_hand_.load(std::memory_order_acquire) ? &tensor_ : nullptr;
  }
  // As GetMutable<Tensor>(), for those who write all of it: nothing is written out, and what a
  // phantom stands over stays where it is, so that it can be read while the tensor is written.
  Tensor* Overwrite();
  // The tensors whose storage the blob holds; not while it is written to.
  std::vector<Tensor> Storages() const;

 private:
  absl::Status WriteForm() const;
  const Tensor* WrittenTensor() const;
  Tensor* WrittenMutableTensor();

  std::type_index type_;  // first: the compiler knows then that the tensor's address is not null
  // In place: nearly all blobs are tensors. While there is a phantom or a form that is not written
  // out, it is what was there before, whose storage serves again.
  mutable Tensor tensor_;
  std::shared_ptr<void> other_;
  const TensorForm* form_ = nullptr;             // `other_`, where that is one
  mutable std::atomic<bool> is_at_hand_{false};  // tensor_ is the value, or that of form_
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
      auto value = std::make_shared<T>();
      if constexpr (std::is_base_of_v<TensorForm, T>) form_ = value.get();
      other_ = std::move(value);
      type_ = typeid(T);
    }
    if constexpr (std::is_base_of_v<TensorForm, T>) {
      is_at_hand_.store(false, std::memory_order_relaxed);
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
