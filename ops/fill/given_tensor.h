#ifndef DOPPIO_OPS_FILL_GIVEN_TENSOR_H_
#define DOPPIO_OPS_FILL_GIVEN_TENSOR_H_

// What the fills have in common whose elements stand in the net itself: init nets are made of them.

#include <utility>

#include "ops/fill/filler.h"

namespace doppio {

// The argument `values` as a vector of type `dtype`: floating point types are read from `floats`,
// strings from `strings` and everything else from `ints`.
absl::StatusOr<Tensor> ReadGivenValues(ArgumentReader* reader, DataType dtype);

// `values` in the shape `dims`; InvalidArgument unless there are as many of them as that takes.
absl::StatusOr<Tensor> ShapeValues(Tensor values, DimsView dims);

inline absl::Status InferGivenTensor(InferenceContext* context, absl::StatusOr<Tensor> values) {
  DOPPIO_RETURN_IF_ERROR(values.status());
  DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
  if (!dims.has_value()) return absl::OkStatus();
  DOPPIO_ASSIGN_OR_RETURN(Tensor shaped, ShapeValues(*std::move(values), *dims));
  context->SetOutput(0, shaped.dtype(), shaped.dims());
  if (shaped.numel() <= kMaxInferredElements) context->SetOutputValue(0, std::move(shaped));
  return absl::OkStatus();
}

// The elements are read once, when the operator is made; a run hands them out without copying.
template <class Context>
class GivenTensorOp : public FillerOp<Context> {
 public:
  absl::Status RunOnDevice() final {
    if (is_shaped_) {
      this->SetOutput(0, values_);
      return absl::OkStatus();
    }
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_ASSIGN_OR_RETURN(Tensor y, ShapeValues(values_, dims));
    this->SetOutput(0, std::move(y));
    return absl::OkStatus();
  }

 protected:
  explicit GivenTensorOp(OperatorInit* init, absl::StatusOr<Tensor> values)
      : FillerOp<Context>(init) {
    init->Fail(values.status());
    const absl::StatusOr<std::optional<Dims>> dims = this->ConstantShape();
    init->Fail(dims.status());
    if (!init->status().ok()) return;
    values_ = *std::move(values);
    if (!dims->has_value()) return;
    values = ShapeValues(std::move(values_), **dims);
    init->Fail(values.status());
    if (values.ok()) values_ = *std::move(values);
    is_shaped_ = true;
  }

 private:
  Tensor values_;
  bool is_shaped_ = false;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_FILL_GIVEN_TENSOR_H_
