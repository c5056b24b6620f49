#include "doppio/operator.h"

#include <algorithm>

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

absl::StatusOr<Tensor*> OperatorBase::ResizedOutput(int i, DataType dtype, DimsView dims) {
  Tensor* tensor = outputs_[i]->GetMutable<Tensor>();
  const Dims own_dims(dims.begin(), dims.end());  // `dims` may be a view of the tensor's
  if (is_inplace_[i]) DOPPIO_RETURN_IF_ERROR(tensor->MakeUnique());
  DOPPIO_RETURN_IF_ERROR(tensor->Resize(dtype, own_dims));
  return tensor;
}

std::string OperatorBase::DescribeInput(int i) const {
  const Blob& blob = *inputs_[i];
  const std::string value = blob.IsTensor() ? blob.Get<Tensor>()->TypeAndShape() : blob.TypeName();
  return absl::StrCat("\"", def_->input(i), "\" ", value);
}

absl::Status OperatorBase::BadInput() const {
  for (int i = 0; i < InputSize(); ++i) {
    const Blob& blob = *inputs_[i];
    if (schema_->AllowsAnyInput(i)) continue;
    const std::string where = absl::StrCat("input ", i, ", blob \"", def_->input(i), "\", ");
    if (blob.IsEmpty() ||
        (blob.IsTensor() && blob.Get<Tensor>()->dtype() == DataType::kUndefined)) {
      return absl::FailedPreconditionError(absl::StrCat(where, "has no value yet"));
    }
    if (!blob.IsTensor()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, "holds ", blob.TypeName(), ", but must be a tensor"));
    }
  }
  return absl::InternalError("an input is no tensor");
}

}  // namespace doppio
