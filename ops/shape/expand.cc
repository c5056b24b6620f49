#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/reduce.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

// The shape that X gets: NumPy's broadcast of X's shape with `shape`, in which -1 stands for X's
// own size at that place, or 1 where X has none.
absl::StatusOr<Dims> ExpandedShape(DimsView x, const Tensor& shape) {
  DOPPIO_ASSIGN_OR_RETURN(const Dims wanted, ShapeFromTensor(shape, "shape"));
  const size_t rank = std::max(x.size(), wanted.size());
  Dims result(rank, 1);
  for (size_t back = 1; back <= rank; ++back) {
    const int64_t have = back <= x.size() ? x[x.size() - back] : 1;
    int64_t want = back <= wanted.size() ? wanted[wanted.size() - back] : 1;
    if (want == -1) want = have;
    if (want < 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot expand ", ShapeToString(x), " to ",
                                                     ShapeToString(wanted), ": ", want,
                                                     " is no size (only -1 keeps a dimension)"));
    }
    if (have != want && have != 1 && want != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot expand ", ShapeToString(x), " to ", ShapeToString(wanted),
                       ": dimension ", rank - back, " is ", have, ", must be 1 or ", want));
    }
    result[rank - back] = have == 1 ? want : have;
  }
  return result;
}

DOPPIO_OPERATOR_SCHEMA(Expand)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Copies X as often as it takes to fill a larger shape, by NumPy's rules of broadcasting: Y is what
`X * numpy.ones(shape)` is. Shapes are aligned at their last dimension; where both have a size they
are equal or one of them is 1. In `shape`, -1 keeps the size that X has there and counts as 1 where
X has none; 0 is a size like any other.

Example: X [3,1] = [[1],[2],[3]] and shape = [3,4] give Y [3,4] = [[1,1,1,1],[2,2,2,2],[3,3,3,3]].
)DOC")
    .Input(0, "X", "tensor of any type and shape")
    .Input(1, "shape", "vector of int32 or int64: the shape to expand to")
    .Output(0, "Y", "tensor of X's type, of the broadcast shape")
    .NeedsValue(1)
    .TakesPhantoms({0})
    .Flops(NoFlops)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Dims dims, ExpandedShape(context->dims(0), *context->value(1)));
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class ExpandOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ExpandOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const auto operand = InputOperand(0);
    const Tensor& x = operand.elements;
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, ExpandedShape(operand.dims, Input(1)));
    if (MakesPhantom(x.dtype(), x.numel(), dims)) return OutputBlob(0)->SetPhantom(x, dims);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
    if (x.Is<std::string>()) {
      Broadcast(x.data<std::string>(), x.dims(), y->mutable_data<std::string>(), dims, &context_);
    } else {
      Broadcast(DataTypeSize(x.dtype()), x.raw_data(), x.dims(), y->raw_mutable_data(), dims,
                &context_);
    }
    return absl::OkStatus();
  }
};

DOPPIO_OPERATOR_SCHEMA(ExpandGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(
        "The gradient of Expand: dX is the sum of dY over the dimensions along which X was copied.")
    .Input(0, "dY", "gradient of Expand's output: int32, int64, float, double, float16 or bfloat16")
    .Input(1, "X", "Expand's input, of which only the shape is used")
    .Output(0, "dX", "gradient of X, of X's shape and dY's type; 16-bit types are summed in float")
    .ShapeOnly({1})
    .TakesPhantoms({0, 1})
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeBetween(*inputs[0].dims, 0, static_cast<int>(inputs[0].dims->size()));
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class ExpandGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ExpandGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<int32_t, int64_t, float, double, float16, bfloat16>;
    const auto dy = InputOperand(0);
    const DimsView x = InputOperand(1).dims;
    DOPPIO_ASSIGN_OR_RETURN(Dims expanded, BroadcastShapes(x, dy.dims));
    if (DimsView(expanded) != dy.dims) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dY ", DescribeInput(0), " is not what Expand makes of X ", DescribeInput(1)));
    }
    const DataType type = dy.elements.dtype();
    return DispatchType(Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, type, x));
      T* const dx = output->template mutable_data<T>();
      if (dy.is_repeated()) {
        DOPPIO_ASSIGN_OR_RETURN(const bool is_done,
                                ReduceSumRepeated(dy.elements.template data<T>(),
                                                  dy.elements.dims(), dy.dims, dx, x, &context_));
        if (is_done) return absl::OkStatus();
      }
      DOPPIO_RETURN_IF_ERROR(InputBlob(0).WriteOut());
      return ReduceSumTo(Input(0).template data<T>(), dy.dims, dx, x, &context_);
    });
  }
};

class GetExpandGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ExpandGradient", "", {GO(0), I(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Expand, ExpandOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(ExpandGradient, ExpandGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Expand, GetExpandGradient);

}  // namespace
}  // namespace doppio
