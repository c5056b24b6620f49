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
  inputs_.reserve(def_->input_size());
  tensor_inputs_.reserve(def_->input_size());
  outputs_.reserve(def_->output_size());
  for (int i = 0; i < def_->input_size(); ++i) {
    std::shared_ptr<Blob> blob = init->scope()->FindBlob(def_->input(i));
    if (blob == nullptr) {
      init->Fail(absl::NotFoundError(
          absl::StrCat("input ", i, ", blob \"", def_->input(i), "\", does not exist")));
      blob = std::make_shared<Blob>();
    }
    if (!schema_->AllowsAnyInput(i)) tensor_inputs_.push_back(blob.get());
    inputs_.push_back(std::move(blob));
  }
  // A refused operator makes no blobs, but the constructors that follow may look at theirs.
  const bool is_refused = !init->status().ok();
  for (const std::string& name : def_->output()) {
    outputs_.push_back(is_refused ? std::make_shared<Blob>() : init->scope()->CreateBlob(name));
    is_inplace_.push_back(std::find(inputs_.begin(), inputs_.end(), outputs_.back()) !=
                          inputs_.end());
  }
}

void OperatorBase::TakeAnyInput(int i) {
  const auto at = std::find(tensor_inputs_.begin(), tensor_inputs_.end(), inputs_[i].get());
  if (at != tensor_inputs_.end()) tensor_inputs_.erase(at);
}

// What is read of output i's blob as an input too, and may be a phantom, as the run's last look at
// it: its elements stay where they are, but for an operator that expects them in the output.
absl::Status OperatorBase::KeepElements(int i) {
  const Blob& blob = *outputs_[i];
  if (blob.phantom() == nullptr) return absl::OkStatus();
  for (int k = 0; k < InputSize(); ++k) {
    if (inputs_[k] == outputs_[i] && !schema_->TakesPhantom(*def_, k)) return blob.WriteOut();
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor*> OperatorBase::ResizedOutput(int i, DataType dtype, DimsView dims) {
  const Dims own_dims(dims.begin(), dims.end());  // `dims` may be a view of the tensor's
  DOPPIO_RETURN_IF_ERROR(KeepElements(i));
  Tensor* tensor = outputs_[i]->Overwrite();
  if (is_inplace_[i]) DOPPIO_RETURN_IF_ERROR(tensor->MakeUnique());
  DOPPIO_RETURN_IF_ERROR(tensor->Resize(dtype, own_dims));
  return tensor;
}

bool OperatorBase::MakesPhantom(DataType dtype, int64_t elements, DimsView dims) const {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  if (least_phantom_bytes_ == kNever || !IsNumeric(dtype)) return false;
  // A shape that is too large is an error of whoever allocates it.
  const absl::StatusOr<int64_t> count = NumElements(dims);
  if (!count.ok()) return false;
  const absl::StatusOr<int64_t> bytes =
      CheckedProduct(*count, static_cast<int64_t>(DataTypeSize(dtype)));
  return bytes.ok() && *bytes >= least_phantom_bytes_ && *count / 2 >= elements;
}

const Tensor& OperatorBase::WrittenInput(int i) const {
  // Run() has found a tensor. Without memory to write it out, its reader finds nothing in it.
  static const Tensor& nothing = *new Tensor;
  const Tensor* tensor = inputs_[i]->Get<Tensor>();
  return tensor == nullptr ? nothing : *tensor;
}

OperatorBase::Operand OperatorBase::OtherOperand(int i) const {
  if (const Phantom* phantom = inputs_[i]->phantom()) {
    return {phantom->elements(), phantom->dims()};
  }
  const Tensor& tensor = WrittenInput(i);  // another thread wrote it out just now
  return {tensor, tensor.dims()};
}

std::string OperatorBase::DescribeInput(int i) const {
  const Blob& blob = *inputs_[i];
  std::string value;
  if (const Phantom* phantom = blob.phantom()) {
    value = absl::StrCat(DataTypeName(phantom->elements().dtype()), ShapeToString(phantom->dims()));
  } else {
    value = blob.IsTensor() ? blob.Get<Tensor>()->TypeAndShape() : blob.TypeName();
  }
  return absl::StrCat("\"", def_->input(i), "\" ", value);
}

absl::Status OperatorBase::PrepareInput(int i) const {
  const Blob& blob = *inputs_[i];
  if (std::find(tensor_inputs_.begin(), tensor_inputs_.end(), &blob) == tensor_inputs_.end()) {
    return absl::OkStatus();  // it may be anything
  }
  const auto where = [&] { return absl::StrCat("input ", i, ", blob \"", def_->input(i), "\", "); };
  if (blob.phantom() != nullptr && schema_->TakesPhantom(*def_, i)) return absl::OkStatus();
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
