#include "ops/reduce/reduce_extreme.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceMax, R"DOC(
The largest element of X along the dimensions `axes`; NaN wins. There must be one.

Example: X [2,3] = [[1,2,3],[4,5,6]] and axes = [0], keepdims = 0 give Y [3] = [4,5,6].
)DOC")
    .TakesPhantoms({0})
    .TensorInference(InferReduceExtreme);

DOPPIO_REDUCE_GRADIENT_SCHEMA(
    ReduceMaxGradient,
    "The gradient of ReduceMax: an element of X gets the dY of what it was "
    "reduced to if it is as large as that, else 0. float or double.")
    .Input(1, "X", "the forward operator's input")
    .Input(2, "Y", "its output, of the same type");

DOPPIO_REGISTER_CPU_OPERATOR(ReduceMax, ReduceExtremeOp<CPUContext, true>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceMaxGradient, ReduceExtremeGradientOp<CPUContext>);
DOPPIO_REDUCE_GRADIENT(ReduceMax);

}  // namespace
}  // namespace doppio
