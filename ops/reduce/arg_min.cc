#include "src/kernel/arg_min.h"

#include "ops/reduce/arg_reduce.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ArgMin).FillUsing(StateArgReduce).Doc(R"DOC(
Where the smallest element along one dimension stands: the first one, if there are several. NaN
counts as smaller than any number.

Example: X [2,3] = [[5,1,1],[0,7,2]] and axis = 1 give [2,1] = [[1],[0]].
)DOC");

struct ArgMinFunction {
  template <typename T>
  void operator()(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y,
                  CPUContext* context) const {
    ArgMin(x, outer, n, inner, y, context);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ArgMin, ArgReduceOp<CPUContext, ArgMinFunction>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ArgMin);

}  // namespace
}  // namespace doppio
