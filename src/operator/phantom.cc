#include <algorithm>
#include <utility>

#include "doppio/blob.h"
#include "src/kernel/broadcast.h"

namespace doppio {
namespace {

// Writes `elements`, repeated to the shape of *tensor, there.
void WriteRepeated(const Tensor& elements, Tensor* tensor) {
  CPUContext context;
  Broadcast(DataTypeSize(elements.dtype()), elements.raw_data(), elements.dims(),
            tensor->raw_mutable_data(), tensor->dims(), &context);
}

// `elements` with as many dimensions as `dims`; an error where it is not repeated to that shape.
absl::StatusOr<Dims> ElementDims(DimsView elements, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(const Dims broadcast, BroadcastShapes(elements, dims));
  if (DimsView(broadcast) != dims) {
    return absl::InvalidArgumentError(absl::StrCat("elements of the shape ",
                                                   ShapeToString(elements), " are not repeated to ",
                                                   ShapeToString(dims)));
  }
  Dims padded(dims.size(), 1);
  std::copy(elements.begin(), elements.end(), padded.end() - elements.size());
  return padded;
}

// Of all forms: they are written out rarely, and blobs are many.
std::mutex& FormMutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

}  // namespace

int64_t Phantom::unwritten_bytes() const {
  const int64_t repeated = SizeFromDim(dims_, 0) - elements_.numel();
  return repeated * static_cast<int64_t>(DataTypeSize(elements_.dtype()));
}

std::optional<Dims> Phantom::ElementsReshaped(DimsView dims) const {
  if (SizeFromDim(dims, 0) != SizeFromDim(dims_, 0)) return std::nullopt;
  // Both shapes are read from the front, in runs of dimensions along which elements are repeated,
  // or are not. A new dimension has to lie within a run.
  Dims result;
  size_t next = 0;
  int64_t rest = 1;  // of the run
  bool is_repeated = false;
  const auto repeats = [&](size_t d) { return elements_.dims()[d] != dims_[d]; };
  for (const int64_t size : dims) {
    if (size != 1 && rest == 1) {
      while (dims_[next] == 1) ++next;
      is_repeated = repeats(next);
      for (; next < dims_.size(); ++next) {
        if (dims_[next] != 1 && repeats(next) != is_repeated) break;
        rest *= dims_[next];
      }
    }
    if (rest % size != 0) return std::nullopt;
    rest /= size;
    result.push_back(is_repeated ? 1 : size);
  }
  return result;
}

absl::Status Blob::SetPhantom(const Tensor& elements, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(const Dims element_dims, ElementDims(elements.dims(), dims));
  DOPPIO_ASSIGN_OR_RETURN(Tensor * copy, SetPhantom(elements.dtype(), element_dims, dims));
  WriteRepeated(elements, copy);
  return absl::OkStatus();
}

absl::StatusOr<Tensor*> Blob::SetPhantom(DataType dtype, DimsView elements, DimsView dims) {
  if (!IsNumeric(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a phantom repeats numbers, not ", DataTypeName(dtype)));
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a phantom has elements, and the shape ", ShapeToString(dims), " none"));
  }
  if (other_ != nullptr) Reset();
  if (phantom_ == nullptr) phantom_ = std::make_unique<Phantom>();
  DOPPIO_RETURN_IF_ERROR(phantom_->elements_.Resize(dtype, elements));
  phantom_->dims_.assign(dims.begin(), dims.end());
  // Storage that is another's too would not serve again.
  if (!tensor_.IsUnique()) tensor_.Reset();
  type_ = typeid(Tensor);
  is_at_hand_.store(false, std::memory_order_relaxed);
  return &phantom_->elements_;
}

absl::Status Blob::ReshapePhantom(DimsView elements, DimsView dims) {
  DOPPIO_RETURN_IF_ERROR(phantom_->elements_.Reshape(elements));
  phantom_->dims_ = Dims(dims.begin(), dims.end());
  return absl::OkStatus();
}

absl::Status Blob::WriteOut() const {
  if (TensorAtHand() != nullptr || !Is<Tensor>()) return absl::OkStatus();
  if (form_ != nullptr) return WriteForm();
  const std::lock_guard<std::mutex> lock(phantom_->writing_);
  if (TensorAtHand() != nullptr) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(tensor_.Resize(phantom_->elements_.dtype(), phantom_->dims_));
  WriteRepeated(phantom_->elements_, &tensor_);
  is_at_hand_.store(true, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status Blob::WriteForm() const {
  const std::lock_guard<std::mutex> lock(FormMutex());
  if (TensorAtHand() != nullptr) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(form_->MakeTensor(&tensor_));
  is_at_hand_.store(true, std::memory_order_release);
  return absl::OkStatus();
}

const Tensor* Blob::WrittenTensor() const {
  return Is<Tensor>() && WriteOut().ok() ? &tensor_ : nullptr;
}

Tensor* Blob::WrittenMutableTensor() {
  const bool has_value = Is<Tensor>() && WriteOut().ok();
  Tensor* tensor = Overwrite();
  if (!has_value) tensor->Reset();
  return tensor;
}

Tensor* Blob::Overwrite() {
  if (form_ != nullptr) {
    other_.reset();
    form_ = nullptr;
  } else if (other_ != nullptr) {
    Reset();
  }
  type_ = typeid(Tensor);
  is_at_hand_.store(true, std::memory_order_relaxed);
  return &tensor_;
}

std::vector<Tensor> Blob::Storages() const {
  std::vector<Tensor> storages;
  if (form_ != nullptr) {
    const std::lock_guard<std::mutex> lock(FormMutex());
    storages = {tensor_, form_->stored()};
  } else if (phantom_ == nullptr) {
    storages.push_back(tensor_);
  } else {
    const std::lock_guard<std::mutex> lock(phantom_->writing_);
    storages = {tensor_, phantom_->elements_};
  }
  return storages;
}

}  // namespace doppio
