#include "ops/nn/pool_operator.h"

namespace doppio {
namespace {

constexpr const char* kDoc = R"DOC(
Y[n,c,o] is the mean of what a window sees of the image which begins at o * stride - pad in each
spatial dimension: the sum divided by the number of elements that are no padding, or with
`count_include_pad` by the size of the window. A window that sees padding alone (possible with
legacy_pad 3) gives NaN, 0 with `count_include_pad`. The batch may be empty; other sizes may not be 0.

Example: X [1,1000,14,14] with global_pooling gives Y [1,1000,1,1].
)DOC";

constexpr const char* kGradientDoc =
    "The gradient of AveragePool: each element of dY, divided by what its mean was divided by, "
    "goes "
    "to all elements of X in its window.";

void Forward(OpSchema& schema) {
  schema.Doc(kDoc);
  StatePool(schema, PoolKind::kAverage);
}

void Backward(OpSchema& schema) {
  schema.Doc(kGradientDoc);
  StatePoolGradient(schema, PoolKind::kAverage);
}

DOPPIO_POOL_OPERATORS(AveragePool, PoolKind::kAverage, Forward, Backward);

}  // namespace
}  // namespace doppio
