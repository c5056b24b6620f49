#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/update_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(LearningRateAdaption)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
A step of gradient descent for the learning rate itself (Baydin et al. 2017, Online learning rate
adaptation with hypergradient descent, https://arxiv.org/abs/1703.04782). With dot = sum(grad effgrad),

    output_lr = lr - lr_alpha dot
    output_lr = lr (1 - lr_alpha dot / (norm(grad) norm(effgrad)))      with normalized_lr_adaption

where norms less than 1e-12 count as 1e-12. effgrad is the direction of the last step, which lr was
multiplied by: output_grad of Adam, for one.

Example: lr [1], grad [3,4], effgrad [4,3] and lr_alpha=0.5 give output_lr [0.52], and with
normalized_lr_adaption=0 [-11].
)DOC")
    .Arg<float>("lr_alpha", "the learning rate of the learning rate", 0.01f)
    .Arg<bool>("normalized_lr_adaption", "use the cosine of the two and not their product", true)
    .Input(0, "lr", "one float")
    .Input(1, "grad", "tensor of float")
    .Input(2, "effgrad", "float, as many elements")
    .Output(0, "output_lr", "lr's shape: the new one")
    .Flops(FlopsForEachOf(1, 6))
    .TensorInference(OutputsLikeInputs({0}));

class LearningRateAdaptionOp final : public UpdateOperator {
 public:
  explicit LearningRateAdaptionOp(OperatorInit* init)
      : UpdateOperator(init),
        alpha_(init->GetSingleArgument<float>("lr_alpha")),
        is_normalized_(init->GetSingleArgument<bool>("normalized_lr_adaption")) {}

  absl::Status RunOnDevice() override {
    const int64_t size = Input(1).numel();
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1, 2}, size));
    DOPPIO_ASSIGN_OR_RETURN(const double lr, Single<float>(0));
    const float* a = In(1);
    const float* b = In(2);
    const double dot = SumOfPieces(size, [&](int64_t begin, int64_t count) {
      return SumOfProducts(a + begin, b + begin, count);
    });
    double next = lr - alpha_ * dot;
    if (is_normalized_) next = lr * (1 - alpha_ * dot / (Norm(a, size) * Norm(b, size)));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0}));
    *Out(0) = static_cast<float>(next);
    return absl::OkStatus();
  }

 private:
  // Not less than a number that can be divided by; NaN stays NaN.
  double Norm(const float* x, int64_t size) {
    return std::max(std::sqrt(SumOfSquaresOf(x, size)), 1e-12);
  }

  const float alpha_;
  const bool is_normalized_;
};

DOPPIO_REGISTER_CPU_OPERATOR(LearningRateAdaption, LearningRateAdaptionOp);
DOPPIO_NO_GRADIENT(LearningRateAdaption);

}  // namespace
}  // namespace doppio
