#include "doppio/gradient_maker.h"
#include "ops/nn/blocked.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& prelu_schema =
    OpSchemaRegistry::NewSchema("BlockedPRelu", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) { StateBlocked(schema, "PRelu", 2); })
        .NumInputs(2)
        .AllowInplace({{0, 0}})
        .Doc("PRelu, order NCHW, of a blocked tensor.")
        .Input(0, "X", "blocked tensor, [N, C, spatial...]")
        .Input(1, "slope", "vector of 1 or C");

class BlockedPReluOp final : public BlockedOperator {
 public:
  explicit BlockedPReluOp(OperatorInit* init) : BlockedOperator(init) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    DOPPIO_RETURN_IF_ERROR(Look(1, &changed));
    if (changed || !prelu_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    prelu_.Bind(0, data(0));
    prelu_.Bind(1, data(1));
    prelu_.Bind(2, y->mutable_data());
    return prelu_.Execute();
  }

 private:
  absl::Status Prepare() {
    Dims slopes(dims(0).size(), 1);
    slopes[1] = SizeFromDim(dims(1), 0);
    if (slopes[1] != 1 && slopes[1] != dims(0)[1]) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are ", slopes[1], " slopes, must be one or ", dims(0)[1]));
    }
    return CallDnnl([&] {
      target_ = desc(0);
      const dnnl::memory::desc weights = DnnlRowMajor(slopes);
      const dnnl::prelu_forward::primitive_desc primitive(
          {dnnl::prop_kind::forward_inference, target_, weights}, DnnlAttributes(), DnnlEngine());
      return prelu_.Init(
          primitive,
          {{DNNL_ARG_SRC, target_}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, target_}});
    });
  }

  dnnl::memory::desc target_;
  DnnlPrimitive prelu_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedPRelu, BlockedPReluOp);
DOPPIO_NO_GRADIENT(BlockedPRelu);

}  // namespace
}  // namespace doppio
