#include "doppio/op_def.h"
#include "ops/nn/conv_operator.h"

namespace doppio {
namespace {

constexpr const char* kDoc = R"DOC(
Convolution, as neural nets use the word: a filter slides over an image, and each place that it takes
gives one element of Y for each of the M filters,

    Y[n,m,o] = b[m] + sum over c, k of W[m,c,k] X[n,c, o * stride - pad + k * dilation]

(shown for one spatial dimension; there may be one to three). X beside the image counts as 0. With
`group` g, filters and channels are cut into g groups in order, and filters see only the channels of
their own group; g = C is a depthwise convolution. W says how many filters there are; the size of the
kernel must be given all the same, as W has it. The batch may be empty; other sizes may not be 0.

Example: X [1,3,227,227], W [64,3,3,3] and b [64] with kernel 3, stride 2 give Y [1,64,113,113].
)DOC";

constexpr const char* kGradientDoc =
    "The gradient of a convolution: dW from X and dY, db (the sum of dY over all but its "
    "channels), "
    "and dX from W and dY.";

void Forward(OpSchema& schema) {
  schema.Doc(kDoc);
  StateConv(schema, false);
}

void Backward(OpSchema& schema) {
  schema.Doc(kGradientDoc);
  StateConvGradient(schema, false);
}

class GetConvGradient final : public ConvGradientMaker {
 public:
  GetConvGradient(const OperatorDef& def, const std::vector<GradientWrapper>& g_output)
      : ConvGradientMaker(def, g_output, MakeArgument<int>("no_bias", 1)) {}
};

// Caffe2 has four names for one operator.
#define DOPPIO_CONV_(Type)                                                         \
  DOPPIO_OPERATOR_SCHEMA(Type).FillUsing(Forward);                                 \
  DOPPIO_OPERATOR_SCHEMA(Type##Gradient).FillUsing(Backward);                      \
  DOPPIO_REGISTER_CPU_OPERATOR(Type, ConvOp<CPUContext, false>);                   \
  DOPPIO_REGISTER_CPU_OPERATOR(Type##Gradient, ConvGradientOp<CPUContext, false>); \
  DOPPIO_REGISTER_GRADIENT(Type, GetConvGradient)
DOPPIO_CONV_(Conv);
DOPPIO_CONV_(Conv1D);
DOPPIO_CONV_(Conv2D);
DOPPIO_CONV_(Conv3D);
#undef DOPPIO_CONV_

}  // namespace
}  // namespace doppio
