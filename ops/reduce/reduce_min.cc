#include "ops/reduce/reduce_extreme.h"

namespace doppio {
namespace {

DOPPIO_REDUCE_SCHEMA(ReduceMin, R"DOC(
The smallest element of X along the dimensions `axes`; NaN wins. There must be one.

Example: X [2,3] = [[1,2,3],[4,5,6]] and axes = [0], keepdims = 0 give Y [3] = [1,2,3].
)DOC")
    .TakesPhantoms({0})
    .TensorInference(InferReduceExtreme);

DOPPIO_REDUCE_GRADIENT_SCHEMA(
    ReduceMinGradient,
    "The gradient of ReduceMin: an element of X gets the dY of what it was "
    "reduced to if it is as large as that, else 0. float or double.")
    .Input(1, "X", "the forward operator's input")
    .Input(2, "Y", "its output, of the same type");

DOPPIO_REGISTER_CPU_OPERATOR(ReduceMin, ReduceExtremeOp<CPUContext, false>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceMinGradient, ReduceExtremeGradientOp<CPUContext>);
DOPPIO_REDUCE_GRADIENT(ReduceMin);

}  // namespace
}  // namespace doppio
