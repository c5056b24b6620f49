#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView data, DimsView scale) {
  if (!data.empty() && scale.size() == 1 && scale[0] == data[0]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "data ", ShapeToString(data), " and scale ", ShapeToString(scale),
      " must be at least a vector, and a vector of as many elements as data has rows"));
}

DOPPIO_OPERATOR_SCHEMA(SquareRootDivide)
    .NumInputs(2)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Divides each row by the square root of its number: Y[i] = data[i] / sqrt(scale[i]), where a row is all
that belongs to one index of the first dimension. A row whose number is 0 stays as it is. The gradient
of data is the same operator on dY; scale has none.

Example: data [2,2] = [[2,4],[9,12]] and scale [2] = [4,9] give Y [2,2] = [[1,2],[3,4]].
)DOC")
    .Input(0, "data", "tensor of float or double of at least one dimension")
    .Input(1, "scale", "vector of float, double, int32 or int64, none of them negative")
    .Output(0, "Y", "tensor of data's type and shape")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class SquareRootDivideOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SquareRootDivideOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    using ScaleTypes = TypeList<float, double, int32_t, int64_t>;
    const Tensor& scale = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(Input(0).dims(), scale.dims()));
    DOPPIO_RETURN_IF_ERROR(factors_.Resize(DataType::kDouble, scale.dims()));
    DOPPIO_RETURN_IF_ERROR(DispatchType(ScaleTypes(), scale.dtype(), [&](auto tag) {
      return SetFactors(scale.span<typename decltype(tag)::type>());
    }));
    return DispatchType(TypeList<float, double>(), Input(0).dtype(),
                        [&](auto tag) { return Multiply<typename decltype(tag)::type>(); });
  }

 private:
  template <typename S>
  absl::Status SetFactors(absl::Span<const S> scale) {
    double* factor = factors_.mutable_data<double>();
    for (size_t i = 0; i < scale.size(); ++i) {
      if (!(scale[i] >= 0)) {
        return absl::InvalidArgumentError(
            absl::StrCat("scale ", i, " is ", scale[i], ", but must not be negative"));
      }
      factor[i] = scale[i] == 0 ? 1 : 1 / std::sqrt(static_cast<double>(scale[i]));
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Multiply() {
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, data.dtype(), data.dims()));
    const T* from = data.data<T>();
    T* to = y->mutable_data<T>();
    const double* factor = factors_.data<double>();
    const int64_t n = SizeFromDim(data.dims(), 1);
    ParallelFor(data.dim(0), 32768 / std::max<int64_t>(n, 1) + 1, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T by = static_cast<T>(factor[i]);
        for (int64_t j = i * n; j < (i + 1) * n; ++j) to[j] = from[j] * by;
      }
    });
    return absl::OkStatus();
  }

  Tensor factors_;
};

class GetSquareRootDivideGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SquareRootDivide", "", {GO(0), I(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SquareRootDivide, SquareRootDivideOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SquareRootDivide, GetSquareRootDivideGradient);

}  // namespace
}  // namespace doppio
