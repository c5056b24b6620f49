#include "ops/reduce/front_back.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ReduceFrontMean)
    .FillUsing([](OpSchema& schema) { StateFrontBackReduction(schema, true); })
    .Doc(R"DOC(
The mean of X over its first dimensions; of nothing it is 0.

Example: X [2,3] = [[1,2,3],[5,6,7]] gives Y [3] = [3,4,5]; with lengths [2,1,0] it gives [3,2,0].
)DOC");

DOPPIO_OPERATOR_SCHEMA(ReduceFrontMeanGradient)
    .FillUsing([](OpSchema& schema) { StateFrontBackGradient(schema, true); })
    .Doc(
        "The gradient of ReduceFrontMean: every element of X that counted gets the dY of its mean, "
        "divided by the number of those.");

DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontMean, FrontBackOp<CPUContext, true, FrontBackKind::kMean>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontMeanGradient,
                             FrontBackGradientOp<CPUContext, true, FrontBackKind::kMean>);
DOPPIO_REGISTER_GRADIENT(ReduceFrontMean, GetFrontBackGradient);

}  // namespace
}  // namespace doppio
