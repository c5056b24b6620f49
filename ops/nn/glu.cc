#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

// X as pairs of blocks of the same size: what is put out, and its gates.
struct GluShape {
  int64_t block;
  Dims y;
};

absl::StatusOr<GluShape> ShapeOf(int dim, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(dim, static_cast<int>(x.size())));
  if (x[axis] % 2 != 0) {
    return absl::InvalidArgumentError(absl::StrCat("dimension ", axis, " of X ", ShapeToString(x),
                                                   " is ", x[axis], ", but must be even"));
  }
  Dims y(x.begin(), x.end());
  y[axis] /= 2;
  return GluShape{SizeFromDim(y, axis), y};
}

DOPPIO_OPERATOR_SCHEMA(Glu)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
The gated linear unit: Y = A * sigmoid(B), where A and B are the first and the second half of X along
one dimension.

Example: X [4] = [1,-2,0,100] gives Y [2] = [0.5,-2].
)DOC")
    .Arg<int>("dim", "the dimension that is halved; may count from the back", -1)
    .Input(0, "X", "tensor of float or double, of which that dimension is even")
    .Output(0, "Y", "tensor of X's type, half as large along that dimension")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 2 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const GluShape shape,
                              ShapeOf(context->GetSingleArgument<int>("dim"), context->dims(0)));
      context->SetOutput(0, context->dtype(0), shape.y);
      return absl::OkStatus();
    });

// a / (1 + exp(-b)), without overflow.
template <typename T>
T Gated(T a, T b) {
  const T e = std::exp(-std::abs(b));
  return a * (b >= 0 ? 1 / (1 + e) : e / (1 + e));
}

template <class Context>
class GluOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GluOp(OperatorInit* init)
      : Operator<Context>(init), dim_(init->GetSingleArgument<int>("dim")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const GluShape shape, ShapeOf(dim_, x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), shape.y));
      const T* in = x.data<T>();
      T* out = y->mutable_data<T>();
      const int64_t block = shape.block;
      constexpr int64_t kGrain = 1 << 11;
      ParallelFor(y->numel(), kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T* a = in + i / block * block + i;  // a pair of blocks for each block of Y
          out[i] = Gated(*a, a[block]);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const int dim_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Glu, GluOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Glu);

}  // namespace
}  // namespace doppio
