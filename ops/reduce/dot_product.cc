#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 16384;  // products that are worth a thread

struct RowSizes {
  int64_t rows;
  int64_t columns;
};

// A scalar is a row of one element.
RowSizes SizesOf(DimsView x) {
  if (x.empty()) return {1, 1};
  return {x[0], SizeFromDim(x, 1)};
}

DOPPIO_OPERATOR_SCHEMA(DotProduct)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The dot product of each row of X with the same row of Y, a row being all that belongs to one index
of the first dimension.

Example: X [2,2] = [[1,2],[3,4]] and Y [2,2] = [[5,6],[7,8]] give Z [2] = [17,53].
)DOC")
    .Input(0, "X", "tensor of float or double")
    .Input(1, "Y", "tensor of X's type and shape")
    .Output(0, "Z", "vector of as many elements as X has rows")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->dtype(0) != context->dtype(1) || context->dims(0) != context->dims(1)) {
        return absl::InvalidArgumentError(
            absl::StrCat("X ", DataTypeName(context->dtype(0)), ShapeToString(context->dims(0)),
                         " and Y ", DataTypeName(context->dtype(1)),
                         ShapeToString(context->dims(1)), " must have the same type and shape"));
      }
      context->SetOutput(0, context->dtype(0), {SizesOf(context->dims(0)).rows});
      return absl::OkStatus();
    });

template <class Context>
class DotProductOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DotProductOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    if (x.dtype() != y.dtype() || x.dims() != y.dims()) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " and ", DescribeInput(1),
                                                     " must have the same type and shape"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const RowSizes sizes = SizesOf(x.dims());
      DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, x.dtype(), {sizes.rows}));
      const T* a = x.data<T>();
      const T* b = y.data<T>();
      T* to = z->mutable_data<T>();
      const int64_t n = sizes.columns;
      ParallelFor(sizes.rows, kGrain / std::max<int64_t>(n, 1) + 1,
                  [=](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i) {
                      double sum = 0;
                      for (int64_t j = i * n; j < (i + 1) * n; ++j) {
                        sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
                      }
                      to[i] = static_cast<T>(sum);
                    }
                  });
      return absl::OkStatus();
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(DotProductGradient)
    .NumInputs(3)
    .NumOutputs(2)
    .Doc("The gradient of DotProduct: dX = dZ * Y and dY = dZ * X, row by row.")
    .Input(0, "X", "DotProduct's first input: float or double")
    .Input(1, "Y", "its second input")
    .Input(2, "dZ", "gradient of its output")
    .Output(0, "dX", "gradient of X, of its shape and type")
    .Output(1, "dY", "gradient of Y, of its shape and type")
    .OneToOneTypeAndShape();

template <class Context>
class DotProductGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DotProductGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& y = Input(1);
    const Tensor& dz = Input(2);
    const RowSizes sizes = SizesOf(x.dims());
    if (x.dtype() != y.dtype() || x.dims() != y.dims() || dz.dtype() != x.dtype() ||
        dz.numel() != sizes.rows) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " and ", DescribeInput(1),
                                                     " must have the same type and shape, and ",
                                                     DescribeInput(2), " an element for each row"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dy, Output(1, x.dtype(), x.dims()));
      const T* a = x.data<T>();
      const T* b = y.data<T>();
      const T* factor = dz.data<T>();
      T* da = dx->mutable_data<T>();
      T* db = dy->mutable_data<T>();
      const int64_t n = sizes.columns;
      ParallelFor(sizes.rows, kGrain / std::max<int64_t>(n, 1) + 1,
                  [=](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i) {
                      for (int64_t j = i * n; j < (i + 1) * n; ++j) {
                        da[j] = factor[i] * b[j];
                        db[j] = factor[i] * a[j];
                      }
                    }
                  });
      return absl::OkStatus();
    });
  }
};

class GetDotProductGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("DotProductGradient", "", {I(0), I(1), GO(0)}, {GI(0), GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(DotProduct, DotProductOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(DotProductGradient, DotProductGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(DotProduct, GetDotProductGradient);

}  // namespace
}  // namespace doppio
