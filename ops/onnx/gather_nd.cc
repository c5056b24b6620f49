#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "ops/onnx/resolved_indices.h"

namespace doppio {
namespace {

// Data is [batches, sizes..., block]: in each batch there are `count` indices of blocks.
struct GatherNdPlan {
  int64_t batches;
  int64_t count;
  Dims sizes;
  int64_t block;
  Dims output;
};

absl::StatusOr<GatherNdPlan> PlanGatherNd(DimsView data, DimsView indices, int64_t batch_dims) {
  const auto cannot = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("data ", ShapeToString(data), " and indices ",
                                                   ShapeToString(indices),
                                                   " with batch_dims = ", batch_dims, ": ", why));
  };
  if (indices.empty()) return cannot("the indices are a scalar");
  if (batch_dims < 0 || batch_dims >= static_cast<int64_t>(std::min(data.size(), indices.size()))) {
    return cannot("there are not as many dimensions");
  }
  const auto batch = static_cast<int>(batch_dims);
  const int64_t depth = indices.back();
  if (depth < 1 || depth > static_cast<int64_t>(data.size()) - batch) {
    return cannot("the last size of indices must be a number of dimensions of data");
  }
  if (data.subspan(0, batch) != indices.subspan(0, batch)) {
    return cannot("the dimensions of the batch must be equal");
  }
  const int rank = static_cast<int>(indices.size());
  const int end = batch + static_cast<int>(depth);
  GatherNdPlan plan;
  plan.batches = SizeToDim(indices, batch);
  plan.count = SizeBetween(indices, batch, rank - 1);
  plan.sizes.assign(data.begin() + batch, data.begin() + end);
  plan.block = SizeFromDim(data, end);
  plan.output.assign(indices.begin(), indices.end() - 1);
  plan.output.insert(plan.output.end(), data.begin() + end, data.end());
  DOPPIO_RETURN_IF_ERROR(NumElements(plan.output).status());
  return plan;
}

DOPPIO_OPERATOR_SCHEMA(GatherND)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's GatherND: the slices of data that lists of indices name, one list along the last dimension of
indices, an index for each of the first dimensions of data: output[i,j] = data[indices[i,j,0],
indices[i,j,1], ...]. With batch_dims, that holds in each element of a batch, which has as many
dimensions.

Example: data = [[1,2],[3,4]] and indices = [[0,1],[1,0]] give [2,3], indices = [[1]] [[3,4]].
)DOC")
    .Arg<int64_t>("batch_dims", "how many first dimensions data and indices share", 0)
    .Input(0, "data", "tensor of any type, at least a vector")
    .Input(1, "indices", "tensor of int32 or int64, at least a vector; from the back if negative")
    .Output(0, "output", "tensor of data's type")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const GatherNdPlan plan,
                              PlanGatherNd(context->dims(0), context->dims(1),
                                           context->GetSingleArgument<int64_t>("batch_dims")));
      context->SetOutput(0, context->dtype(0), plan.output);
      return absl::OkStatus();
    });

template <class Context>
class GatherNdOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherNdOp(OperatorInit* init)
      : Operator<Context>(init), batch_dims_(init->GetSingleArgument<int64_t>("batch_dims")) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const GatherNdPlan plan,
                            PlanGatherNd(data.dims(), Input(1).dims(), batch_dims_));
    DOPPIO_RETURN_IF_ERROR(ResolveIndices(Input(1), plan.sizes, &indices_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), plan.output));
    if (output->numel() == 0) return absl::OkStatus();
    return DispatchMoved(data.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      Gather(plan, MovedElements<T>(data), MovedElements<T>(output));
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void Gather(const GatherNdPlan& plan, const T* data, T* output) const {
    constexpr int64_t kGrain = 1 << 14;
    ParallelFor(
        plan.batches * plan.count, kGrain / plan.block + 1, [&](int64_t begin, int64_t end) {
          const auto depth = static_cast<int64_t>(plan.sizes.size());
          for (int64_t i = begin; i < end; ++i) {
            int64_t place = i / plan.count;  // the batch
            for (int64_t d = 0; d < depth; ++d) {
              const auto at = static_cast<size_t>(d);
              place = place * plan.sizes[at] + indices_[static_cast<size_t>(i * depth) + at];
            }
            std::copy_n(data + place * plan.block, plan.block, output + i * plan.block);
          }
        });
  }

  const int64_t batch_dims_;
  std::vector<int64_t> indices_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GatherND, GatherNdOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(GatherND);

}  // namespace
}  // namespace doppio
