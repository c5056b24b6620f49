#ifndef DOPPIO_OPS_LOSS_LOSS_SCALE_H_
#define DOPPIO_OPS_LOSS_LOSS_SCALE_H_

// The factor of a loss, and what else the losses after a softmax have in common.

#include <string>
#include <vector>

#include "doppio/arguments.h"
#include "doppio/gradient_maker.h"
#include "doppio/schema.h"

namespace doppio {

inline void StateScale(OpSchema& schema) {
  schema.Arg<float>("scale", "factor of the loss, at least 0", 1.0f);
}

// The argument `scale`; what is wrong with it is reported to the reader.
inline float ReadScale(ArgumentReader* reader) {
  const float scale = reader->GetSingleArgument<float>("scale");
  if (!(scale >= 0)) {
    reader->Fail(absl::InvalidArgumentError(absl::StrCat("scale is ", scale, ", must be >= 0")));
  }
  return scale;
}

// The arguments of losses after a softmax.
inline void StateLossScale(OpSchema& schema) {
  schema.FillUsing(StateScale)
      .Arg<std::string>("order", "must be NCHW", "NCHW")
      .OptionalArg<bool>("only_loss", "accepted and ignored");
}

// The argument `scale`; what is wrong with it, or with the order, is reported to the reader.
inline float ReadLossScale(ArgumentReader* reader) {
  const std::string order = reader->GetSingleArgument<std::string>("order");
  if (order != "NCHW") {
    reader->Fail(absl::UnimplementedError(
        absl::StrCat("order \"", order, "\" is not supported, only \"NCHW\"")));
  }
  return ReadScale(reader);
}

// TypeGradient(X, labels, weights, P, d loss) -> dX, with the weights where there are some.
class GetSoftmaxLossGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {I(0), I(1)};
    if (InputSize() == 3) inputs.push_back(I(2));
    inputs.push_back(O(0));
    inputs.push_back(GO(1));
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, {GI(0)});
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_LOSS_LOSS_SCALE_H_
