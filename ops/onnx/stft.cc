#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/fourier_lines.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// [batch, frames, numbers of a transform, 2].
absl::StatusOr<Dims> ShapeOf(DimsView signal, int64_t step, DimsView window, bool onesided) {
  if (signal.size() != 3 || (signal[2] != 1 && signal[2] != 2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("signal ", ShapeToString(signal),
                     " must be [batch, length, 1] (real) or [batch, length, 2] (complex)"));
  }
  if (onesided && signal[2] != 1) {
    return absl::InvalidArgumentError("the transform of complex numbers is not one-sided");
  }
  if (window.size() != 1 || window[0] < 1 || window[0] > signal[1]) {
    return absl::InvalidArgumentError(absl::StrCat("window ", ShapeToString(window),
                                                   " must be a vector of 1 to ", signal[1],
                                                   " numbers, the length of the signal"));
  }
  if (step < 1) {
    return absl::InvalidArgumentError(absl::StrCat("frame_step must be at least 1, but is ", step));
  }
  const int64_t length = window[0];
  Dims dims = {signal[0], (signal[1] - length) / step + 1,
               onesided ? FourierLines::OneSided(length) : length, 2};
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(STFT)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's STFT: the discrete Fourier transforms of parts of a signal, its frames, which are as long as the window and
begin frame_step numbers behind each other; each is multiplied by the window first. Frames that would reach beyond
the signal are left out. The last dimension holds a number's real and imaginary part. It is computed in double.

Example: signal [1,3,1] = [[[1],[2],[4]]], frame_step 1 and window [1,1] give Y [1,2,2,2] =
[[[[3,0],[-1,0]],[[6,0],[-2,0]]]].
)DOC")
    .Arg<bool>("onesided",
               "of a real signal: only the first half of a transform, which tells the rest", true)
    .Input(0, "signal",
           "float or double, [batch, length, 1] (real) or [batch, length, 2] (complex)")
    .Input(1, "frame_step", "a single int32 or int64, at least 1")
    .Input(2, "window", "vector of the signal's type")
    .Output(0, "Y", "of the signal's type: [batch, frames, numbers of a transform, 2]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->value(1) == nullptr) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(const int64_t step, SingleInteger(*context->value(1), "frame_step"));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                              ShapeOf(context->dims(0), step, context->dims(2),
                                      context->GetSingleArgument<bool>("onesided")));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class STFTOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit STFTOp(OperatorInit* init)
      : Operator<Context>(init), onesided_(init->GetSingleArgument<bool>("onesided")) {}

  absl::Status RunOnDevice() override {
    const Tensor& signal = Input(0);
    const Tensor& window = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const int64_t step, SingleInteger(Input(1), "frame_step"));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                            ShapeOf(signal.dims(), step, window.dims(), onesided_));
    if (window.dtype() != signal.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat("window is ", window.TypeAndShape(),
                                                     ", but the signal ", signal.TypeAndShape()));
    }
    return DispatchType(TypeList<float, double>(), signal.dtype(),
                        [&](auto tag) { return Run<typename decltype(tag)::type>(dims, step); });
  }

 private:
  template <typename T>
  absl::Status Run(const Dims& dims, int64_t step) {
    const Tensor& signal = Input(0);
    const int64_t length = Input(2).numel();
    const int64_t parts = signal.dim(2);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, signal.dtype(), dims));
    DOPPIO_RETURN_IF_ERROR(lines_.Prepare(length, /*inverse=*/false));
    const T* window = Input(2).template data<T>();
    T* to = y->mutable_data<T>();
    for (int64_t b = 0; b < dims[0]; ++b) {
      for (int64_t frame = 0; frame < dims[1]; ++frame) {
        const T* from = signal.template data<T>() + (b * signal.dim(1) + frame * step) * parts;
        for (int64_t n = 0; n < length; ++n, from += parts) {
          const auto factor = static_cast<double>(window[n]);
          const FourierLines::Complex number(from[0], parts == 1 ? T(0) : from[1]);
          lines_.line()[n] = factor * number;
        }
        const FourierLines::Complex* const transform = lines_.Transform();
        for (int64_t k = 0; k < dims[2]; ++k) {
          *to++ = static_cast<T>(transform[k].real());
          *to++ = static_cast<T>(transform[k].imag());
        }
      }
    }
    return absl::OkStatus();
  }

  const bool onesided_;
  FourierLines lines_;
};

DOPPIO_REGISTER_CPU_OPERATOR(STFT, STFTOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(STFT);

}  // namespace
}  // namespace doppio
