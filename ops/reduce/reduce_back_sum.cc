#include "ops/reduce/front_back.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ReduceBackSum)
    .FillUsing([](OpSchema& schema) { StateFrontBackReduction(schema, false); })
    .Doc(R"DOC(
The sum of X over its last dimensions.

Example: X [2,3] = [[1,2,3],[4,5,6]] gives Y [2] = [6,15]; with lengths [2,0] it gives [3,0].
)DOC");

DOPPIO_OPERATOR_SCHEMA(ReduceBackSumGradient)
    .FillUsing([](OpSchema& schema) { StateFrontBackGradient(schema, false); })
    .Doc("The gradient of ReduceBackSum: every element of X that counted gets the dY of its sum.");

DOPPIO_REGISTER_CPU_OPERATOR(ReduceBackSum, FrontBackOp<CPUContext, false, FrontBackKind::kSum>);
DOPPIO_REGISTER_CPU_OPERATOR(ReduceBackSumGradient,
                             FrontBackGradientOp<CPUContext, false, FrontBackKind::kSum>);
DOPPIO_REGISTER_GRADIENT(ReduceBackSum, GetFrontBackGradient);

}  // namespace
}  // namespace doppio
