#ifndef DOPPIO_TENSOR_H_
#define DOPPIO_TENSOR_H_

// A dense, row-major array of numbers or strings.
//
//   absl::StatusOr<Tensor> x = Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
//   x->dims();           // [2,3]
//   x->data<float>()[5]  // 6
//
// A Tensor is a value: a copy of one shares its storage until either is written to through the
// functions below, which then give the writer storage of its own. Resizing a tensor that owns its
// storage alone allocates only when it grows beyond its capacity. Different Tensors may be used
// from different threads, also where they share storage; one Tensor needs outside locking as soon
// as one thread writes to it.

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "doppio/dtype.h"
#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {

namespace internal {
class Storage;
}  // namespace internal

class Tensor {
 public:
  // No type, shape [0], no storage.
  Tensor() = default;

  // Elements are unspecified (strings: empty). InvalidArgument for a shape that is none,
  // ResourceExhausted without memory.
  static absl::StatusOr<Tensor> Create(DataType dtype, DimsView dims);

  // InvalidArgument unless there are as many values as `dims` says.
  template <typename T>
  static absl::StatusOr<Tensor> Of(std::initializer_list<int64_t> dims,
                                   std::initializer_list<T> values) {
    return FromSpan<T>(DimsView(dims.begin(), dims.size()),
                       absl::Span<const T>(values.begin(), values.size()));
  }
  template <typename T>
  static absl::StatusOr<Tensor> FromSpan(DimsView dims, absl::Span<const T> values);
  template <typename T>
  static absl::StatusOr<Tensor> Scalar(T value) {
    return FromSpan<T>({}, absl::Span<const T>(&value, 1));
  }

  // A tensor over memory that `owner` keeps alive; it is not written to: a writer gets a copy. Not
  // for strings.
  static absl::StatusOr<Tensor> FromExternal(DataType dtype, DimsView dims, const void* data,
                                             std::shared_ptr<const void> owner);

  DataType dtype() const { return dtype_; }
  DimsView dims() const { return dims_; }
  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t dim(int i) const { return dims_[i]; }
  int64_t numel() const { return numel_; }
  size_t bytes() const { return static_cast<size_t>(numel_) * DataTypeSize(dtype_); }

  template <typename T>
  bool Is() const {
    return dtype_ == DataTypeOf<T>::value;
  }

  // The elements. T must be the tensor's type (Is<T>()), or else the result is null.
  template <typename T>
  const T* data() const {
    return Is<T>() ? static_cast<const T*>(data_) : nullptr;
  }
  const void* raw_data() const { return data_; }
  template <typename T>
  absl::Span<const T> span() const {
    return Is<T>() ? absl::Span<const T>(static_cast<const T*>(data_), static_cast<size_t>(numel_))
                   : absl::Span<const T>();
  }

  // The elements, for writing, after Create, Resize or MakeUnique (no other tensor sees what is
  // written).
  template <typename T>
  T* mutable_data() {
    return Is<T>() ? static_cast<T*>(data_) : nullptr;
  }
  void* raw_mutable_data() { return data_; }

  // Becomes a tensor of this type and shape that alone owns its storage. The elements are
  // unspecified, unless type and number of elements stay and the storage was not shared: then they
  // stay too. Never fails halfway: the tensor is unchanged when an error is returned.
  absl::Status Resize(DataType dtype, DimsView dims) {
    return IsUniqueOf(dtype, dims) ? absl::OkStatus() : ResizeSlow(dtype, dims);
  }
  // Whether it is what Resize would make of it.
  bool IsUniqueOf(DataType dtype, DimsView dims) const {
    return dtype == dtype_ && HasDims(dims) && IsUnique();
  }
  // Storage of its own with the elements that it has: a copy where the storage was shared.
  absl::Status MakeUnique() {
    return storage_ == nullptr || IsUnique() ? absl::OkStatus() : MakeUniqueSlow();
  }

  // The same elements in another shape of as many elements; nothing is copied.
  absl::Status Reshape(DimsView dims);

  // An own copy of the elements of `source`, in the storage at hand where it suffices.
  absl::Status CopyFrom(const Tensor& source);

  // Drops the storage; as after Tensor().
  void Reset() { *this = Tensor(); }

  // Has storage that no other tensor shares.
  bool IsUnique() const {
    if (storage_.use_count() != 1 || is_external_) return false;
      // Whoever shared the storage may have read it just before. use_count() does not order that
      // before what is written now.
#ifdef __SANITIZE_THREAD__
    const auto ordered = storage_;  // in place of a fence, which ThreadSanitizer does not know
#else
    std::atomic_thread_fence(std::memory_order_acquire);
#endif
    return true;
  }
  size_t capacity() const;  // bytes of the storage
  bool SharesStorageWith(const Tensor&) const;
  const void* storage_id() const {
    return storage_.get();
  }  // equal for tensors that share storage; null without

  // Moving leaves an empty tensor behind.
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  Tensor(Tensor&& other) noexcept { *this = std::move(other); }
  Tensor& operator=(Tensor&& other) noexcept;

  // "float[2,3]".
  std::string TypeAndShape() const;

 private:
  absl::Status ResizeSlow(DataType dtype, DimsView dims);
  absl::Status MakeUniqueSlow();
  // Most shapes are short, and often the view is one of dims_ itself.
  bool HasDims(DimsView dims) const {
    if (dims.size() != dims_.size()) return false;
    const int64_t* const own = dims_.data();
    if (dims.data() == own) return true;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] != own[i]) return false;
    }
    return true;
  }

  DataType dtype_ = DataType::kUndefined;
  bool is_external_ = false;  // FromExternal
  Dims dims_ = {0};
  int64_t numel_ = 0;
  void* data_ = nullptr;
  std::shared_ptr<internal::Storage> storage_;
};

template <typename T>
absl::StatusOr<Tensor> Tensor::FromSpan(DimsView dims, absl::Span<const T> values) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Create(DataTypeOf<T>::value, dims));
  if (tensor.numel() != static_cast<int64_t>(values.size())) {
    return absl::InvalidArgumentError(absl::StrCat("shape ", ShapeToString(dims), " has ",
                                                   tensor.numel(), " elements, but ", values.size(),
                                                   " values are given"));
  }
  T* out = tensor.mutable_data<T>();
  for (const T& value : values) *out++ = value;
  return tensor;
}

}  // namespace doppio

#endif  // DOPPIO_TENSOR_H_
