#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"

namespace doppio {
namespace {

absl::Status CheckLengths(DataType type, DimsView dims) {
  if (type == DataType::kInt32 && dims.size() == 1 && dims[0] > 0 &&
      dims[0] <= std::numeric_limits<int32_t>::max()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the lengths must be a vector of int32 with 1 to ", std::numeric_limits<int32_t>::max(),
      " elements, but are ", DataTypeName(type), ShapeToString(dims)));
}

DOPPIO_OPERATOR_SCHEMA(LengthsToShape)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The shape of the matrix whose rows are segments of equal lengths, for Reshape.

Example: lengths = [4,4,4] gives [3,4].
)DOC")
    .Input(0, "lengths", "vector of int32, not empty; all elements are the same")
    .Output(0, "shape", "vector of int32: how many lengths there are, and the length")
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckLengths(context->dtype(0), context->dims(0)));
      context->SetOutput(0, DataType::kInt32, {2});
      return absl::OkStatus();
    });

template <class Context>
class LengthsToShapeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsToShapeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckLengths(Input(0).dtype(), Input(0).dims()));
    const absl::Span<const int32_t> lengths = Input(0).template span<int32_t>();
    if (lengths[0] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("length 0 is ", lengths[0], ", must not be negative"));
    }
    for (size_t i = 1; i < lengths.size(); ++i) {
      if (lengths[i] == lengths[0]) continue;
      return absl::InvalidArgumentError(absl::StrCat("all lengths must be the same, but length ", i,
                                                     " is ", lengths[i], " and length 0 is ",
                                                     lengths[0]));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * shape, Output(0, DataType::kInt32, {2}));
    shape->mutable_data<int32_t>()[0] = static_cast<int32_t>(lengths.size());
    shape->mutable_data<int32_t>()[1] = lengths[0];
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LengthsToShape, LengthsToShapeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LengthsToShape);

}  // namespace
}  // namespace doppio
