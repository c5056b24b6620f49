#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/loss/labels.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView x, DimsView labels) {
  if (x.size() == 2 && labels.size() == 1 && labels[0] == x[0]) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the predictions must be a matrix [N,D] and the labels a vector of N, but are ",
                   ShapeToString(x), " and ", ShapeToString(labels)));
}

DOPPIO_OPERATOR_SCHEMA(Accuracy)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The share of examples whose label is among the top_k classes with the largest predictions. Of equal
predictions the one of the lower class counts as larger. The accuracy of no examples is 0.
)DOC")
    .Arg<int>("top_k", "how many classes count as right", 1)
    .Input(0, "predictions", "matrix [N,D] of float or double: a number for each class")
    .Input(1, "labels", "vector of N, int32 or int64, in [0,D)")
    .Output(0, "accuracy", "float scalar in [0,1]")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kFloat, {});
      return CheckShapes(context->dims(0), context->dims(1));
    });

template <class Context>
class AccuracyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AccuracyOp(OperatorInit* init)
      : Operator<Context>(init), top_k_(init->GetSingleArgument<int>("top_k")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), labels.dims()));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return DispatchType(LabelTypes(), labels.dtype(), [&](auto label_tag) {
        using T = typename decltype(tag)::type;
        using Label = typename decltype(label_tag)::type;
        return DoRunWithType(x.data<T>(), x.dim(0), x.dim(1), labels.span<Label>());
      });
    });
  }

 private:
  template <typename T, typename Label>
  absl::Status DoRunWithType(const T* x, int64_t n, int64_t d, absl::Span<const Label> labels) {
    DOPPIO_RETURN_IF_ERROR(CheckLabels(labels, d));
    int64_t correct = 0;
    for (int64_t i = 0; i < n; ++i) {
      const T* row = x + i * d;
      const int64_t label = labels[i];
      int64_t place = 1;  // of the label among the classes, the largest prediction first
      for (int64_t j = 0; j < d && place <= top_k_; ++j) {
        if (row[j] > row[label] || (row[j] == row[label] && j < label)) ++place;
      }
      if (place <= top_k_) ++correct;
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * accuracy, Output(0, DataType::kFloat, {}));
    *accuracy->mutable_data<float>() =
        n == 0 ? 0.0f : static_cast<float>(static_cast<double>(correct) / n);
    return absl::OkStatus();
  }

  const int top_k_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Accuracy, AccuracyOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Accuracy);

}  // namespace
}  // namespace doppio
