#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> TiledDims(DimsView data, const Tensor& lengths) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(data, "DATA"));
  DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(lengths, "LENGTHS"));
  if (lengths.numel() != data[0]) {
    return absl::InvalidArgumentError(absl::StrCat("LENGTHS has ", lengths.numel(),
                                                   " elements, but DATA ", ShapeToString(data),
                                                   " has ", data[0], " rows"));
  }
  Dims dims(data.begin(), data.end());
  DOPPIO_ASSIGN_OR_RETURN(dims[0], SumOfLengths(lengths.span<int32_t>(), "LENGTHS"));
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(LengthsTile)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Each row of DATA as often as its length says.

Example: DATA [3,2] = [[1,2],[3,4],[5,6]] and LENGTHS [0,1,2] give [[3,4],[5,6],[5,6]].

The gradient of a row is the sum of the gradients of its copies (LengthsSum).
)DOC")
    .Input(0, "DATA", "tensor of any type, at least a vector")
    .Input(1, "LENGTHS", "vector of int32 with an element for each row, none negative")
    .Output(0, "OUTPUT", "tensor of DATA's type, with as many rows as the lengths sum to")
    .NeedsValue(1)
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Dims dims, TiledDims(context->dims(0), *context->value(1)));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class LengthsTileOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsTileOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, TiledDims(data.dims(), Input(1)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), dims));
    const ElementCopy copy(data, output);
    const int64_t block = SizeFromDim(data.dims(), 1);
    int64_t from = 0;
    int64_t to = 0;
    for (int32_t length : Input(1).template span<int32_t>()) {
      for (int32_t i = 0; i < length; ++i, to += block) copy(from, to, block);
      from += block;
    }
    return absl::OkStatus();
  }
};

class GetLengthsTileGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("LengthsSum", "", {GO(0), I(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LengthsTile, LengthsTileOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LengthsTile, GetLengthsTileGradient);

}  // namespace
}  // namespace doppio
