#include <cstring>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

struct GatherArguments {
  explicit GatherArguments(ArgumentReader* args)
      : axis(args->GetSingleArgument<int>("axis")),
        match_outer(args->GetSingleArgument<bool>("match_outer")),
        // Caffe2 wraps along the first dimension alone, unless it is told to.
        wrap_indices(args->GetSingleArgument<bool>("wrap_indices", axis == 0)) {}

  int axis;
  bool match_outer;
  bool wrap_indices;
};

// The output is [outer, count, block]: for every index of the dimensions before the axis, `count`
// blocks of DATA [outer, size, block].
struct GatherPlan {
  int64_t outer;
  int64_t size;
  int64_t block;
  int64_t count;
  Dims output;
};

absl::StatusOr<GatherPlan> PlanGather(const GatherArguments& args, DimsView data,
                                      DimsView indices) {
  DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(args.axis, static_cast<int>(data.size())));
  GatherPlan plan{SizeToDim(data, axis), data[axis], SizeFromDim(data, axis + 1),
                  SizeFromDim(indices, 0), Dims(data.begin(), data.begin() + axis)};
  if (args.match_outer) {
    if (axis == 0) return absl::InvalidArgumentError("match_outer needs an axis above 0");
    if (static_cast<int>(indices.size()) < axis ||
        indices.subspan(0, axis) != data.subspan(0, axis)) {
      return absl::InvalidArgumentError(
          absl::StrCat("with match_outer the indices ", ShapeToString(indices),
                       " must begin with the dimensions ", ShapeToString(plan.output),
                       " that DATA ", ShapeToString(data), " has before axis ", axis));
    }
    indices.remove_prefix(axis);
    plan.count = SizeFromDim(indices, 0);
  }
  if (plan.size == 0) {
    // As Caffe2: what is gathered from nothing is nothing, whatever the indices.
    plan.output.assign(data.begin(), data.end());
  } else {
    plan.output.insert(plan.output.end(), indices.begin(), indices.end());
    plan.output.insert(plan.output.end(), data.begin() + axis + 1, data.end());
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(plan.output).status());
  return plan;
}

DOPPIO_OPERATOR_SCHEMA(Gather)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Picks slices of DATA along a dimension: for DATA [n,d] and indices of shape [i,j] the output is
[i,j,d], with OUTPUT[a,b] = DATA[INDICES[a,b]]. With another `axis`, the dimensions before it come
first: DATA [m,n,d] with axis 1 gives [m,i,j,d]. DATA without any slice (n = 0) gives an output of
DATA's shape.

Its gradient is sparse: INDICES, and the output's gradient as the values. With dense_gradient, or
along another axis, it is dense.
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
    .Input(0, "DATA", "tensor of any type, at least a vector")
    .Input(1, "INDICES", "tensor of int32 or int64")
    .Output(0, "OUTPUT", "tensor of DATA's type")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(GatherPlan plan, PlanGather(GatherArguments(context),
                                                          context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), plan.output);
      return absl::OkStatus();
    });

template <class Context>
class GatherOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

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

DOPPIO_REGISTER_CPU_OPERATOR(Gather, GatherOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Gather, GetGatherGradient);

}  // namespace
}  // namespace doppio
