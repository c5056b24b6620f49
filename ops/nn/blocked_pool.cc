#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"
#include "ops/nn/window_arguments.h"
#include "src/dnn/pooling.h"

namespace doppio {
namespace {

OpSchema& State(OpSchema& schema, const std::string& type) {
  StateWindowArguments(schema, WindowUse::kPool);
  StateBlocked(schema, type, 1);
  return schema.NumInputs(1)
      .Doc(type + ", order NCHW, of a blocked tensor.")
      .Input(0, "X", "blocked tensor, [N, C, spatial...]");
}

[[maybe_unused]] const OpSchema& max_pool_schema =
    State(OpSchemaRegistry::NewSchema("BlockedMaxPool", __FILE__, __LINE__), "MaxPool");
[[maybe_unused]] const OpSchema& average_pool_schema =
    State(OpSchemaRegistry::NewSchema("BlockedAveragePool", __FILE__, __LINE__), "AveragePool")
        .Arg<bool>("count_include_pad", "whether padding counts in the divisor", false);

dnnl::algorithm AlgorithmOf(OperatorInit* init) {
  if (init->def().type() == "BlockedMaxPool") return dnnl::algorithm::pooling_max;
  return init->GetSingleArgument<bool>("count_include_pad")
             ? dnnl::algorithm::pooling_avg_include_padding
             : dnnl::algorithm::pooling_avg_exclude_padding;
}

class BlockedPoolOp final : public BlockedOperator {
 public:
  explicit BlockedPoolOp(OperatorInit* init)
      : BlockedOperator(init),
        settings_(ReadWindowArguments(init, WindowUse::kPool)),
        algorithm_(AlgorithmOf(init)) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    if (changed) pool_.Reset();
    if (!pool_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    pool_.Bind(0, data(0));
    pool_.Bind(1, y->mutable_data());
    return pool_.Execute();
  }

 private:
  absl::Status Prepare() {
    DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceWindow(settings_, dims(0)));
    DOPPIO_ASSIGN_OR_RETURN(const Dims out, PooledDims(window));
    if (!DnnlHasPool(window)) {
      return absl::UnimplementedError("oneDNN has no such window; run the net without optimizing");
    }
    return CallDnnl([&] {
      const dnnl::memory::desc any = DnnlAnyLayout(DnnlRowMajor(out));
      const dnnl::pooling_forward::primitive_desc primitive(
          {dnnl::prop_kind::forward_inference, algorithm_, desc(0), any, DnnlDims(window.stride),
           DnnlDims(window.kernel), DnnlDims(window.pad_head), DnnlDims(window.pad_tail)},
          DnnlAttributes(), DnnlEngine());
      target_ = primitive.dst_desc();
      return pool_.Init(primitive, {{DNNL_ARG_SRC, desc(0)}, {DNNL_ARG_DST, target_}});
    });
  }

  const WindowSettings settings_;
  const dnnl::algorithm algorithm_;
  dnnl::memory::desc target_;
  DnnlPrimitive pool_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedMaxPool, BlockedPoolOp);
DOPPIO_REGISTER_CPU_OPERATOR(BlockedAveragePool, BlockedPoolOp);
DOPPIO_NO_GRADIENT(BlockedMaxPool);
DOPPIO_NO_GRADIENT(BlockedAveragePool);

}  // namespace
}  // namespace doppio
