#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

// Probabilities below this count as this much, so that their logarithm is finite.
constexpr double kLogThreshold = 1e-20;
constexpr int64_t kGrain = 4096;  // elements that are worth a thread

struct Batch {
  int64_t n;  // examples
  int64_t d;  // classes

  int64_t grain() const { return kGrain / std::max<int64_t>(d, 1) + 1; }
};

absl::StatusOr<Batch> BatchOf(DimsView x, DimsView labels) {
  if (x.empty()) return absl::InvalidArgumentError("X must be at least a vector, but is a scalar");
  const Batch batch = x.size() > 1 ? Batch{x[0], SizeFromDim(x, 1)} : Batch{1, x[0]};
  const bool is_flat = labels.size() == 2 && labels[0] == batch.n && labels[1] == batch.d;
  const bool is_vector = labels.size() == 1 && batch.d == 1 && labels[0] == batch.n;
  if (labels == x || is_flat || is_vector) return batch;
  return absl::InvalidArgumentError(
      absl::StrCat("X ", ShapeToString(x), " has ", batch.n, " examples of ", batch.d,
                   " classes, which take as many labels, but they are ", ShapeToString(labels)));
}

template <typename T>
absl::Status CheckProbabilities(absl::Span<const T> labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] <= 1) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("label ", i, " is ", labels[i],
                     ", but must be a probability in [0, 1]; LabelCrossEntropy takes labels that "
                     "are numbers of classes"));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(CrossEntropy)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The cross entropy of predicted probabilities and the probabilities that they should be:
Y[i] = -sum(label[i, j] * ln(max(X[i, j], 1e-20))).

Example: X [2,2] = [[0.25,0.75],[0.5,0.5]] and label [2,2] = [[1,0],[0.5,0.5]] give
Y [2] = [1.386294,0.693147].
)DOC")
    .Input(0, "X", "[N,D] (or more dimensions, or [D] for N = 1) of float or double: probabilities")
    .Input(1, "label", "tensor of X's type and shape, or [N,D], in [0,1]")
    .Output(0, "Y", "vector of N of X's type")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 3 * SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Batch batch, BatchOf(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), {batch.n});
      return absl::OkStatus();
    });

template <class Context>
class CrossEntropyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CrossEntropyOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    if (labels.dtype() != x.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Batch batch, BatchOf(x.dims(), labels.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(CheckProbabilities(labels.span<T>()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), {batch.n}));
      const T* p = x.data<T>();
      const T* q = labels.data<T>();
      T* to = y->mutable_data<T>();
      ParallelFor(batch.n, batch.grain(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          double sum = 0;
          for (int64_t j = i * batch.d; j < (i + 1) * batch.d; ++j) {
            const T probability = std::max(p[j], static_cast<T>(kLogThreshold));
            sum -= static_cast<double>(q[j]) * static_cast<double>(std::log(probability));
          }
          to[i] = static_cast<T>(sum);
        }
      });
      return absl::OkStatus();
    });
  }
};

DOPPIO_OPERATOR_SCHEMA(CrossEntropyGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc("The gradient of CrossEntropy: dX[i, j] = -dY[i] * label[i, j] / max(X[i, j], 1e-20).")
    .Input(0, "X", "the first input of CrossEntropy")
    .Input(1, "label", "its second input")
    .Input(2, "dY", "gradient of its output: a vector of N")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShape();

template <class Context>
class CrossEntropyGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CrossEntropyGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const Batch batch, BatchOf(x.dims(), labels.dims()));
    if (labels.dtype() != x.dtype() || dy.dtype() != x.dtype() || dy.rank() != 1 ||
        dy.dim(0) != batch.n) {
      return absl::InvalidArgumentError(
          absl::StrCat("label ", DescribeInput(1), " must have X's type, and dY ", DescribeInput(2),
                       " must be a vector of ", batch.n, " of it; X is ", DescribeInput(0)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* p = x.data<T>();
      const T* q = labels.data<T>();
      const T* factor = dy.data<T>();
      T* to = dx->mutable_data<T>();
      ParallelFor(batch.n, batch.grain(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          for (int64_t j = i * batch.d; j < (i + 1) * batch.d; ++j) {
            to[j] = -factor[i] * q[j] / std::max(p[j], static_cast<T>(kLogThreshold));
          }
        }
      });
      return absl::OkStatus();
    });
  }
};

class GetCrossEntropyGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("CrossEntropyGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CrossEntropy, CrossEntropyOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(CrossEntropyGradient, CrossEntropyGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(CrossEntropy, GetCrossEntropyGradient);

}  // namespace
}  // namespace doppio
