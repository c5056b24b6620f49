// Gather and BatchGather.

#include <algorithm>
#include <cstring>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/sparse/gather_plan.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

GatherArguments ArgumentsOfGather(ArgumentReader* args) {
  const int axis = args->GetSingleArgument<int>("axis");
  // Caffe2 wraps along the first dimension alone, unless it is told to.
  return {axis, args->GetSingleArgument<bool>("match_outer"),
          args->GetSingleArgument<bool>("wrap_indices", axis == 0)};
}

GatherArguments ArgumentsOfBatchGather(ArgumentReader* args) {
  return {1, args->GetSingleArgument<bool>("match_outer"), false};
}

template <GatherArguments (*Read)(ArgumentReader*)>
void StateGather(OpSchema& schema) {
  schema.NumInputs(2)
      .NumOutputs(1)
      .Input(1, "INDICES", "tensor of int32 or int64")
      .Output(0, "OUTPUT", "tensor of DATA's type")
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        DOPPIO_ASSIGN_OR_RETURN(GatherPlan plan,
                                PlanGather(Read(context), context->dims(0), context->dims(1)));
        context->SetOutput(0, context->dtype(0), plan.output);
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(Gather)
    .FillUsing(StateGather<ArgumentsOfGather>)
    .Doc(R"DOC(
Picks slices of DATA along a dimension: for DATA [n,d] and indices of shape [i,j] the output is
[i,j,d], with OUTPUT[a,b] = DATA[INDICES[a,b]]. With another `axis`, the dimensions before it come
first: DATA [m,n,d] with axis 1 gives [m,i,j,d]. DATA without any slice (n = 0) gives an output of
DATA's shape.

Its gradient is sparse: INDICES, and the output's gradient as the values. With dense_gradient, or
along another axis, it is dense. A dense one along axis 0 wants indices that are not negative.
)DOC")
    .Arg<int>("axis", "the dimension of DATA that is indexed", 0)
    .Arg<bool>(
        "match_outer",
        "whether the indices have the dimensions of DATA before `axis` too: each of them has "
        "indices of its own",
        false)
    .OptionalArg<bool>("wrap_indices",
                       "whether negative indices count from the end; default: along axis 0 alone")
    .Arg<bool>("dense_gradient", "whether the gradient is dense along axis 0", false)
    .Input(0, "DATA", "tensor of any type, at least a vector");

DOPPIO_OPERATOR_SCHEMA(BatchGather)
    .FillUsing(StateGather<ArgumentsOfBatchGather>)
    .Doc(R"DOC(
Picks slices of each element of a batch: Gather with axis 1. For DATA [m,n,d] and indices of shape
[i,j] the output is [m,i,j,d]. DATA without any slice (n = 0) gives an output of DATA's shape.

Example: DATA [[1,2,3,4],[5,6,7,8]] and INDICES [0,2] give [[1,3],[5,7]].
)DOC")
    .Arg<bool>(
        "match_outer",
        "whether the indices have the first dimension of DATA too: each element of the batch "
        "has indices of its own",
        false)
    .Input(0, "DATA", "tensor of any type, at least a matrix");

template <class Context, GatherArguments (*Read)(ArgumentReader*)>
class GatherOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherOp(OperatorInit* init) : Operator<Context>(init), args_(Read(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& indices = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(GatherPlan plan, PlanGather(args_, data.dims(), indices.dims()));
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto index = indices.span<typename decltype(tag)::type>();
      if (plan.size > 0) {
        DOPPIO_RETURN_IF_ERROR(CheckIndices(index, args_.wrap_indices ? -plan.size : 0, plan.size));
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), plan.output));
      if (output->numel() == 0) return absl::OkStatus();
      if (data.Is<std::string>()) {
        const std::string* in = data.data<std::string>();
        std::string* out = output->mutable_data<std::string>();
        ForEachSlice(plan, index.data(), sizeof(std::string), [&](int64_t from, int64_t to) {
          std::copy_n(in + from * plan.block, plan.block, out + to * plan.block);
        });
      } else {
        const int64_t bytes = plan.block * static_cast<int64_t>(DataTypeSize(data.dtype()));
        const char* in = static_cast<const char*>(data.raw_data());
        char* out = static_cast<char*>(output->raw_mutable_data());
        ForEachSlice(plan, index.data(), bytes, [&](int64_t from, int64_t to) {
          std::memcpy(out + to * bytes, in + from * bytes, static_cast<size_t>(bytes));
        });
      }
      return absl::OkStatus();
    });
  }

 private:
  // Calls copy(from, to) with the numbers of a block of DATA and of the output.
  template <typename Index, typename Copy>
  void ForEachSlice(const GatherPlan& plan, const Index* indices, int64_t slice_bytes, Copy copy) {
    constexpr int64_t kGrainBytes = 1 << 16;
    const int64_t grain = kGrainBytes / (slice_bytes + 16) + 1;
    ParallelFor(plan.outer * plan.count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t to = begin; to < end; ++to) {
        const int64_t outer = to / plan.count;
        int64_t index = indices[args_.match_outer ? to : to % plan.count];
        if (index < 0) index += plan.size;
        copy(outer * plan.size + index, to);
      }
    });
  }

  const GatherArguments args_;
};

class GetGatherGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), OpSchemaRegistry::Schema(Def().type()));
    const int axis = reader.GetSingleArgument<int>("axis");
    const bool dense = reader.GetSingleArgument<bool>("dense_gradient");
    Fail(reader.status());
    if (axis == 0) {
      if (dense) return SingleGradientDef("SparseToDense", "", {I(1), GO(0), I(0)}, {GI(0)});
      SetSparse(0, I(1), GO(0));
      return {};
    }
    if (!dense && reader.HasArgument("dense_gradient")) {
      Fail(
          absl::InvalidArgumentError("the gradient of Gather along an axis other than 0 is dense, "
                                     "but the argument \"dense_gradient\" is 0"));
    }
    return SingleGradientDef("BatchGatherGradient", "", {I(0), I(1), GO(0)}, {GI(0)},
                             {MakeArgument<int>("axis", axis)});
  }
};

class GetBatchGatherGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BatchGatherGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Gather, GatherOp<CPUContext, ArgumentsOfGather>);
DOPPIO_REGISTER_CPU_OPERATOR(BatchGather, GatherOp<CPUContext, ArgumentsOfBatchGather>);
DOPPIO_REGISTER_GRADIENT(Gather, GetGatherGradient);
DOPPIO_REGISTER_GRADIENT(BatchGather, GetBatchGatherGradient);

}  // namespace
}  // namespace doppio
