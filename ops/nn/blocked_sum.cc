#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& sum_schema =
    OpSchemaRegistry::NewSchema("BlockedSum", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) { StateBlocked(schema, "Sum", OpSchema::kMany); })
        .NumInputs(1, OpSchema::kMany)
        .AllowInplace({{0, 0}})
        .Doc("Sum of blocked tensors.")
        .Input(0, "X", "blocked tensors of one shape");

class BlockedSumOp final : public BlockedOperator {
 public:
  explicit BlockedSumOp(OperatorInit* init) : BlockedOperator(init) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    for (int i = 0; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Look(i, &changed));
    if (changed) sum_.Reset();
    if (!sum_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    sum_.Bind(0, y->mutable_data());
    for (int i = 0; i < InputSize(); ++i) sum_.Bind(i + 1, data(i));
    return sum_.Execute();
  }

 private:
  absl::Status Prepare() {
    std::vector<dnnl::memory::desc> sources;
    for (int i = 0; i < InputSize(); ++i) {
      sources.push_back(desc(i));
      if (dims(i) != dims(0)) {
        return absl::InvalidArgumentError(absl::StrCat("the inputs must have one shape, but are ",
                                                       ShapeToString(dims(0)), " and ",
                                                       ShapeToString(dims(i))));
      }
    }
    const std::vector<float> scales(sources.size(), 1);
    return CallDnnl([&] {
      // In the layout of the first input: it may be the output as well.
      target_ = sources[0];
      const dnnl::sum::primitive_desc primitive(target_, scales, sources, DnnlEngine(),
                                                DnnlAttributes());
      std::vector<DnnlPrimitive::Argument> arguments = {{DNNL_ARG_DST, target_}};
      for (size_t i = 0; i < sources.size(); ++i) {
        arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), sources[i]});
      }
      return sum_.Init(primitive, arguments);
    });
  }

  dnnl::memory::desc target_;
  DnnlPrimitive sum_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedSum, BlockedSumOp);
DOPPIO_NO_GRADIENT(BlockedSum);

}  // namespace
}  // namespace doppio
