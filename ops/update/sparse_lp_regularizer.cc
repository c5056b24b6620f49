#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(SparseLpRegularizer)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .EnforceOneToOneInplace()
    .Doc(R"DOC(
Draws rows of the parameters towards 0, in place, once for each time that their index is there. p = 2:
x becomes (1 - reg_lambda) * x. p = 1: x becomes sign(x) * max(|x| - reg_lambda, 0). NaN stays NaN, which
Caffe2 makes 0 for p = 1.

Example: p = 1, reg_lambda = 0.5, param [[1,-1],[0.25,3]] and indices [1] give [[1,-1],[0,2.5]].
)DOC")
    .Arg<float>("p", "1 or 2", 2.0f)
    .Arg<float>("reg_lambda", "how much, above 0 and below 1", 1e-5f)
    .Input(0, "param", "tensor of float, at least a vector")
    .Input(1, "indices", "tensor of int32 or int64: rows of param")
    .Input(2, "grad", "not looked at; may be left out")
    .Output(0, "output_param", "the first input")
    .IdenticalTypeAndShape();

template <class Context>
class SparseLpRegularizerOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseLpRegularizerOp(OperatorInit* init)
      : Operator<Context>(init),
        p_(init->GetSingleArgument<float>("p")),
        lambda_(init->GetSingleArgument<float>("reg_lambda")) {
    if (p_ != 1 && p_ != 2) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat("p must be 1 or 2, but is ", p_)));
    }
    if (!(lambda_ > 0 && lambda_ < 1)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("reg_lambda must be above 0 and below 1, but is ", lambda_)));
    }
    if (IsInplace(1, 0)) {
      init->Fail(absl::InvalidArgumentError("indices must be another blob than param"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& param = Input(0);
    if (!param.Is<float>() || param.rank() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("param must be of float and at least a vector, but is ", DescribeInput(0)));
    }
    return DispatchType(IndexTypes(), Input(1).dtype(), [&](auto tag) -> absl::Status {
      const auto indices = Input(1).template span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, 0, param.dim(0)));
      const int64_t block = SizeFromDim(param.dims(), 1);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, param.dims()));
      float* const out = output->template mutable_data<float>();
      for (int64_t index : indices) {
        float* const row = out + index * block;
        for (int64_t i = 0; i < block; ++i) row[i] = Towards0(row[i]);
      }
      return absl::OkStatus();
    });
  }

 private:
  float Towards0(float x) const {
    if (p_ == 2) return x * (1 - lambda_);
    return std::fabs(x) <= lambda_ ? 0 : x - std::copysign(lambda_, x);
  }

  const float p_;
  const float lambda_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SparseLpRegularizer, SparseLpRegularizerOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseLpRegularizer);

}  // namespace
}  // namespace doppio
