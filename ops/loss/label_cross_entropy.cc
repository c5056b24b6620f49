#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/loss/labels.h"
#include "src/kernel/fill.h"

namespace doppio {
namespace {

// Probabilities below this count as this much, so that their logarithm is finite.
constexpr double kLogThreshold = 1e-20;

struct Batch {
  int64_t n;  // examples
  int64_t d;  // classes
};

absl::StatusOr<Batch> BatchOf(DimsView x, DimsView labels) {
  if (x.empty()) return absl::InvalidArgumentError("X must be at least a vector, but is a scalar");
  const Batch batch = x.size() > 1 ? Batch{x[0], SizeFromDim(x, 1)} : Batch{1, x[0]};
  const bool is_column = labels.size() == 2 && labels[1] == 1;
  if ((labels.size() != 1 && !is_column) || labels[0] != batch.n) {
    return absl::InvalidArgumentError(absl::StrCat(
        "X ", ShapeToString(x), " has ", batch.n, " examples, which take labels of shape [",
        batch.n, "] or [", batch.n, ",1], but they are ", ShapeToString(labels)));
  }
  return batch;
}

DOPPIO_OPERATOR_SCHEMA(LabelCrossEntropy)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The cross entropy of predicted probabilities and labels: Y[i] = -log(max(X[i, label[i]], 1e-20)).
)DOC")
    .Input(0, "X", "[N,D] (or more dimensions, or [D] for N = 1) of float or double: probabilities")
    .Input(1, "label", "[N] or [N,1] of int32 or int64, in [0,D)")
    .Output(0, "Y", "vector of N of X's type")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Batch batch, BatchOf(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {batch.n});
      return absl::OkStatus();
    });

template <class Context>
class LabelCrossEntropyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LabelCrossEntropyOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(Batch batch, BatchOf(x.dims(), labels.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const auto label = labels.span<typename decltype(label_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckLabels(label, batch.d));
        DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), {batch.n}));
        const T* in = x.data<T>();
        T* out = y->mutable_data<T>();
        for (int64_t i = 0; i < batch.n; ++i)
          out[i] = -std::log(std::max(in[i * batch.d + label[i]], static_cast<T>(kLogThreshold)));
        return absl::OkStatus();
      });
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(LabelCrossEntropyGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of LabelCrossEntropy: dX[i, label[i]] = -dY[i] / max(X[i, label[i]], 1e-20), and 0
elsewhere.
)DOC")
    .Input(0, "X", "the first input of LabelCrossEntropy")
    .Input(1, "label", "its second input")
    .Input(2, "dY", "gradient of its output: a vector of N")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShape();

template <class Context>
class LabelCrossEntropyGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LabelCrossEntropyGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(Batch batch, BatchOf(x.dims(), labels.dims()));
    if (dy.dtype() != x.dtype() || dy.rank() != 1 || dy.dim(0) != batch.n) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(2), " must be a vector of ", batch.n, " of X's type"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const auto label = labels.span<typename decltype(label_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckLabels(label, batch.d));
        DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
        T* out = dx->mutable_data<T>();
        Fill(T(0), out, dx->numel(), &context_);
        for (int64_t i = 0; i < batch.n; ++i) {
          const int64_t at = i * batch.d + label[i];
          out[at] = -dy.data<T>()[i] / std::max(x.data<T>()[at], static_cast<T>(kLogThreshold));
        }
        return absl::OkStatus();
      });
    });
  }
};

class GetLabelCrossEntropyGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("LabelCrossEntropyGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LabelCrossEntropy, LabelCrossEntropyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LabelCrossEntropyGradient, LabelCrossEntropyGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LabelCrossEntropy, GetLabelCrossEntropyGradient);

}  // namespace
}  // namespace doppio
