#include "ops/reduce/front_back.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ReduceFrontSum)
    .FillUsing([](OpSchema& schema) { StateFrontBackReduction(schema, true); })
    .Doc(R"DOC(
The sum of X over its first dimensions.

Example: X [2,3] = [[1,2,3],[4,5,6]] gives Y [3] = [5,7,9]; with lengths [2,1,0] it gives [5,2,0].
)DOC");

DOPPIO_OPERATOR_SCHEMA(ReduceFrontSumGradient)
    .FillUsing([](OpSchema& schema) { StateFrontBackGradient(schema, true); })
    .Doc("The gradient of ReduceFrontSum: every element of X that counted gets the dY of its sum.");

DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontSum, FrontBackOp<CPUContext, true, FrontBackKind::kSum>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceFrontSumGradient,
                             FrontBackGradientOp<CPUContext, true, FrontBackKind::kSum>);
DOPPIO_REGISTER_GRADIENT(ReduceFrontSum, GetFrontBackGradient);

}  // namespace
}  // namespace doppio
