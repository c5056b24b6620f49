#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/loss/labels.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView x, DimsView labels) {
  if (x.size() == 2 && labels.size() == 1 && labels[0] == x[0]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("prediction ", ShapeToString(x), " and labels ",
                                                 ShapeToString(labels),
                                                 " must be [N,D] and [N] of the same N"));
}

DOPPIO_OPERATOR_SCHEMA(MultiClassAccuracy)
    .NumInputs(2)
    .NumOutputs(2)
    .Doc(R"DOC(
How often the class with the greatest score is the label, for each class by itself. Of equal scores the
first counts; a class without examples has an accuracy of 0.

Example: prediction [3,2] = [[1,0],[0,1],[1,0]] and labels [3] = [0,1,1] give accuracies [2] = [1,0.5] and
amounts [2] = [1,2].
)DOC")
    .Input(0, "prediction", "[N,D] of float: a score for each class")
    .Input(1, "labels", "[N] of int32, in [0,D)")
    .Output(0, "accuracies", "[D] of float: the share of each class's examples that are right")
    .Output(1, "amounts", "[D] of int32: the number of each class's examples")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dims(1)));
      context->SetOutput(0, DataType::kFloat, {context->dims(0)[1]});
      context->SetOutput(1, DataType::kInt32, {context->dims(0)[1]});
      return absl::OkStatus();
    });

template <class Context>
class MultiClassAccuracyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MultiClassAccuracyOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (x.dtype() != DataType::kFloat || Input(1).dtype() != DataType::kInt32) {
      return absl::InvalidArgumentError(absl::StrCat("prediction ", DescribeInput(0),
                                                     " must be float, and labels ",
                                                     DescribeInput(1), " int32"));
    }
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), Input(1).dims()));
    const int64_t d = x.dim(1);
    const auto labels = Input(1).template span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(CheckLabels(labels, d));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * accuracies, Output(0, DataType::kFloat, {d}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * amounts, Output(1, DataType::kInt32, {d}));
    float* right = accuracies->mutable_data<float>();
    int32_t* amount = amounts->mutable_data<int32_t>();
    std::fill_n(right, d, 0.0f);
    std::fill_n(amount, d, 0);
    const float* row = x.data<float>();
    for (const int32_t label : labels) {
      ++amount[label];
      if (Best(row, d) == label) ++right[label];
      row += d;
    }
    for (int64_t j = 0; j < d; ++j) right[j] /= static_cast<float>(std::max(amount[j], 1));
    return absl::OkStatus();
  }

 private:
  static int64_t Best(const float* row, int64_t d) {
    float most = std::numeric_limits<float>::lowest();
    int64_t best = 0;
    for (int64_t j = 0; j < d; ++j) {
      if (!(row[j] > most)) continue;
      most = row[j];
      best = j;
    }
    return best;
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(MultiClassAccuracy, MultiClassAccuracyOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(MultiClassAccuracy);

}  // namespace
}  // namespace doppio
