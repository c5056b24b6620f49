#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Compress)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Compress: the slices of a tensor along a dimension for which a condition is true; without an axis
the elements of the tensor read as a vector. Slices for which the condition says nothing, since it is
shorter, are left out.

Example: input = [[1,2],[3,4],[5,6]], condition = [false,true,true] and axis = 0 give [[3,4],[5,6]].
)DOC")
    .OptionalArg<int>("axis", "the dimension, from the back if negative")
    .Input(0, "input", "tensor of any type")
    .Input(1, "condition", "vector of bool, at most as long as there are slices")
    .Output(0, "output", "tensor of the input's type")
    .Flops(NoOperations);

template <class Context>
class CompressOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CompressOp(OperatorInit* init)
      : Operator<Context>(init),
        has_axis_(init->HasArgument("axis")),
        axis_(init->GetSingleArgument<int>("axis", 0)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& condition = Input(1);
    Dims dims = {x.numel()};
    int axis = 0;
    if (has_axis_) {
      DOPPIO_ASSIGN_OR_RETURN(axis, CanonicalAxis(axis_, x.rank()));
      dims.assign(x.dims().begin(), x.dims().end());
    }
    const int64_t size = dims[axis];
    if (!condition.Is<bool>() || condition.rank() != 1 || condition.numel() > size) {
      return absl::InvalidArgumentError(absl::StrCat(
          DescribeInput(1), " must be a vector of bool, of at most ", size, " elements"));
    }
    const auto is_wanted = condition.template span<bool>();
    const int64_t outer = SizeToDim(dims, axis);
    const int64_t block = SizeFromDim(dims, axis + 1);
    dims[axis] = std::count(is_wanted.begin(), is_wanted.end(), true);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, x.dtype(), dims));
    return DispatchMoved(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* to = MovedElements<T>(output);
      for (int64_t o = 0; o < outer; ++o) {
        const T* from = MovedElements<T>(x) + o * size * block;
        for (const bool wanted : is_wanted) {
          if (wanted) to = std::copy_n(from, block, to);
          from += block;
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  const bool has_axis_;
  const int axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Compress, CompressOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Compress);

}  // namespace
}  // namespace doppio
