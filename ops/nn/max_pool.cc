#include "ops/nn/pool_operator.h"

namespace doppio {
namespace {

constexpr const char* kDoc = R"DOC(
Y[n,c,o] is the largest number that a window sees which begins at o * stride - pad in each spatial
dimension. Padding is smaller than anything: a window that sees nothing else (possible with legacy_pad
3) gives the lowest finite number. NaN is passed over. The batch may be empty; other sizes may not
be 0.

Example: X [1,64,112,112] with kernel 3, stride 2 gives Y [1,64,55,55], with legacy_pad 3
[1,64,56,56].
)DOC";

constexpr const char* kGradientDoc =
    "The gradient of MaxPool: each element of dY goes to all those of X in its window that are "
    "equal "
    "to Y's, also where there are several.";

void Forward(OpSchema& schema) {
  schema.Doc(kDoc);
  StatePool(schema, PoolKind::kMax);
}

void Backward(OpSchema& schema) {
  schema.Doc(kGradientDoc);
  StatePoolGradient(schema, PoolKind::kMax);
}

DOPPIO_POOL_OPERATORS(MaxPool, PoolKind::kMax, Forward, Backward);

}  // namespace
}  // namespace doppio
