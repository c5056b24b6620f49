#include "ops/nn/conv_operator.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ConvRelu)
    .Doc(
        "Conv and then Relu: what the convolution gives, and 0 where that is below 0. It has no "
        "gradient; Caffe2 made it of trained nets alone.")
    .FillUsing([](OpSchema& schema) { StateConv(schema, false); });

DOPPIO_REGISTER_CPU_OPERATOR(ConvRelu, ConvOp<CPUContext, false, true>);

}  // namespace
}  // namespace doppio
