#include "doppio/op_def.h"
#include "ops/nn/conv_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ConvTranspose)
    .Doc(R"DOC(
The transposed convolution, which enlarges where Conv shrinks: every element of X puts a copy of the
filter, times itself, into Y,

    Y[n,m, o * stride - pad + k * dilation] = b[m] + sum over c, and over all o, k that meet, of W[c,m,k] X[n,c,o]

(shown for one spatial dimension; there may be one to three). It is the gradient, with respect to its
input, of the convolution with the same filter. Each spatial size of Y is
(size of X - 1) stride + (kernel - 1) dilation + 1 + adj - pads; `adj` is at most the stride. legacy_pad 1 and 2 mean no
pads. With `group` g, both channels are cut into g groups that have nothing in common.

Example: X [1,8,16,16], W [8,3,4,4] and b [3] with kernel 4, stride 2, pad 1 give Y [1,3,32,32].
)DOC")
    .FillUsing([](OpSchema& schema) { StateConv(schema, true); });

DOPPIO_OPERATOR_SCHEMA(ConvTransposeGradient)
    .Doc(
        "The gradient of ConvTranspose: dW from X and dY, db (the sum of dY over all but its "
        "channels), and dX, which is the convolution of dY with W.")
    .FillUsing([](OpSchema& schema) { StateConvGradient(schema, true); });

class GetConvTransposeGradient final : public ConvGradientMaker {
 public:
  GetConvTransposeGradient(const OperatorDef& def, const std::vector<GradientWrapper>& g_output)
      : ConvGradientMaker(def, g_output, MakeArgument<bool>("no_bias", true)) {}
};

DOPPIO_REGISTER_CPU_OPERATOR(ConvTranspose, ConvOp<CPUContext, true>);
DOPPIO_REGISTER_CPU_OPERATOR(ConvTransposeGradient, ConvGradientOp<CPUContext, true>);
DOPPIO_REGISTER_GRADIENT(ConvTranspose, GetConvTransposeGradient);

}  // namespace
}  // namespace doppio
