#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/reduce/reduce_axes.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceLogSumExp, R"DOC(
The logarithm of the sum of the exponentials of X over the dimensions `axes`, which neither overflows nor
underflows where its result does not. That of nothing is minus infinity.

Example: X = [1000,1000] gives Y = [1000.6931].
)DOC")
    .Input(0, "X", "tensor of float or double");

template <class Context>
class ReduceLogSumExpOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceLogSumExpOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), axes_.OutputDims(shapes)));
      DOPPIO_RETURN_IF_ERROR(sums_.Resize(DataType::kDouble, shapes.kept));
      const T* from = x.data<T>();
      T* to = y->template mutable_data<T>();
      double* sums = sums_.mutable_data<double>();
      std::fill_n(to, y->numel(), -std::numeric_limits<T>::infinity());
      std::fill_n(sums, y->numel(), 0.0);
      DOPPIO_RETURN_IF_ERROR(ReduceExtremeTo<true>(from, x.dims(), to, shapes.kept));
      // What is infinite is so beside whatever is added.
      ForEachReduced(x.dims(), shapes.kept, [&](int64_t i, int64_t j, bool) {
        if (std::isfinite(to[j])) sums[j] += std::exp(static_cast<double>(from[i]) - to[j]);
      });
      for (int64_t j = 0; j < y->numel(); ++j) {
        if (std::isfinite(to[j])) to[j] = static_cast<T>(to[j] + std::log(sums[j]));
      }
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
  Tensor sums_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReduceLogSumExp, ReduceLogSumExpOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ReduceLogSumExp);

}  // namespace
}  // namespace doppio
