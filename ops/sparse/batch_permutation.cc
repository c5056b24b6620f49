#include <algorithm>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView x, DataType index_type, DimsView indices) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(x, "the tensor"));
  DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(index_type, indices, "indices"));
  if (indices[0] == x[0]) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a tensor ", ShapeToString(x), " takes ", x[0],
                                                 " indices, but there are ", indices[0]));
}

// Each of [0, n) once.
absl::Status CheckPermutation(absl::Span<const int32_t> indices, std::vector<bool>* seen) {
  DOPPIO_RETURN_IF_ERROR(CheckIndices(indices, 0, static_cast<int64_t>(indices.size())));
  seen->assign(indices.size(), false);
  for (int32_t i : indices) {
    if ((*seen)[static_cast<size_t>(i)]) {
      return absl::InvalidArgumentError(
          absl::StrCat("the indices name row ", i, " twice, which is no permutation"));
    }
    (*seen)[static_cast<size_t>(i)] = true;
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(BatchPermutation)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Rows in another order: Y[i] = X[indices[i]]. The indices name each row once; Caffe2 does not look, and
has no right gradient where they do not.

Example: X [3,2] = [[1,2],[3,4],[5,6]] and indices [2,0,1] give Y [3,2] = [[5,6],[1,2],[3,4]].
)DOC")
    .Input(0, "X", "tensor of any type, at least a vector")
    .Input(1, "indices", "vector of int32: a permutation of the rows")
    .Output(0, "Y", "tensor of X's type and shape")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dtype(1), context->dims(1)));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(BatchPermutationGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(
        "The gradient of BatchPermutation: rows go back to where they were, dX[indices[i]] = "
        "dY[i].")
    .Input(0, "indices", "the permutation")
    .Input(1, "dY", "gradient of Y")
    .Output(0, "dX", "gradient of X")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(1), context->dtype(0), context->dims(0)));
      context->SetOutput(0, context->dtype(1), context->dims(1));
      return absl::OkStatus();
    });

template <class Context, bool kBack>
class BatchPermutationOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchPermutationOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(kBack ? 1 : 0);
    const Tensor& indices = Input(kBack ? 0 : 1);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), indices.dtype(), indices.dims()));
    const auto index = indices.span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(CheckPermutation(index, &seen_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    const ElementCopy copy(x, y);
    const int64_t block = SizeFromDim(x.dims(), 1);
    ParallelFor(x.dim(0), (1 << 16) / std::max<int64_t>(block, 1) + 1,
                [&](int64_t begin, int64_t end) {
                  for (int64_t i = begin; i < end; ++i) {
                    const int64_t other = index[static_cast<size_t>(i)];
                    copy((kBack ? i : other) * block, (kBack ? other : i) * block, block);
                  }
                });
    return absl::OkStatus();
  }

 private:
  std::vector<bool> seen_;  // kept from run to run
};

class GetBatchPermutationGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BatchPermutationGradient", "", {I(1), GO(0)}, {GI(0)});
  }
};

using ForwardOp = BatchPermutationOp<CPUContext, false>;
using GradientOp = BatchPermutationOp<CPUContext, true>;
DOPPIO_REGISTER_CPU_OPERATOR(BatchPermutation, ForwardOp);
DOPPIO_REGISTER_CPU_OPERATOR(BatchPermutationGradient, GradientOp);
DOPPIO_REGISTER_GRADIENT(BatchPermutation, GetBatchPermutationGradient);

}  // namespace
}  // namespace doppio
