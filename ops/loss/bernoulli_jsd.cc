#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 4096;  // elements that are worth a thread

// Probabilities nearer to 0 or 1 than this count as 0 or 1, whose entropy is 0.
constexpr double kLogThreshold = 1e-20;

double Entropy(double p) {
  const double q = 1 - p;
  return p < kLogThreshold || q < kLogThreshold ? 0 : -p * std::log(p) - q * std::log(q);
}

double Logit(double p) {
  return std::log(std::max(p, kLogThreshold)) - std::log(std::max(1 - p, kLogThreshold));
}

absl::Status CheckAlike(const OperatorBase& op, int i, const Tensor& a, int j, const Tensor& b) {
  if (a.dtype() == b.dtype() && a.numel() == b.numel()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(op.DescribeInput(i), " and ", op.DescribeInput(j),
                   " must have the same type and number of elements"));
}

DOPPIO_OPERATOR_SCHEMA(BernoulliJSD)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The Jensen-Shannon divergence of two distributions of two outcomes, each given by one probability:
L = H((X + T) / 2) - (H(X) + H(T)) / 2, where H(p) = -p ln(p) - (1 - p) ln(1 - p).

Example: X [2] = [0.5,1] and T [2] = [0.5,0] give L [2] = [0,0.693147].
)DOC")
    .Input(0, "X", "tensor of float or double: predicted probabilities")
    .Input(1, "T", "as many probabilities of X's type that they should be")
    .Output(0, "L", "vector of as many elements as X, of its type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 20 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), {SizeFromDim(context->dims(0), 0)});
      return absl::OkStatus();
    });

template <class Context>
class BernoulliJSDOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BernoulliJSDOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckAlike(*this, 0, x, 1, Input(1)));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x.dtype(), {x.numel()}));
      const T* predicted = x.data<T>();
      const T* target = Input(1).template data<T>();
      T* to = loss->mutable_data<T>();
      ParallelFor(x.numel(), kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const double p = predicted[i];
          const double q = target[i];
          to[i] = static_cast<T>(Entropy((p + q) / 2) - (Entropy(p) + Entropy(q)) / 2);
        }
      });
      return absl::OkStatus();
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(BernoulliJSDGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of BernoulliJSD by X: dX = dL / 2 * (logit(X) - logit((X + T) / 2)), where
logit(p) = ln(max(p, 1e-20)) - ln(max(1 - p, 1e-20)). dX has X's shape; Caffe2 makes a vector of it.
)DOC")
    .Input(0, "dL", "gradient of BernoulliJSD's output")
    .Input(1, "X", "its first input")
    .Input(2, "T", "its second input")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShapeOfInput(1);

template <class Context>
class BernoulliJSDGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BernoulliJSDGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckAlike(*this, 1, x, 0, Input(0)));
    DOPPIO_RETURN_IF_ERROR(CheckAlike(*this, 1, x, 2, Input(2)));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* gradient = Input(0).template data<T>();
      const T* predicted = x.data<T>();
      const T* target = Input(2).template data<T>();
      T* to = dx->mutable_data<T>();
      ParallelFor(x.numel(), kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const double p = predicted[i];
          const double slope = (Logit(p) - Logit((p + static_cast<double>(target[i])) / 2)) / 2;
          to[i] = static_cast<T>(static_cast<double>(gradient[i]) * slope);
        }
      });
      return absl::OkStatus();
    });
  }
};

class GetBernoulliJSDGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BernoulliJSDGradient", "", {GO(0), I(0), I(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BernoulliJSD, BernoulliJSDOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(BernoulliJSDGradient, BernoulliJSDGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(BernoulliJSD, GetBernoulliJSDGradient);

}  // namespace
}  // namespace doppio
