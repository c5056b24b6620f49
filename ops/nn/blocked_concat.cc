#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& concat_schema =
    OpSchemaRegistry::NewSchema("BlockedConcat", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) { StateBlocked(schema, "Concat", OpSchema::kMany); })
        .NumInputs(1, OpSchema::kMany)
        .Doc("Concat of blocked tensors.")
        .Arg<int>("axis", "the dimension along which the inputs are put together", 1)
        .Input(0, "X", "blocked tensors, equal in all other dimensions");

class BlockedConcatOp final : public BlockedOperator {
 public:
  explicit BlockedConcatOp(OperatorInit* init)
      : BlockedOperator(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    for (int i = 0; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Look(i, &changed));
    if (changed) concat_.Reset();
    if (!concat_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    concat_.Bind(0, y->mutable_data());
    for (int i = 0; i < InputSize(); ++i) concat_.Bind(i + 1, data(i));
    return concat_.Execute();
  }

 private:
  absl::Status Prepare() {
    std::vector<dnnl::memory::desc> sources;
    for (int i = 0; i < InputSize(); ++i) sources.push_back(desc(i));
    DOPPIO_ASSIGN_OR_RETURN(const int axis,
                            CanonicalAxis(axis_, static_cast<int>(sources[0].dims().size())));
    return CallDnnl([&] {
      const dnnl::concat::primitive_desc primitive(axis, sources, DnnlEngine(), DnnlAttributes());
      target_ = primitive.dst_desc();
      std::vector<DnnlPrimitive::Argument> arguments = {{DNNL_ARG_DST, target_}};
      for (size_t i = 0; i < sources.size(); ++i) {
        arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), sources[i]});
      }
      return concat_.Init(primitive, arguments);
    });
  }

  const int axis_;
  dnnl::memory::desc target_;
  DnnlPrimitive concat_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedConcat, BlockedConcatOp);
DOPPIO_NO_GRADIENT(BlockedConcat);

}  // namespace
}  // namespace doppio
