#include "doppio/operator.h"

#include <algorithm>
#include <limits>

namespace doppio {

OperatorInit::OperatorInit(std::shared_ptr<const OperatorDef> def, const OpSchema* schema,
                           BlobScope* scope)
    : ArgumentReader(*def, schema), shared_def_(std::move(def)), schema_(schema), scope_(scope) {}

OperatorInit::~OperatorInit() = default;

template <class Context>
Operator<Context>::Operator(OperatorInit* init)
    : OperatorBase(init),
      context_(init->def().device_option().has_random_seed()
                   ? Context(init->def().device_option().random_seed())
                   : Context()) {}

template class Operator<CPUContext>;

OperatorBase::~OperatorBase() = default;

OperatorBase::OperatorBase(OperatorInit* init) : def_(init->shared_def()), schema_(init->schema()) {
  blobs_.reserve(static_cast<size_t>(def_->input_size() + def_->output_size()));
  for (const std::string& name : def_->input()) {
    std::shared_ptr<Blob> blob = init->scope()->FindBlob(name);
    if (blob == nullptr) {
      init->Fail(absl::NotFoundError(
          absl::StrCat("input ", blobs_.size(), ", blob \"", name, "\", does not exist")));
      blob = std::make_shared<Blob>();
    }
    blobs_.push_back(std::move(blob));
  }
  // A refused operator makes no blobs, but the constructors that follow may look at theirs.
  const bool is_refused = !init->status().ok();
  for (const std::string& name : def_->output()) {
    blobs_.push_back(is_refused ? std::make_shared<Blob>() : init->scope()->CreateBlob(name));
  }
  outputs_ = blobs_.data() + def_->input_size();
}

bool OperatorBase::TakesAnyInput(int i) const {
  return schema_->AllowsAnyInput(i) ||
         std::find(any_inputs_.begin(), any_inputs_.end(), i) != any_inputs_.end();
}

// What is read of output i's blob as an input too, and may be a phantom, as the run's last look at
// it: its elements stay where they are, but for an operator that expects them in the output.
absl::Status OperatorBase::KeepElements(int i) {
  const Blob& blob = *outputs_[i];
  if (blob.phantom() == nullptr) return absl::OkStatus();
  for (int k = 0; k < InputSize(); ++k) {
    if (blobs_[k] == outputs_[i] && !schema_->TakesPhantom(*def_, k)) return blob.WriteOut();
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor*> OperatorBase::ResizedOutput(int i, DataType dtype, DimsView dims) {
  const Dims own_dims(dims.begin(), dims.end());  // `dims` may be a view of the tensor's
  DOPPIO_RETURN_IF_ERROR(KeepElements(i));
  Tensor* tensor = outputs_[i]->Overwrite();
  const bool is_inplace =
      std::find<const std::shared_ptr<Blob>*>(blobs_.data(), outputs_, outputs_[i]) != outputs_;
  if (is_inplace) DOPPIO_RETURN_IF_ERROR(tensor->MakeUnique());
  DOPPIO_RETURN_IF_ERROR(tensor->Resize(dtype, own_dims));
  return tensor;
}

bool OperatorBase::MakesPhantom(DataType dtype, int64_t elements, DimsView dims) const {
  // Below that, the copy of the elements costs about what is not written.
  constexpr int64_t kLeastRepeats = 4;
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  if (least_phantom_bytes_ == kNever || !IsNumeric(dtype)) return false;
  // A shape that is too large is an error of whoever allocates it.
  const absl::StatusOr<int64_t> count = NumElements(dims);
  if (!count.ok()) return false;
  const absl::StatusOr<int64_t> bytes =
      CheckedProduct(*count, static_cast<int64_t>(DataTypeSize(dtype)));
  return bytes.ok() && *bytes >= least_phantom_bytes_ && *count / kLeastRepeats >= elements;
}

const Tensor& OperatorBase::WrittenInput(int i) const {
  // Run() has found a tensor. Without memory to write it out, its reader finds nothing in it.
  static const Tensor& nothing = *new Tensor;
  const Tensor* tensor = blobs_[i]->Get<Tensor>();
  return tensor == nullptr ? nothing : *tensor;
}

OperatorBase::Operand OperatorBase::OtherOperand(int i) const {
  if (const Phantom* phantom = blobs_[i]->phantom()) {
    return {phantom->elements(), phantom->dims()};
  }
  const Tensor& tensor = WrittenInput(i);  // another thread wrote it out just now
  return {tensor, tensor.dims()};
}

std::string OperatorBase::DescribeInput(int i) const {
  const Blob& blob = *blobs_[i];
  std::string value;
  if (const Phantom* phantom = blob.phantom()) {
    value = absl::StrCat(DataTypeName(phantom->elements().dtype()), ShapeToString(phantom->dims()));
  } else {
    value = blob.IsTensor() ? blob.Get<Tensor>()->TypeAndShape() : blob.TypeName();
  }
  return absl::StrCat("\"", def_->input(i), "\" ", value);
}

absl::Status OperatorBase::PrepareInput(int i) const {
  const Blob& blob = *blobs_[i];
  const bool is_phantom = blob.phantom() != nullptr;
  if (is_phantom ? schema_->TakesPhantom(*def_, i) : TakesAnyInput(i)) return absl::OkStatus();
  const auto where = [&] { return absl::StrCat("input ", i, ", blob \"", def_->input(i), "\", "); };
  const absl::Status written = blob.WriteOut();
  if (!written.ok()) return Annotate(written, absl::StrCat(where(), "can not be written out"));
  const Tensor* tensor = blob.Get<Tensor>();
  if (blob.IsEmpty() || (tensor != nullptr && tensor->dtype() == DataType::kUndefined)) {
    return absl::FailedPreconditionError(absl::StrCat(where(), "has no value yet"));
  }
  if (tensor == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(where(), "holds ", blob.TypeName(), ", but must be a tensor"));
  }
  return absl::OkStatus();
}

absl::Status OperatorBase::RunWithOtherInputs() {
  for (int i = 0; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(PrepareInput(i));
  return RunOnDevice();
}

}  // namespace doppio
