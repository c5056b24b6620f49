#include "doppio/tensor.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "src/tensor/storage.h"

namespace doppio {
namespace {

// The bytes of a tensor of `numel` elements, which NumElements gave for `dims`.
absl::StatusOr<size_t> CheckedBytes(DataType dtype, DimsView dims, int64_t numel) {
  // Strides in bytes must fit for empty tensors too.
  int64_t extent = static_cast<int64_t>(DataTypeSize(dtype));
  bool overflow = false;
  for (int64_t dim : dims) {
    if (dim != 0) overflow = overflow || __builtin_mul_overflow(extent, dim, &extent);
  }
  if (overflow) {
    return absl::InvalidArgumentError(absl::StrCat("a tensor of type ", DataTypeName(dtype),
                                                   " and shape ", ShapeToString(dims),
                                                   " has more bytes than fit into 64 bits"));
  }
  return numel == 0 ? 0 : static_cast<size_t>(extent);
}

void CopyElements(const Tensor& source, Tensor* target) {
  if (source.Is<std::string>()) {
    std::copy_n(source.data<std::string>(), source.numel(), target->mutable_data<std::string>());
  } else if (source.numel() > 0) {
    std::memcpy(target->raw_mutable_data(), source.raw_data(), source.bytes());
  }
}

}  // namespace

absl::StatusOr<Tensor> Tensor::Create(DataType dtype, DimsView dims) {
  Tensor tensor;
  DOPPIO_RETURN_IF_ERROR(tensor.ResizeSlow(dtype, dims));
  return tensor;
}

absl::StatusOr<Tensor> Tensor::FromExternal(DataType dtype, DimsView dims, const void* data,
                                            std::shared_ptr<const void> owner) {
  if (!IsNumeric(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("memory from outside holds numbers, not ", DataTypeName(dtype)));
  }
  Tensor tensor;
  DOPPIO_ASSIGN_OR_RETURN(tensor.numel_, NumElements(dims));
  DOPPIO_ASSIGN_OR_RETURN(const size_t bytes, CheckedBytes(dtype, dims, tensor.numel_));
  if (data == nullptr && bytes > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("no memory is given for a tensor of shape ", ShapeToString(dims)));
  }
  tensor.storage_ = internal::Storage::External(data, bytes, std::move(owner));
  tensor.dtype_ = dtype;
  tensor.dims_.assign(dims.begin(), dims.end());
  tensor.data_ = tensor.storage_->data();
  return tensor;
}

Tensor& Tensor::operator=(Tensor&& other) noexcept {
  if (this == &other) return *this;
  dtype_ = std::exchange(other.dtype_, DataType::kUndefined);
  dims_ = std::move(other.dims_);
  other.dims_ = {0};
  numel_ = std::exchange(other.numel_, 0);
  data_ = std::exchange(other.data_, nullptr);
  storage_ = std::move(other.storage_);
  return *this;
}

bool Tensor::IsUnique() const {
  if (storage_.use_count() != 1) return false;
    // Whoever shared the storage may have read it just before. use_count() does not order that
    // before what is written now.
#ifdef __SANITIZE_THREAD__
  const std::shared_ptr<internal::Storage> ordered =
      storage_;  // in place of a fence, unknown to it
#else
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
  return storage_->writable();
}

size_t Tensor::capacity() const { return storage_ == nullptr ? 0 : storage_->capacity(); }

bool Tensor::SharesStorageWith(const Tensor& other) const {
  return storage_ != nullptr && storage_ == other.storage_;
}

absl::Status Tensor::ResizeSlow(DataType dtype, DimsView dims) {
  if (dtype == DataType::kUndefined) {
    return absl::InvalidArgumentError("a tensor needs an element type");
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(dims));
  DOPPIO_ASSIGN_OR_RETURN(const size_t bytes, CheckedBytes(dtype, dims, numel));
  const bool keeps_elements = IsUnique() && dtype == dtype_ && numel == numel_;
  if (!keeps_elements) {
    if (!IsUnique() || capacity() < bytes) {
      DOPPIO_ASSIGN_OR_RETURN(storage_, internal::Storage::Allocate(bytes));
    }
    if (dtype == DataType::kString) {
      storage_->ConstructStrings(numel);
    } else {
      storage_->DestroyStrings();
    }
    data_ = storage_->data();
  }
  // `dims` may be a view of dims_ itself.
  const Dims new_dims(dims.begin(), dims.end());
  dims_ = new_dims;
  dtype_ = dtype;
  numel_ = numel;
  return absl::OkStatus();
}

absl::Status Tensor::MakeUnique() {
  if (storage_ == nullptr || IsUnique()) return absl::OkStatus();
  DOPPIO_ASSIGN_OR_RETURN(Tensor copy, Create(dtype_, dims_));
  CopyElements(*this, &copy);
  *this = std::move(copy);
  return absl::OkStatus();
}

absl::Status Tensor::Reshape(DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(dims));
  if (numel != numel_) {
    return absl::InvalidArgumentError(absl::StrCat("cannot reshape ", ShapeToString(dims_), " (",
                                                   numel_, " elements) to ", ShapeToString(dims),
                                                   " (", numel, " elements)"));
  }
  const Dims new_dims(dims.begin(), dims.end());
  dims_ = new_dims;
  return absl::OkStatus();
}

absl::Status Tensor::CopyFrom(const Tensor& source) {
  if (&source == this || SharesStorageWith(source)) {
    *this = Tensor(source);
    return MakeUnique();
  }
  if (source.dtype() == DataType::kUndefined) {
    Reset();
    return absl::OkStatus();
  }
  DOPPIO_RETURN_IF_ERROR(Resize(source.dtype(), source.dims()));
  CopyElements(source, this);
  return absl::OkStatus();
}

std::string Tensor::TypeAndShape() const {
  return absl::StrCat(DataTypeName(dtype_), ShapeToString(dims_));
}

}  // namespace doppio
