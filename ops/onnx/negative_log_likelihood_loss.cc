#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

enum class Reduction { kNone, kSum, kMean };

struct LossArguments {
  explicit LossArguments(ArgumentReader* args) {
    const std::string name = args->GetSingleArgument<std::string>("reduction");
    reduction = name == "none"  ? Reduction::kNone
                : name == "sum" ? Reduction::kSum
                                : Reduction::kMean;
    if (reduction == Reduction::kMean && name != "mean") {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("reduction is \"", name, "\", must be none, sum or mean")));
    }
    if (args->HasArgument("ignore_index")) {
      ignored = args->GetSingleArgument<int64_t>("ignore_index", 0);
    }
  }

  Reduction reduction;
  std::optional<int64_t> ignored;
};

// X [N,C,positions...] with targets [N,positions...].
absl::Status CheckShapes(DimsView x, DimsView target, const DimsView* weight) {
  bool fits = x.size() >= 2 && target.size() == x.size() - 1 && target[0] == x[0];
  for (size_t d = 2; fits && d < x.size(); ++d) fits = target[d - 1] == x[d];
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must be [N,C,...], and target ",
                     ShapeToString(target), " the same without the C classes"));
  }
  if (weight != nullptr && *weight != DimsView({x[1]})) {
    return absl::InvalidArgumentError(absl::StrCat("weight must be a vector of the ", x[1],
                                                   " classes, but is ", ShapeToString(*weight)));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(NegativeLogLikelihoodLoss)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
What is minus the logarithm of the probability of the right class, times the weight of that class: of each
target, their sum, or their mean, which is the sum divided by the sum of the weights. A target that is
ignore_index counts nothing. The mean of nothing is NaN.

Example: X [2,2] = [[-1,-2],[-3,-4]] and target [2] = [0,1] give 2.5.
)DOC")
    .Arg<std::string>("reduction", "none, sum or mean", "mean")
    .OptionalArg<int64_t>("ignore_index", "a target that does not count")
    .Input(0, "X", "float or double [N,C,...]: logarithms of probabilities")
    .Input(1, "target", "int32 or int64 [N,...]: classes, from 0 to C - 1")
    .Input(2, "weight", "[C] of X's type; may be left out: all 1")
    .Output(0, "loss", "of X's type: target's shape, or a scalar")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const LossArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      const DimsView weight = context->InputSize() > 2 ? context->dims(2) : DimsView();
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1),
                                         context->InputSize() > 2 ? &weight : nullptr));
      const bool is_single = args.reduction != Reduction::kNone;
      context->SetOutput(0, context->dtype(0), is_single ? DimsView() : context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class NegativeLogLikelihoodLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NegativeLogLikelihoodLossOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const DimsView weight = InputSize() > 2 ? Input(2).dims() : DimsView();
    DOPPIO_RETURN_IF_ERROR(
        CheckShapes(Input(0).dims(), Input(1).dims(), InputSize() > 2 ? &weight : nullptr));
    const DataType type = Input(0).dtype();
    if (InputSize() > 2 && Input(2).dtype() != type) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(2), " must have the same type"));
    }
    return DispatchType(TypeList<float, double>(), type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      return DispatchType(TypeList<int32_t, int64_t>(), Input(1).dtype(), [&](auto index_tag) {
        return Run<T, typename decltype(index_tag)::type>();
      });
    });
  }

 private:
  template <typename T, typename Index>
  absl::Status Run() {
    const Tensor& x = Input(0);
    const Index* targets = Input(1).template data<Index>();
    const int64_t count = Input(1).numel();
    const int64_t classes = x.dim(1);
    const int64_t positions = SizeFromDim(x.dims(), 2);
    const bool is_single = args_.reduction != Reduction::kNone;
    const Dims dims = is_single ? Dims() : Dims(Input(1).dims().begin(), Input(1).dims().end());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * loss, Output(0, x.dtype(), dims));
    const T* log_prob = x.data<T>();
    const T* weights = InputSize() > 2 ? Input(2).template data<T>() : nullptr;
    double sum = 0;
    double weight_sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t target = targets[i];
      double weight = 0;
      double value = 0;
      if (!args_.ignored.has_value() || target != *args_.ignored) {
        if (target < 0 || target >= classes) {
          return absl::InvalidArgumentError(
              absl::StrCat("target has ", target, ", but there are ", classes, " classes"));
        }
        weight = weights == nullptr ? 1 : static_cast<double>(weights[target]);
        const int64_t at = (i / positions * classes + target) * positions + i % positions;
        value = -static_cast<double>(log_prob[at]) * weight;
      }
      if (!is_single) loss->mutable_data<T>()[i] = static_cast<T>(value);
      sum += value;
      weight_sum += weight;
    }
    if (is_single) {
      *loss->mutable_data<T>() =
          static_cast<T>(args_.reduction == Reduction::kSum ? sum : sum / weight_sum);
    }
    return absl::OkStatus();
  }

  const LossArguments args_;
};

DOPPIO_REGISTER_CPU_OPERATOR(NegativeLogLikelihoodLoss, NegativeLogLikelihoodLossOp<CPUContext>);
DOPPIO_NO_GRADIENT(NegativeLogLikelihoodLoss);

}  // namespace
}  // namespace doppio
