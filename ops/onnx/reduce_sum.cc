#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/reduce.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

// X's shape with 1 for each dimension that is reduced, and that of the output.
struct Reduced {
  Dims kept;
  Dims output;
};

absl::StatusOr<Reduced> ReducedDims(DimsView x, const Tensor& axes, bool keepdims, bool is_noop) {
  DOPPIO_ASSIGN_OR_RETURN(const Dims values, ShapeFromTensor(axes, "axes"));
  absl::InlinedVector<bool, 8> is_reduced(x.size(), values.empty() && !is_noop);
  for (const int64_t axis : values) {
    DOPPIO_ASSIGN_OR_RETURN(const int i, CanonicalAxis(axis, static_cast<int>(x.size())));
    if (is_reduced[i]) return absl::InvalidArgumentError(absl::StrCat("axis ", i, " comes twice"));
    is_reduced[i] = true;
  }
  Reduced reduced;
  for (size_t d = 0; d < x.size(); ++d) {
    reduced.kept.push_back(is_reduced[d] ? 1 : x[d]);
    if (keepdims || !is_reduced[d]) reduced.output.push_back(reduced.kept.back());
  }
  return reduced;
}

DOPPIO_OPERATOR_SCHEMA(OnnxReduceSum)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's ReduceSum, whose axes are an input: the sum over these dimensions, or over all of them where there
are none. The sum of nothing is 0; 16-bit types are summed in float.

Example: data = [[1,2],[3,4]] and axes = [1] give [[3],[7]].
)DOC")
    .Arg<bool>("keepdims", "1: reduced dimensions stay, with size 1; 0: they go", true)
    .Arg<bool>("noop_with_empty_axes", "1: without axes nothing is summed", false)
    .Input(0, "data", "tensor of float, double, int32, int64, float16 or bfloat16")
    .Input(1, "axes", "vector of int32 or int64: the dimensions, from the back if negative")
    .Output(0, "reduced", "tensor of data's type")
    .NeedsValue(1)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(
          const Reduced reduced,
          ReducedDims(context->dims(0), *context->value(1),
                      context->GetSingleArgument<bool>("keepdims"),
                      context->GetSingleArgument<bool>("noop_with_empty_axes")));
      context->SetOutput(0, context->dtype(0), reduced.output);
      return absl::OkStatus();
    });

template <class Context>
class OnnxReduceSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxReduceSumOp(OperatorInit* init)
      : Operator<Context>(init),
        keepdims_(init->GetSingleArgument<bool>("keepdims")),
        is_noop_(init->GetSingleArgument<bool>("noop_with_empty_axes")) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<float, double, int32_t, int64_t, float16, bfloat16>;
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Reduced reduced,
                            ReducedDims(x.dims(), Input(1), keepdims_, is_noop_));
    return DispatchType(Types(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), reduced.output));
      return ReduceSumTo(x.data<T>(), x.dims(), y->template mutable_data<T>(), reduced.kept,
                         &context_);
    });
  }

 private:
  const bool keepdims_;
  const bool is_noop_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxReduceSum, OnnxReduceSumOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxReduceSum);

}  // namespace
}  // namespace doppio
