#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 32768;  // pairs that are worth a thread

absl::StatusOr<Dims> PairsOf(DimsView x) {
  Dims dims(x.begin(), x.end());
  dims.push_back(2);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(MakeTwoClass)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
From the probability of one of two classes to those of both: Y[..., 0] = 1 - X and Y[..., 1] = X.

Example: X [2] = [0.25,1] gives Y [2,2] = [[0.75,0.25],[0,1]].
)DOC")
    .Input(0, "X", "tensor of float or double: probabilities")
    .Output(0, "Y", "tensor of X's type and shape, with one more dimension of 2 at the end")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PairsOf(context->dims(0)));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class MakeTwoClassOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MakeTwoClassOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PairsOf(x.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      const T* from = x.data<T>();
      T* to = y->mutable_data<T>();
      ParallelFor(x.numel(), kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          to[2 * i] = 1 - from[i];
          to[2 * i + 1] = from[i];
        }
      });
      return absl::OkStatus();
    });
  }
};

absl::Status CheckPairs(DimsView dy) {
  if (!dy.empty() && dy.back() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("dY ", ShapeToString(dy), " must have a last dimension of 2"));
}

DOPPIO_OPERATOR_SCHEMA(MakeTwoClassGradient)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("The gradient of MakeTwoClass: dX = dY[..., 1] - dY[..., 0].")
    .Input(0, "dY", "gradient of MakeTwoClass' output: float or double")
    .Output(0, "dX", "gradient of X, of dY's shape without the last dimension")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView dy = context->dims(0);
      DOPPIO_RETURN_IF_ERROR(CheckPairs(dy));
      context->SetOutput(0, context->dtype(0), dy.first(dy.size() - 1));
      return absl::OkStatus();
    });

template <class Context>
class MakeTwoClassGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MakeTwoClassGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckPairs(dy.dims()));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const size_t rank = dy.dims().size() - 1;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dy.dims().first(rank)));
      const T* from = dy.data<T>();
      T* to = dx->mutable_data<T>();
      ParallelFor(dx->numel(), kGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) to[i] = from[2 * i + 1] - from[2 * i];
      });
      return absl::OkStatus();
    });
  }
};

class GetMakeTwoClassGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("MakeTwoClassGradient", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(MakeTwoClass, MakeTwoClassOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(MakeTwoClassGradient, MakeTwoClassGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(MakeTwoClass, GetMakeTwoClassGradient);

}  // namespace
}  // namespace doppio
