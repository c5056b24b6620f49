#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

struct LpNormArguments {
  explicit LpNormArguments(ArgumentReader* args)
      : p(args->GetSingleArgument<int>("p")), average(args->GetSingleArgument<bool>("average")) {
    if (p != 1 && p != 2) {
      args->Fail(absl::InvalidArgumentError(absl::StrCat("p is ", p, ", must be 1 or 2")));
    }
  }

  static void State(OpSchema& schema) {
    schema.Arg<int>("p", "1 or 2", 2)
        .Arg("average", "divide by the number of elements (of none: NaN)", false);
  }

  double Divisor(int64_t count) const { return average ? static_cast<double>(count) : 1.0; }

  int p;
  bool average;
};

DOPPIO_OPERATOR_SCHEMA(LpNorm)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(
        "The sum of |X|^p over all elements, of which no root is taken: for p = 1 the sum of the "
        "absolute values, for p = 2 that of the squares.")
    .FillUsing(LpNormArguments::State)
    .Input(0, "X", "tensor of float or double")
    .Output(0, "norm", "vector of one element of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const LpNormArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      context->SetOutput(0, context->dtype(0), {1});
      return absl::OkStatus();
    });

template <class Context>
class LpNormOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LpNormOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const double divisor = args_.Divisor(x.numel());
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * norm, Output(0, x.dtype(), {1}));
      double sum = 0;
      for (const T value : x.span<T>()) {
        const double v = static_cast<double>(value);
        sum += args_.p == 1 ? std::abs(v) : v * v;
      }
      norm->mutable_data<T>()[0] = static_cast<T>(sum / divisor);
      return absl::OkStatus();
    });
  }

 private:
  const LpNormArguments args_;
};

DOPPIO_OPERATOR_SCHEMA(LpNormGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .IdenticalTypeAndShape()
    .Doc(
        "The gradient of LpNorm: dX = dnorm * sign(X) for p = 1 (0 where |X| <= 1e-12), dnorm * 2 "
        "* "
        "X for p = 2; divided by the number of elements where LpNorm does so.")
    .FillUsing(LpNormArguments::State)
    .Input(0, "X", "LpNorm's input: float or double")
    .Input(1, "dnorm", "gradient of its output: one element of X's type")
    .Output(0, "dX", "gradient of X, of its shape and type");

template <class Context>
class LpNormGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LpNormGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dnorm = Input(1);
    if (dnorm.dtype() != x.dtype() || dnorm.numel() != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dnorm ", DescribeInput(1), " must be one element of the type of X ", DescribeInput(0)));
    }
    const double divisor = args_.Divisor(x.numel());
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T factor = static_cast<T>(static_cast<double>(dnorm.data<T>()[0]) / divisor);
      const T* from = x.data<T>();
      T* to = dx->mutable_data<T>();
      constexpr T kZero = static_cast<T>(1e-12);
      ParallelFor(dx->numel(), 1 << 14, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T sign = static_cast<T>((from[i] > kZero) - (from[i] < -kZero));
          to[i] = factor * (args_.p == 1 ? sign : 2 * from[i]);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const LpNormArguments args_;
};

class GetLpNormGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("LpNormGradient", "", {I(0), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LpNorm, LpNormOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LpNormGradient, LpNormGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LpNorm, GetLpNormGradient);

}  // namespace
}  // namespace doppio
