#ifndef DOPPIO_OPS_REDUCE_REDUCE_AXES_H_
#define DOPPIO_OPS_REDUCE_REDUCE_AXES_H_

// What operators that reduce a tensor along the argument `axes` have in common.

#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {

// The arguments `axes` (all dimensions where it is absent or empty) and `keepdims`.
class ReduceAxes {
 public:
  struct Shapes {
    Dims kept;    // X's shape with 1 for every reduced dimension, as the kernels take it
    Dims pruned;  // without these dimensions
  };

  explicit ReduceAxes(ArgumentReader* arguments)
      : axes_(arguments->GetRepeatedArgument<int64_t>("axes")),
        keepdims_(arguments->GetSingleArgument<bool>("keepdims", true)) {}

  // InvalidArgument for an axis that X has not, or that is given twice.
  absl::StatusOr<Shapes> Of(DimsView x) const;
  // The shape of Y.
  const Dims& OutputDims(const Shapes& shapes) const {
    return keepdims_ ? shapes.kept : shapes.pruned;
  }

 private:
  std::vector<int64_t> axes_;
  bool keepdims_;
};

absl::Status InferReduce(InferenceContext* context);

// Function: absl::Status <T>(const T* x, DimsView x_dims, T* y, DimsView kept, CPUContext*), and
// for an X that is a phantom absl::StatusOr<bool> <T>Repeated(const T* elements, DimsView
// element_dims, and as above), which is false where it can not be read so.
template <class Context, class Function>
class ReduceOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    using Types = TypeList<float, double, int32_t, int64_t, float16, bfloat16>;
    const auto x = InputOperand(0);
    const DataType type = x.elements.dtype();
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims));
    return DispatchType(Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, type, axes_.OutputDims(shapes)));
      T* const y = output->template mutable_data<T>();
      if (x.is_repeated()) {
        DOPPIO_ASSIGN_OR_RETURN(
            const bool is_done,
            Function().Repeated(x.elements.template data<T>(), x.elements.dims(), x.dims, y,
                                shapes.kept, &context_));
        if (is_done) return absl::OkStatus();
      }
      DOPPIO_RETURN_IF_ERROR(InputBlob(0).WriteOut());
      return Function()(Input(0).template data<T>(), x.dims, y, shapes.kept, &context_);
    });
  }

 private:
  const ReduceAxes axes_;
};

// dY of the reduction of X, whose elements are those of `shapes` in the same order.
absl::Status CheckReducedShape(DimsView dy, const ReduceAxes::Shapes& shapes);

#define DOPPIO_REDUCE_ARGUMENTS                                                              \
  OptionalArg<std::vector<int64_t>>("axes",                                                  \
                                    "dimensions of X to reduce, from the back if negative; " \
                                    "default: all")                                          \
      .Arg<bool>("keepdims", "1: reduced dimensions stay, with size 1; 0: they go", true)    \
      .Arg<bool>("allow_broadcast_fastpath", "accepted for old nets; has no effect", false)

#define DOPPIO_REDUCE_SCHEMA(Type, doc)                                                   \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                            \
      .NumInputs(1)                                                                       \
      .NumOutputs(1)                                                                      \
      .Doc(doc)                                                                           \
      .DOPPIO_REDUCE_ARGUMENTS                                                            \
      .Input(0, "X", "tensor of float, double, int32, int64, float16 or bfloat16")        \
      .Output(0, "Y", "tensor of X's type")                                               \
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) { \
        return SizeFromDim(*inputs[0].dims, 0);                                           \
      })                                                                                  \
      .TensorInference(InferReduce)

#define DOPPIO_REDUCE_GRADIENT_SCHEMA(Type, doc)                                              \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                                \
      .NumInputs(3)                                                                           \
      .NumOutputs(1)                                                                          \
      .Doc(doc)                                                                               \
      .DOPPIO_REDUCE_ARGUMENTS                                                                \
      .Input(0, "dY", "gradient of the forward operator's Y, with or without its sizes of 1") \
      .Input(1, "X", "the forward operator's input, of which only the shape is used")         \
      .Input(2, "Y", "the forward operator's output; not used")                               \
      .Output(0, "dX", "gradient of X, of X's shape and dY's type")                           \
      .TensorInference([](InferenceContext* context) {                                        \
        context->SetOutput(0, context->dtype(0), context->dims(1));                           \
        return absl::OkStatus();                                                              \
      })

// The maker of <Type>Gradient(dY, X, Y) -> dX.
#define DOPPIO_REDUCE_GRADIENT(Type)                                                \
  class Get##Type##Gradient final : public GradientMakerBase {                      \
    using GradientMakerBase::GradientMakerBase;                                     \
    std::vector<OperatorDef> GetGradientDefs() override {                           \
      return SingleGradientDef(#Type "Gradient", "", {GO(0), I(0), O(0)}, {GI(0)}); \
    }                                                                               \
  };                                                                                \
  DOPPIO_REGISTER_GRADIENT(Type, Get##Type##Gradient)

}  // namespace doppio

#endif  // DOPPIO_OPS_REDUCE_REDUCE_AXES_H_
