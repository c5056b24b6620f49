#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/reduce.h"
#include "src/operator/broadcast_rule.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(SumReduceLike)
    .NumInputs(2)
    .NumOutputs(1)
    .ShapeOnly({1})
    .Doc(R"DOC(
Sums A over the dimensions that B has not: what broadcasting B to A's shape repeated is added up
again. B's shape, without 1s at its ends, must stand in A's, beginning at `axis`.

Examples: A [2,3,4,5] and B [4,5] give C [4,5]; with axis=1, A [2,3,4,5] and B [3,4] give [3,4]. A =
[[1,2],[3,4]] and B [2] give C = [4,6], and with axis=0 they give C = [3,7].
)DOC")
    .Arg<int>("axis",
              "the dimension of A at which B's shape begins; -1: so that it ends where A's does",
              -1)
    .Arg<std::string>("axis_str", "that dimension as a letter of `order`", "")
    .Arg<std::string>("order", "the letters of A's dimensions, for axis_str", "NCHW")
    .Input(0, "A", "tensor of float, double, float16, bfloat16, int32 or int64")
    .Input(1, "B", "tensor of any type, whose shape C gets")
    .Output(0, "C", "tensor of A's type and B's shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const BroadcastRule rule = BroadcastRule::Legacy(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(rule.Align(context->dims(0), context->dims(1)).status());
      context->SetOutput(0, context->dtype(0), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class SumReduceLikeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SumReduceLikeOp(OperatorInit* init)
      : Operator<Context>(init), rule_(BroadcastRule::Legacy(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& a = Input(0);
    const Tensor& b = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(BinaryShapes shapes, rule_.Align(a.dims(), b.dims()));
    using Types = TypeList<float, double, float16, bfloat16, int32_t, int64_t>;
    return DispatchType(Types(), a.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * c, Output(0, a.dtype(), b.dims()));
      return ReduceSumTo(a.data<T>(), shapes.a, c->mutable_data<T>(), shapes.b, &context_);
    });
  }

 private:
  const BroadcastRule rule_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SumReduceLike, SumReduceLikeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SumReduceLike);

}  // namespace
}  // namespace doppio
