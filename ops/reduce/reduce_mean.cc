#include "ops/reduce/reduce_axes.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/elementwise_binary.h"
#include "src/kernel/reduce.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceMean, R"DOC(
The mean of X over the dimensions `axes`. The mean of nothing is NaN (0 for whole numbers, whose
means are truncated toward zero); 16-bit types are summed in float.

Example: X [2,3] = [[1,2,3],[4,5,6]] and axes = [1], keepdims = 0 give Y [2] = [2,5].
)DOC")
    .TakesPhantoms({0});

struct MeanFunction {
  template <typename T>
  absl::StatusOr<bool> Repeated(const T* elements, DimsView element_dims, DimsView x_dims, T* y,
                                DimsView kept, CPUContext* context) const {
    return ReduceMeanRepeated(elements, element_dims, x_dims, y, kept, context);
  }
  template <typename T>
  absl::Status operator()(const T* x, DimsView x_dims, T* y, DimsView kept,
                          CPUContext* context) const {
    return ReduceMeanTo(x, x_dims, y, kept, context);
  }
};

DOPPIO_REDUCE_GRADIENT_SCHEMA(ReduceMeanGradient,
                              "The gradient of ReduceMean: every element of X gets the dY of the "
                              "mean that it is part of, divided by the number of elements of that "
                              "mean. dY is float or double.")
    .ShapeOnly({1, 2})
    .TakesPhantoms({1});

template <class Context>
class ReduceMeanGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReduceMeanGradientOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const DimsView x = InputOperand(1).dims;
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x));
    DOPPIO_RETURN_IF_ERROR(CheckReducedShape(dy.dims(), shapes));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const auto divide = [&](int64_t elements, Tensor* share) {
        const T count = static_cast<T>(elements / dy.numel());
        Div(dy.data<T>(), shapes.kept, &count, {}, share->mutable_data<T>(), shapes.kept,
            &context_);
      };
      if (MakesPhantom(dy.dtype(), dy.numel(), x)) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * share,
                                OutputBlob(0)->SetPhantom(dy.dtype(), shapes.kept, x));
        divide(SizeFromDim(x, 0), share);
        return absl::OkStatus();
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x));
      if (dx->numel() == 0) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(share_.Resize(dy.dtype(), shapes.kept));
      divide(dx->numel(), &share_);
      Broadcast(sizeof(T), share_.raw_data(), shapes.kept, dx->raw_mutable_data(), dx->dims(),
                &context_);
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
  Tensor share_;  // dY divided
};

DOPPIO_REGISTER_CPU_OPERATOR(ReduceMean, ReduceOp<CPUContext, MeanFunction>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceMeanGradient, ReduceMeanGradientOp<CPUContext>);
DOPPIO_REDUCE_GRADIENT(ReduceMean);

}  // namespace
}  // namespace doppio
