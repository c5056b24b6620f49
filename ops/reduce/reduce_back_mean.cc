#include "ops/reduce/front_back.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ReduceBackMean)
    .FillUsing([](OpSchema& schema) { StateFrontBackReduction(schema, false); })
    .Doc(R"DOC(
The mean of X over its last dimensions; of nothing it is 0.

Example: X [2,3] = [[1,2,3],[4,5,6]] gives Y [2] = [2,5]; with lengths [2,0] it gives [1.5,0].
)DOC");

DOPPIO_OPERATOR_SCHEMA(ReduceBackMeanGradient)
    .FillUsing([](OpSchema& schema) { StateFrontBackGradient(schema, false); })
    .Doc(
        "The gradient of ReduceBackMean: every element of X that counted gets the dY of its mean, "
        "divided by the number of those.");

DOPPIO_REGISTER_CPU_OPERATOR(ReduceBackMean, FrontBackOp<CPUContext, false, FrontBackKind::kMean>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceBackMeanGradient,
                             FrontBackGradientOp<CPUContext, false, FrontBackKind::kMean>);
DOPPIO_REGISTER_GRADIENT(ReduceBackMean, GetFrontBackGradient);

}  // namespace
}  // namespace doppio
