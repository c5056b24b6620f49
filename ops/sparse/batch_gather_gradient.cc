#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sparse/add_rows.h"
#include "ops/sparse/gather_plan.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(BatchGatherGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of BatchGather, and of Gather along an axis other than 0: what each slice of DATA gets is
the sum of the gradients of its copies in the output.

Example: DATA [[1,2,3]], INDICES [2,0,2] and GRAD [[4,5,6]] give [[5,0,10]].
)DOC")
    .Arg<int>("axis", "the dimension of DATA that is indexed", 1)
    .Arg<bool>("match_outer", "whether the indices have the dimensions of DATA before `axis` too",
               false)
    .Arg<bool>("wrap_indices", "whether negative indices count from the end", false)
    .Input(0, "DATA", "tensor of float or double; only its shape counts")
    .Input(1, "INDICES", "tensor of int32 or int64")
    .Input(2, "GRAD", "tensor of DATA's type: the gradient of the output")
    .Output(0, "DATA_GRAD", "tensor of DATA's type and shape")
    .ShapeOnly({0})
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[2].dims, 0);
    })
    .IdenticalTypeAndShape();

template <class Context>
class BatchGatherGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchGatherGradientOp(OperatorInit* init)
      : Operator<Context>(init),
        args_{init->GetSingleArgument<int>("axis"), init->GetSingleArgument<bool>("match_outer"),
              init->GetSingleArgument<bool>("wrap_indices")} {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& indices = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(GatherPlan plan, PlanGather(args_, data.dims(), indices.dims()));
    if (Input(2).dtype() != data.dtype() || Input(2).dims() != DimsView(plan.output)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "GRAD ", DescribeInput(2), " must be of DATA's type and have the output's shape ",
          ShapeToString(plan.output)));
    }
    return DispatchType(TypeList<float, double>(), data.dtype(), [&](auto tag) {
      return DispatchType(IndexTypes(), indices.dtype(), [&](auto index_tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const auto index = indices.span<typename decltype(index_tag)::type>();
        if (plan.size > 0) {
          DOPPIO_RETURN_IF_ERROR(
              CheckIndices(index, args_.wrap_indices ? -plan.size : 0, plan.size));
        }
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), data.dims()));
        if (output->numel() == 0) return absl::OkStatus();
        AddRows(Input(2).template data<T>(), index.data(), args_.match_outer, plan.outer,
                plan.count, plan.size, plan.block, output->template mutable_data<T>());
        return absl::OkStatus();
      });
    });
  }

 private:
  const GatherArguments args_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BatchGatherGradient, BatchGatherGradientOp<CPUContext>);

}  // namespace
}  // namespace doppio
