#include "ops/onnx/along_axis.h"
#include "src/kernel/channel_softmax.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(LogSoftmax)
    .Doc(R"DOC(
The logarithm of the softmax along one dimension: Y = X - log(sum(exp(X))), computed without overflow.

Example: X [2] = [0,0] gives Y [2] = [-0.6931472,-0.6931472].
)DOC")
    .FillUsing(StateAlongAxis);

struct LogSoftmaxFunction {
  template <typename T>
  static void Run(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
    ChannelLogSoftmax(x, groups, classes, positions, y);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LogSoftmax, AlongAxisOp<CPUContext, LogSoftmaxFunction>);
DOPPIO_NO_GRADIENT(LogSoftmax);

}  // namespace
}  // namespace doppio
