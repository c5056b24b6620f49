#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/loss/logistic.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 4096;  // elements that are worth a thread

// What an element loses, and its derivative by x; t is the target.
enum class LossKind { kPlain, kLogD, kUnjoined };

double Loss(LossKind kind, double x, double t) {
  switch (kind) {
    case LossKind::kLogD:
      return Times(2 * t - 1, Softplus(-x));
    case LossKind::kUnjoined:
      return Times(1 - t, Softplus(x)) - Times(t, x);
    case LossKind::kPlain:
      break;
  }
  return LogisticLoss(x, t);
}

double Slope(LossKind kind, double x, double t) {
  switch (kind) {
    case LossKind::kLogD:
      return (1 - 2 * t) * Sigmoid(-x);
    case LossKind::kUnjoined:
      return (1 - t) * Sigmoid(x) - t;
    case LossKind::kPlain:
      break;
  }
  return Sigmoid(x) - t;
}

LossKind KindOf(ArgumentReader* args, bool is_weighted) {
  if (is_weighted) return LossKind::kPlain;
  if (args->GetSingleArgument<bool>("unjoined_lr_loss")) return LossKind::kUnjoined;
  return args->GetSingleArgument<bool>("log_D_trick") ? LossKind::kLogD : LossKind::kPlain;
}

struct Rows {
  int64_t n;
  int64_t d;  // elements of each
  Dims dims;  // of the losses

  int64_t grain() const { return kGrain / std::max<int64_t>(d, 1) + 1; }
};

Rows RowsOf(DimsView logits) {
  const int last = std::max(static_cast<int>(logits.size()) - 1, 0);
  return {SizeToDim(logits, last), SizeFromDim(logits, last),
          Dims(logits.begin(), logits.begin() + last)};
}

// Inputs `first` and those after it have one shape and type.
absl::Status CheckAlike(const OperatorBase& op, absl::Span<const Tensor* const> inputs, int first) {
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i]->dtype() == inputs[0]->dtype() && inputs[i]->dims() == inputs[0]->dims())
      continue;
    return absl::InvalidArgumentError(absl::StrCat(op.DescribeInput(first), " and ",
                                                   op.DescribeInput(first + static_cast<int>(i)),
                                                   " must have the same type and shape"));
  }
  return absl::OkStatus();
}

void StateKinds(OpSchema& schema) {
  schema
      .Arg("log_D_trick",
           "the loss is (2 t - 1) ln(1 + exp(-x)) instead, whose gradient does not vanish for a "
           "generator at its beginning",
           false)
      .Arg(
          "unjoined_lr_loss",
          "the loss is (1 - t) ln(1 + exp(x)) - t x instead, for data where an example that turned "
          "out positive stands as a negative one too; goes before log_D_trick",
          false);
}

void StateForward(OpSchema& schema) {
  schema.NumOutputs(1)
      .Input(0, "logits", "tensor of float or double; rows are along the last dimension")
      .Input(1, "targets", "tensor of the same type and shape: probabilities")
      .Output(0, "xentropy", "the logits' shape without the last dimension: the rows' losses")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return 6 * SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        for (int i = 1; i < context->InputSize(); ++i) {
          if (context->dims(i) == context->dims(0)) continue;
          return absl::InvalidArgumentError(
              absl::StrCat("input ", i, " is ", ShapeToString(context->dims(i)),
                           ", but must have the logits' shape ", ShapeToString(context->dims(0))));
        }
        context->SetOutput(0, context->dtype(0), RowsOf(context->dims(0)).dims);
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(SigmoidCrossEntropyWithLogits)
    .NumInputs(2)
    .Doc(R"DOC(
The cross entropy of targets and the logistic function of logits, as the mean of each row; the loss of
a logit x with the target t is ln(1 + exp(x)) - t x, computed without overflow. The loss of an empty
row is 0.

Example: logits [1,2] = [[0,2]] and targets [1,2] = [[1,1]] give xentropy [1] = [0.410038].
)DOC")
    .FillUsing(StateForward)
    .FillUsing(StateKinds);

DOPPIO_OPERATOR_SCHEMA(WeightedSigmoidCrossEntropyWithLogits)
    .NumInputs(3)
    .Doc(R"DOC(
SigmoidCrossEntropyWithLogits where the loss of each element is multiplied by a weight before the mean
of the row is taken, which is still divided by the number of elements.

Example: logits [1,2] = [[0,2]], targets [1,2] = [[1,1]] and weights [1,2] = [[2,0]] give
xentropy [1] = [0.693147].
)DOC")
    .FillUsing(StateForward)
    .Input(2, "weights", "tensor of the same type and shape");

template <class Context, bool kWeighted>
class SigmoidCrossEntropyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SigmoidCrossEntropyOp(OperatorInit* init)
      : Operator<Context>(init), kind_(KindOf(init, kWeighted)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& t = Input(1);
    const Tensor& w = Input(kWeighted ? 2 : 1);
    DOPPIO_RETURN_IF_ERROR(CheckAlike(*this, {&x, &t, &w}, 0));
    const Rows rows = RowsOf(x.dims());
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), rows.dims));
      const T* logit = x.data<T>();
      const T* target = t.data<T>();
      const T* weight = w.data<T>();
      T* to = y->mutable_data<T>();
      ParallelFor(rows.n, rows.grain(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          double sum = 0;
          for (int64_t j = i * rows.d; j < (i + 1) * rows.d; ++j) {
            const double loss = Loss(kind_, logit[j], target[j]);
            sum += kWeighted ? Times(weight[j], loss) : loss;
          }
          to[i] = static_cast<T>(sum / static_cast<double>(std::max<int64_t>(rows.d, 1)));
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const LossKind kind_;
};

void StateGradient(OpSchema& schema) {
  schema.NumOutputs(1)
      .Input(0, "dxentropy", "gradient of the forward operator's output")
      .Input(1, "logits", "its first input")
      .Input(2, "targets", "its second input")
      .Output(0, "dlogits", "gradient of the logits")
      .IdenticalTypeAndShapeOfInput(1);
}

DOPPIO_OPERATOR_SCHEMA(SigmoidCrossEntropyWithLogitsGradient)
    .NumInputs(3)
    .Doc(R"DOC(
The gradient of SigmoidCrossEntropyWithLogits by the logits: (1 / (1 + exp(-x)) - t) * dxentropy / D,
where D is the number of elements of a row; likewise of the other losses. Targets get none.
)DOC")
    .FillUsing(StateGradient)
    .FillUsing(StateKinds);

DOPPIO_OPERATOR_SCHEMA(WeightedSigmoidCrossEntropyWithLogitsGradient)
    .NumInputs(4)
    .Doc(R"DOC(
The gradient of WeightedSigmoidCrossEntropyWithLogits by the logits:
w * (1 / (1 + exp(-x)) - t) * dxentropy / D. Targets and weights get none.
)DOC")
    .FillUsing(StateGradient)
    .Input(3, "weights", "the forward operator's third input");

template <class Context, bool kWeighted>
class SigmoidCrossEntropyGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SigmoidCrossEntropyGradientOp(OperatorInit* init)
      : Operator<Context>(init), kind_(KindOf(init, kWeighted)) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(0);
    const Tensor& x = Input(1);
    const Tensor& t = Input(2);
    const Tensor& w = Input(kWeighted ? 3 : 2);
    DOPPIO_RETURN_IF_ERROR(CheckAlike(*this, {&x, &t, &w}, 1));
    const Rows rows = RowsOf(x.dims());
    if (dy.dtype() != x.dtype() || dy.numel() != rows.n) {
      return absl::InvalidArgumentError(absl::StrCat("dxentropy ", DescribeInput(0), " must be ",
                                                     rows.n, " elements of the type of the logits ",
                                                     DescribeInput(1)));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* gradient = dy.data<T>();
      const T* logit = x.data<T>();
      const T* target = t.data<T>();
      const T* weight = w.data<T>();
      T* to = dx->mutable_data<T>();
      ParallelFor(rows.n, rows.grain(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const double factor = static_cast<double>(gradient[i]) / static_cast<double>(rows.d);
          for (int64_t j = i * rows.d; j < (i + 1) * rows.d; ++j) {
            const double slope = factor * Slope(kind_, logit[j], target[j]);
            to[j] = static_cast<T>(kWeighted ? slope * weight[j] : slope);
          }
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  const LossKind kind_;
};

// Of either operator: the gradient operator takes dxentropy, and then the forward operator's
// inputs.
class GetSigmoidCrossEntropyGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {GO(0)};
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(I(i));
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, {GI(0)});
  }
};

using PlainOp = SigmoidCrossEntropyOp<CPUContext, false>;
using PlainGradientOp = SigmoidCrossEntropyGradientOp<CPUContext, false>;
using WeightedOp = SigmoidCrossEntropyOp<CPUContext, true>;
using WeightedGradientOp = SigmoidCrossEntropyGradientOp<CPUContext, true>;
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidCrossEntropyWithLogits, PlainOp);
DOPPIO_REGISTER_CPU_OPERATOR(SigmoidCrossEntropyWithLogitsGradient, PlainGradientOp);
DOPPIO_REGISTER_CPU_OPERATOR(WeightedSigmoidCrossEntropyWithLogits, WeightedOp);
DOPPIO_REGISTER_CPU_OPERATOR(WeightedSigmoidCrossEntropyWithLogitsGradient, WeightedGradientOp);
DOPPIO_REGISTER_GRADIENT(SigmoidCrossEntropyWithLogits, GetSigmoidCrossEntropyGradient);
DOPPIO_REGISTER_GRADIENT(WeightedSigmoidCrossEntropyWithLogits, GetSigmoidCrossEntropyGradient);

}  // namespace
}  // namespace doppio
