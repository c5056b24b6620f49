#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& lrn_schema =
    OpSchemaRegistry::NewSchema("BlockedLRN", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) { StateBlocked(schema, "LRN", 1); })
        .NumInputs(1)
        .Doc("LRN, order NCHW, of a blocked tensor.")
        .Arg<int>("size", "as of LRN", 0)
        .Arg<float>("alpha", "as of LRN", 0)
        .Arg<float>("beta", "as of LRN", 0)
        .Arg<float>("bias", "as of LRN", 1)
        .Input(0, "X", "blocked tensor, [N, C, H, W]");

class BlockedLrnOp final : public BlockedOperator {
 public:
  explicit BlockedLrnOp(OperatorInit* init)
      : BlockedOperator(init),
        size_(init->GetSingleArgument<int>("size")),
        alpha_(init->GetSingleArgument<float>("alpha")),
        beta_(init->GetSingleArgument<float>("beta")),
        bias_(init->GetSingleArgument<float>("bias")) {
    if (size_ < 1) init->Fail(absl::InvalidArgumentError("size must be 1 or more channels"));
  }

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    if (changed) lrn_.Reset();
    if (!lrn_.IsFor({})) {
      DOPPIO_RETURN_IF_ERROR(CheckImage(0));
      DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
        target_ = desc(0);
        const dnnl::lrn_forward::primitive_desc primitive(
            {dnnl::prop_kind::forward_inference, dnnl::algorithm::lrn_across_channels, target_,
             size_, alpha_, beta_, bias_},
            DnnlAttributes(), DnnlEngine());
        return lrn_.Init(primitive, {{DNNL_ARG_SRC, target_}, {DNNL_ARG_DST, target_}});
      }));
    }
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    lrn_.Bind(0, data(0));
    lrn_.Bind(1, y->mutable_data());
    return lrn_.Execute();
  }

 private:
  const int size_;
  const float alpha_;
  const float beta_;
  const float bias_;
  dnnl::memory::desc target_;
  DnnlPrimitive lrn_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedLRN, BlockedLrnOp);
DOPPIO_NO_GRADIENT(BlockedLRN);

}  // namespace
}  // namespace doppio
