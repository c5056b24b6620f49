#include "ops/reduce/arg_reduce.h"
#include "src/kernel/arg_reduce.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ArgMax).FillUsing(StateArgReduce).Doc(R"DOC(
Where the largest element along one dimension stands: the first one, if there are several. NaN counts
as larger than any number.

Example: X [2,3] = [[1,5,5],[7,0,2]] and axis = 1 give [2,1] = [[1],[0]].
)DOC");

struct ArgMaxFunction {
  template <typename T>
  void operator()(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y,
                  CPUContext* context) const {
    ArgMax(x, outer, n, inner, y, context);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ArgMax, ArgReduceOp<CPUContext, ArgMaxFunction>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ArgMax);

}  // namespace
}  // namespace doppio
