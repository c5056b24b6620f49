#include <cmath>
#include <iostream>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

absl::Status CheckNotEmpty(DimsView x) {
  if (SizeFromDim(x, 0) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("X ", ShapeToString(x), " has no elements, and so neither minimum nor mean"));
}

DOPPIO_OPERATOR_SCHEMA(Summarize)
    .NumInputs(1)
    .NumOutputs(0, 1)
    .Doc(R"DOC(
The least and the largest element of a tensor, their mean and their standard deviation:
sqrt(sum((X - mean)^2) / (n - 1)) for n elements, 0 for one. All are NaN where an element is.

Example: X [4] = [1,2,3,6] gives [1,6,3,2.160247].
)DOC")
    .Arg<bool>("to_file",
               "writes them on a line too; Caffe2 writes to a file in the root folder of the "
               "workspace, doppio to the standard error stream",
               false)
    .Input(0, "X", "tensor of float, not empty")
    .Output(0, "Y", "vector of 4 floats; may be left out")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 6 * SizeFromDim(*inputs[0].dims, 0);
    })
    .HasSideEffects()
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckNotEmpty(context->dims(0)));
      context->SetOutput(0, DataType::kFloat, {4});
      return absl::OkStatus();
    });

template <class Context>
class SummarizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SummarizeOp(OperatorInit* init)
      : Operator<Context>(init), to_file_(init->GetSingleArgument<bool>("to_file")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (!x.Is<float>()) return UnsupportedTypeError(x.dtype(), {DataType::kFloat});
    DOPPIO_RETURN_IF_ERROR(CheckNotEmpty(x.dims()));
    const auto elements = x.span<float>();
    float min = elements[0];
    float max = elements[0];
    double sum = 0;
    for (const float v : elements) {
      if (v < min || std::isnan(v)) min = v;
      if (v > max || std::isnan(v)) max = v;
      sum += v;
    }
    const auto count = static_cast<double>(x.numel());
    const double mean = sum / count;
    double squares = 0;
    for (const float v : elements) squares += (v - mean) * (v - mean);
    const double deviation = std::sqrt(squares / std::max(count - 1, 1.0));
    if (to_file_) {
      std::cerr << absl::StrCat(this->def().input(0), ": ", min, " ", max, " ", mean, " ",
                                deviation, "\n")
                << std::flush;
    }
    if (OutputSize() == 0) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, {4}));
    float* out = y->mutable_data<float>();
    out[0] = min;
    out[1] = max;
    out[2] = static_cast<float>(mean);
    out[3] = static_cast<float>(deviation);
    return absl::OkStatus();
  }

 private:
  const bool to_file_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Summarize, SummarizeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Summarize);

}  // namespace
}  // namespace doppio
