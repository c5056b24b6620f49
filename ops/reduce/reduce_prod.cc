#include <algorithm>
#include <type_traits>

#include "ops/reduce/reduce_axes.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceProd, R"DOC(
The product of X over the dimensions `axes`. The product of nothing is 1; whole numbers wrap.

Example: X [2,3] = [[1,2,3],[4,5,6]] and axes = [1], keepdims = 0 give Y [2] = [6,120].
)DOC")
    .Input(0, "X", "tensor of float, double, int32 or int64");

template <class Context>
class ReduceProdOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceProdOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims()));
    using Types = TypeList<float, double, int32_t, int64_t>;
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      using Factor = std::conditional_t<std::is_integral_v<T>, uint64_t, T>;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), axes_.OutputDims(shapes)));
      const T* from = x.data<T>();
      T* to = y->template mutable_data<T>();
      std::fill_n(to, y->numel(), T(1));
      ForEachReduced(x.dims(), shapes.kept, [&](int64_t i, int64_t j, bool) {
        to[j] = static_cast<T>(static_cast<Factor>(to[j]) * static_cast<Factor>(from[i]));
      });
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ReduceProd, ReduceProdOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(ReduceProd);

}  // namespace
}  // namespace doppio
