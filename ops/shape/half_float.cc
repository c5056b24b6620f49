#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/activation.h"
#include "src/kernel/cast.h"

namespace doppio {
namespace {

constexpr float kLargestHalf = 65504.0f;

absl::Status InferAs(InferenceContext* context, DataType from, DataType to) {
  if (context->dtype(0) != from) {
    return absl::InvalidArgumentError(absl::StrCat("X must be ", DataTypeName(from), ", but is ",
                                                   DataTypeName(context->dtype(0))));
  }
  context->SetOutput(0, to, context->dims(0));
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(FloatToHalf)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(
        "Rounds float to float16, to nearest and ties to even. What is too large becomes infinity, "
        "or with `clip` the largest float16 of its sign.")
    .Arg("clip", "finite results only: keep within -65504 and 65504", false)
    .Input(0, "X", "tensor of float")
    .Output(0, "Y", "tensor of float16, of X's shape")
    .TensorInference([](InferenceContext* context) {
      return InferAs(context, DataType::kFloat, DataType::kFloat16);
    });

DOPPIO_OPERATOR_SCHEMA(HalfToFloat)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Converts float16 to float, exactly.")
    .Input(0, "X", "tensor of float16")
    .Output(0, "Y", "tensor of float, of X's shape")
    .TensorInference([](InferenceContext* context) {
      return InferAs(context, DataType::kFloat16, DataType::kFloat);
    });

template <class Context, DataType kFrom, DataType kTo>
class HalfFloatOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit HalfFloatOp(OperatorInit* init)
      : Operator<Context>(init),
        clip_(kTo == DataType::kFloat16 && init->GetSingleArgument<bool>("clip")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (x.dtype() != kFrom) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " must be ", DataTypeName(kFrom)));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, kTo, x.dims()));
    const void* from = x.raw_data();
    if (clip_) {
      DOPPIO_RETURN_IF_ERROR(clipped_.Resize(kFrom, x.dims()));
      Clip(x.data<float>(), clipped_.mutable_data<float>(), x.numel(), -kLargestHalf, kLargestHalf,
           &context_);
      from = clipped_.raw_data();
    }
    Cast(kFrom, from, kTo, y->raw_mutable_data(), x.numel(), &context_);
    return absl::OkStatus();
  }

 private:
  const bool clip_;
  Tensor clipped_;
};

class GetFloatToHalfGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("HalfToFloat", "", {GO(0)}, {GI(0)});
  }
};
class GetHalfToFloatGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("FloatToHalf", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(FloatToHalf,
                             HalfFloatOp<CPUContext, DataType::kFloat, DataType::kFloat16>);
DOPPIO_REGISTER_CPU_OPERATOR(HalfToFloat,
                             HalfFloatOp<CPUContext, DataType::kFloat16, DataType::kFloat>);
DOPPIO_REGISTER_GRADIENT(FloatToHalf, GetFloatToHalfGradient);
DOPPIO_REGISTER_GRADIENT(HalfToFloat, GetHalfToFloatGradient);

}  // namespace
}  // namespace doppio
