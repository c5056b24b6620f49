#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& spatial_bn_schema =
    OpSchemaRegistry::NewSchema("BlockedSpatialBN", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) { StateBlocked(schema, "SpatialBN", 5); })
        .NumInputs(5)
        .AllowInplace({{0, 0}})
        .Doc("SpatialBN with is_test, order NCHW, of a blocked tensor.")
        .Arg<float>("epsilon", "as of SpatialBN", 1e-5f)
        .OptionalArg<std::string>("activation", "what is done to the result then: Relu")
        .Input(0, "X", "blocked tensor, [N, C, spatial...]")
        .Input(1, "scale", "vector of C")
        .Input(2, "bias", "vector of C")
        .Input(3, "mean", "vector of C")
        .Input(4, "var", "vector of C");

class BlockedSpatialBnOp final : public BlockedOperator {
 public:
  explicit BlockedSpatialBnOp(OperatorInit* init)
      : BlockedOperator(init), epsilon_(init->GetSingleArgument<float>("epsilon")) {
    const auto activation = init->GetSingleArgument<std::string>("activation", "");
    has_relu_ = activation == "Relu";
    if (!has_relu_ && !activation.empty()) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there is no activation \"", activation, "\" for SpatialBN")));
    }
  }

  absl::Status RunOnDevice() override {
    bool changed = false;
    for (int i = 0; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Look(i, &changed));
    if (changed) normalise_.Reset();
    if (!normalise_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(target_));
    for (int i = 0; i < InputSize(); ++i) normalise_.Bind(i, data(i));
    normalise_.Bind(InputSize(), y->mutable_data());
    return normalise_.Execute();
  }

 private:
  absl::Status Prepare() {
    DOPPIO_RETURN_IF_ERROR(CheckImage(0));
    for (int i = 1; i < InputSize(); ++i) {
      if (dims(i) != Dims{dims(0)[1]}) {
        return absl::InvalidArgumentError(absl::StrCat(
            DescribeInput(i), " must be a vector of the ", dims(0)[1], " channels of X"));
      }
    }
    using Flags = dnnl::normalization_flags;
    const Flags relu = has_relu_ ? Flags::fuse_norm_relu : Flags::none;
    return CallDnnl([&] {
      target_ = desc(0);
      const dnnl::batch_normalization_forward::primitive_desc primitive(
          {dnnl::prop_kind::forward_inference, target_, epsilon_,
           Flags::use_global_stats | Flags::use_scale | Flags::use_shift | relu},
          DnnlAttributes(), DnnlEngine());
      const dnnl::memory::desc vector = DnnlRowMajor(dims(1));
      return normalise_.Init(primitive, {{DNNL_ARG_SRC, target_},
                                         {DNNL_ARG_SCALE, vector},
                                         {DNNL_ARG_SHIFT, vector},
                                         {DNNL_ARG_MEAN, vector},
                                         {DNNL_ARG_VARIANCE, vector},
                                         {DNNL_ARG_DST, target_}});
    });
  }

  const float epsilon_;
  bool has_relu_ = false;
  dnnl::memory::desc target_;
  DnnlPrimitive normalise_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedSpatialBN, BlockedSpatialBnOp);
DOPPIO_NO_GRADIENT(BlockedSpatialBN);

}  // namespace
}  // namespace doppio
