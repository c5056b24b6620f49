#include <algorithm>
#include <cmath>

#include "ops/elementwise/unary.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(NanCheck)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .IdenticalTypeAndShape()
    .Doc(
        "Y = X, unless an element of X is NaN or infinite: that is an error. More inputs, whose "
        "values are of no interest, may follow X.")
    .Input(0, "X", "tensor of float or double")
    .Output(0, "Y", "tensor of X's shape and type");

template <class Context>
class NanCheckOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NanCheckOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(FloatingPointTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T* from = x.data<T>();
      for (int64_t i = 0; i < x.numel(); ++i) {
        if (std::isfinite(from[i])) continue;
        return absl::FailedPreconditionError(
            absl::StrCat("element ", i, " of X ", DescribeInput(0), " is ", from[i]));
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
      if (!IsInplace(0, 0))
        std::copy_n(Input(0).template data<T>(), y->numel(), y->mutable_data<T>());
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(NanCheck, NanCheckOp<CPUContext>);
DOPPIO_UNARY_GRADIENT(NanCheck, "NanCheck", GO(0));

}  // namespace
}  // namespace doppio
