#include <random>

#include "doppio/gradient_maker.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(OnnxDropout)
    .NumInputs(3)
    .NumOutputs(1, 2)
    .HasSideEffects()
    .Doc(R"DOC(
ONNX's Dropout whose ratio and mode are inputs. Where it trains it sets elements to 0 by chance, each with
probability `ratio`, and multiplies the others by 1 / (1 - ratio); else, and with the ratio 0, Y = X.

The numbers are drawn one after another from the operator's generator, which a random_seed in the device option
makes repeatable: every run goes on where the last one stopped.
)DOC")
    .Input(0, "data", "float or double, of any shape")
    .Input(1, "ratio", "a single number, float or double: the part that is set to 0, in [0, 1)")
    .Input(2, "training_mode", "a single bool")
    .Output(0, "output", "tensor of data's type and shape")
    .Output(1, "mask", "bool, of data's shape: what was kept")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(0));
      context->SetOutput(1, DataType::kBool, context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class OnnxDropoutOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxDropoutOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const double ratio, ReadRatio());
    const Tensor& x = Input(0);
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      bool* mask = nullptr;
      if (OutputSize() > 1) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * kept, Output(1, DataType::kBool, x.dims()));
        mask = kept->mutable_data<bool>();
      }
      const T* in = x.data<T>();
      T* out = y->mutable_data<T>();
      const T scale = static_cast<T>(1 / (1 - ratio));
      std::bernoulli_distribution keeps(1 - ratio);
      for (int64_t i = 0; i < x.numel(); ++i) {
        const bool is_kept = ratio == 0 || keeps(context_.RandomGenerator());
        out[i] = is_kept ? in[i] * scale : T(0);
        if (mask != nullptr) mask[i] = is_kept;
      }
      return absl::OkStatus();
    });
  }

 private:
  // 0 where it does not train.
  absl::StatusOr<double> ReadRatio() const {
    const Tensor& mode = Input(2);
    if (!mode.Is<bool>() || mode.numel() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("training_mode must be a single bool, but there is ", DescribeInput(2)));
    }
    if (!*mode.data<bool>()) return 0.0;
    const Tensor& given = Input(1);
    if (given.numel() != 1 || !(given.Is<float>() || given.Is<double>())) {
      return absl::InvalidArgumentError(
          absl::StrCat("ratio must be a single number, but there is ", DescribeInput(1)));
    }
    const double ratio = given.Is<float>() ? *given.data<float>() : *given.data<double>();
    if (ratio >= 0 && ratio < 1) return ratio;
    return absl::InvalidArgumentError(absl::StrCat("ratio must be in [0, 1), but is ", ratio));
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxDropout, OnnxDropoutOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(OnnxDropout);

}  // namespace
}  // namespace doppio
