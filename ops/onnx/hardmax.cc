#include "ops/onnx/along_axis.h"
#include "src/kernel/channel_softmax.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Hardmax)
    .Doc(R"DOC(
1 where the largest element along one dimension stands, the first one of equal ones, and 0 elsewhere.
NaN counts as larger than any number.

Example: X [2,3] = [[1,5,5],[7,0,2]] gives [[0,1,0],[1,0,0]].
)DOC")
    .FillUsing(StateAlongAxis);

struct HardmaxFunction {
  template <typename T>
  static void Run(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
    ChannelHardmax(x, groups, classes, positions, y);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Hardmax, AlongAxisOp<CPUContext, HardmaxFunction>);
DOPPIO_NO_GRADIENT(Hardmax);

}  // namespace
}  // namespace doppio
