#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(NonZero)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's NonZero: the indices of the elements that are not 0, in their order: a row for each dimension of
X, a column for each such element.

Example: X = [[0,7],[8,9]] gives [[0,1,1],[1,0,1]].
)DOC")
    .Input(0, "X", "tensor of numbers, of any shape")
    .Output(0, "Y", "matrix of int64 [X's rank, elements that are not 0]")
    .Flops(NoOperations);

// NaN is not 0, and -0 is.
template <typename T>
bool IsNonZero(T value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return value != T(0);
  } else {
    return static_cast<float>(value) != 0.0f;
  }
}

template <class Context>
class NonZeroOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NonZeroOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    return DispatchType(AllNumericTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const auto elements = x.span<T>();
      const int64_t count = std::count_if(elements.begin(), elements.end(), IsNonZero<T>);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kInt64, {x.rank(), count}));
      int64_t* to = y->mutable_data<int64_t>();
      Dims index(x.dims().size(), 0);
      for (const T& element : elements) {
        if (IsNonZero(element)) {
          for (size_t d = 0; d < index.size(); ++d) to[static_cast<int64_t>(d) * count] = index[d];
          ++to;
        }
        for (size_t d = index.size(); d-- > 0;) {
          if (++index[d] < x.dims()[d]) break;
          index[d] = 0;
        }
      }
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(NonZero, NonZeroOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(NonZero);

}  // namespace
}  // namespace doppio
