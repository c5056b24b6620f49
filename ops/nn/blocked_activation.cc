#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_arguments.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

OpSchema& State(OpSchema& schema, const std::string& type) {
  StateBlocked(schema, type, 1);
  return schema.NumInputs(1)
      .AllowInplace({{0, 0}})
      .Doc(type + " of a blocked tensor.")
      .OptionalArg<float>("alpha", "as of " + type)
      .OptionalArg<float>("min", "as of " + type)
      .OptionalArg<float>("max", "as of " + type)
      .Input(0, "X", "blocked tensor");
}

class BlockedActivationOp final : public BlockedOperator {
 public:
  explicit BlockedActivationOp(OperatorInit* init)
      : BlockedOperator(init), activation_(ActivationOf(PlainType(def().type()), init)) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    if (changed) eltwise_.Reset();
    if (!eltwise_.IsFor({})) {
      DOPPIO_RETURN_IF_ERROR(CallDnnl([&] {
        target_ = desc(0);
        const dnnl::eltwise_forward::primitive_desc primitive(
            {dnnl::prop_kind::forward_inference, activation_.algorithm, target_, activation_.alpha,
             activation_.beta},
            DnnlAttributes(), DnnlEngine());
        return eltwise_.Init(primitive, {{DNNL_ARG_SRC, target_}, {DNNL_ARG_DST, target_}});
      }));
    }
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    eltwise_.Bind(0, data(0));
    eltwise_.Bind(1, y->mutable_data());
    return eltwise_.Execute();
  }

 private:
  const DnnlActivation activation_;
  dnnl::memory::desc target_;
  DnnlPrimitive eltwise_;
};

#define DOPPIO_BLOCKED_ACTIVATION(Type)                                               \
  [[maybe_unused]] const OpSchema& Type##_schema =                                    \
      State(OpSchemaRegistry::NewSchema("Blocked" #Type, __FILE__, __LINE__), #Type); \
  DOPPIO_REGISTER_CPU_OPERATOR(Blocked##Type, BlockedActivationOp);                   \
  DOPPIO_NO_GRADIENT(Blocked##Type)

DOPPIO_BLOCKED_ACTIVATION(Relu);
DOPPIO_BLOCKED_ACTIVATION(LeakyRelu);
DOPPIO_BLOCKED_ACTIVATION(Clip);
DOPPIO_BLOCKED_ACTIVATION(Sigmoid);
DOPPIO_BLOCKED_ACTIVATION(Tanh);
DOPPIO_BLOCKED_ACTIVATION(Elu);

}  // namespace
}  // namespace doppio
