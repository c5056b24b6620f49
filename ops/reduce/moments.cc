#include "ops/reduce/reduce_axes.h"
#include "src/kernel/elementwise_binary.h"
#include "src/kernel/elementwise_unary.h"
#include "src/kernel/fill.h"
#include "src/kernel/reduce.h"
#include "src/kernel/reduce_extreme.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Moments)
    .NumInputs(1)
    .NumOutputs(2)
    .Doc(R"DOC(
The mean of X along the dimensions `axes`, and its variance, divided by the number of elements. Both are
0 for none.

Example: X [2,2] = [[1,3],[4,8]] and axes = [1], keepdims = 0 give mean [2] = [2,6] and
variance [2] = [1,4].
)DOC")
    .DOPPIO_REDUCE_ARGUMENTS.Input(0, "X", "tensor of float or double")
    .Output(0, "mean", "tensor of X's type")
    .Output(1, "variance", "likewise")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const ReduceAxes axes(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes.Of(context->dims(0)));
      context->SetOutput(0, context->dtype(0), axes.OutputDims(shapes));
      context->SetOutput(1, context->dtype(0), axes.OutputDims(shapes));
      return absl::OkStatus();
    });

template <class Context>
class MomentsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MomentsOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const Dims& dims = axes_.OutputDims(shapes);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * mean_out, Output(0, x.dtype(), dims));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * variance_out, Output(1, x.dtype(), dims));
      T* mean = mean_out->mutable_data<T>();
      T* variance = variance_out->mutable_data<T>();
      if (x.numel() == 0) {
        Fill(T(0), mean, mean_out->numel(), &context_);
        Fill(T(0), variance, variance_out->numel(), &context_);
        return absl::OkStatus();
      }
      DOPPIO_RETURN_IF_ERROR(room_.Resize(x.dtype(), x.dims()));
      T* room = room_.mutable_data<T>();
      DOPPIO_RETURN_IF_ERROR(ReduceMeanTo(x.data<T>(), x.dims(), mean, shapes.kept, &context_));
      Sub(x.data<T>(), x.dims(), mean, shapes.kept, room, x.dims(), &context_);
      Sqr(room, room, x.numel(), &context_);
      return ReduceMeanTo(room, x.dims(), variance, shapes.kept, &context_);
    });
  }

 private:
  const ReduceAxes axes_;
  Tensor room_;  // the squared distances from the mean
};

DOPPIO_OPERATOR_SCHEMA(MomentsGradient)
    .NumInputs(4)
    .NumOutputs(1)
    .Doc(
        "The gradient of Moments: dX = (dmean + 2 (X - mean) dvariance) / n, where n is how many "
        "elements there are to a mean.")
    .DOPPIO_REDUCE_ARGUMENTS.Input(0, "dmean", "gradient of Moments' first output")
    .Input(1, "dvariance", "gradient of its second output")
    .Input(2, "X", "its input: float or double")
    .Input(3, "mean", "its first output")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShapeOfInput(2);

template <class Context>
class MomentsGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MomentsGradientOp(OperatorInit* init) : Operator<Context>(init), axes_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes_.Of(x.dims()));
    for (const int i : {0, 1, 3}) {
      DOPPIO_RETURN_IF_ERROR(CheckReducedShape(Input(i).dims(), shapes));
      if (Input(i).dtype() == x.dtype()) continue;
      return absl::InvalidArgumentError(absl::StrCat("the inputs must have the same type, but are ",
                                                     DescribeInput(i), " and ", DescribeInput(2)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* dmean = Input(0).template data<T>();
      const T* dvariance = Input(1).template data<T>();
      const T* value = x.data<T>();
      const T* mean = Input(3).template data<T>();
      T* to = dx->mutable_data<T>();
      const T count = static_cast<T>(x.numel()) / static_cast<T>(Input(3).numel());
      ForEachReduced(x.dims(), shapes.kept, [=](int64_t i, int64_t j, bool) {
        to[i] = (dmean[j] + 2 * (value[i] - mean[j]) * dvariance[j]) / count;
      });
      return absl::OkStatus();
    });
  }

 private:
  const ReduceAxes axes_;
};

class GetMomentsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("MomentsGradient", "", {GO(0), GO(1), I(0), O(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Moments, MomentsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(MomentsGradient, MomentsGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Moments, GetMomentsGradient);

}  // namespace
}  // namespace doppio
