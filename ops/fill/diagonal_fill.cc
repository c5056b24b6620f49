#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/fill_value.h"
#include "ops/fill/filler.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> ReadDiagonalValue(ArgumentReader* reader) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor value, ReadFillScalar(reader, std::nullopt));
  if (!value.Is<std::string>()) return value;
  return absl::InvalidArgumentError("value must be a number, not a string");
}

absl::Status CheckDiagonalShape(DimsView dims) {
  if (dims.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat("the shape ", ShapeToString(dims),
                                                   " has no diagonal: the rank must be at least 2",
                                                   ShapeHint(dims)));
  }
  const bool is_cube =
      std::all_of(dims.begin(), dims.end(), [&](int64_t size) { return size == dims[0]; });
  if (dims.size() == 2 || is_cube) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a shape of rank ", dims.size(),
                                                 " must have dimensions of the same size, but is ",
                                                 ShapeToString(dims)));
}

DOPPIO_OPERATOR_SCHEMA(DiagonalFill)
    .FillUsing(StateFiller)
    .Doc(R"DOC(
A tensor that is `value` on its diagonal, where all indices are equal, and 0 elsewhere. In matrices of
more rows than columns Caffe2 begins the diagonal again below.

Example: shape = [2,3] and value = 1.5 give [[1.5,0,0],[0,1.5,0]].
)DOC")
    .FillUsing(StateFillValue)
    .Output(0, "Y", "a matrix, or a tensor of higher rank whose dimensions are all as large")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor value, ReadDiagonalValue(context));
      DOPPIO_ASSIGN_OR_RETURN(const std::optional<Dims> dims, InferFillerShape(context));
      if (!dims.has_value()) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(CheckDiagonalShape(*dims));
      context->SetOutput(0, value.dtype(), *dims);
      return absl::OkStatus();
    });

template <class Context>
class DiagonalFillOp final : public FillerOp<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DiagonalFillOp(OperatorInit* init) : FillerOp<Context>(init) {
    absl::StatusOr<Tensor> value = ReadDiagonalValue(init);
    init->Fail(value.status());
    if (value.ok()) value_ = *std::move(value);
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, this->OutputShape());
    DOPPIO_RETURN_IF_ERROR(CheckDiagonalShape(dims));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, value_.dtype(), dims));
    SetToZero(y);
    if (y->numel() == 0) return absl::OkStatus();
    const ElementCopy copy(value_, y);
    int64_t step = 0;
    for (const int64_t stride : ContiguousStrides(dims)) step += stride;
    for (int64_t i = 0; i < std::min(dims[0], dims[1]); ++i) copy(0, i * step, 1);
    return absl::OkStatus();
  }

 private:
  Tensor value_;  // a scalar
};

DOPPIO_REGISTER_CPU_OPERATOR(DiagonalFill, DiagonalFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(DiagonalFill);

}  // namespace
}  // namespace doppio
