#include "ops/onnx/along_axis.h"
#include "src/kernel/channel_softmax.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(OnnxSoftmax)
    .Doc(R"DOC(
ONNX's Softmax since version 13: Y = exp(X) / sum(exp(X)), the sum being over one dimension alone.

Example: X [2,2] = [[0,1],[0,1]] and axis = 0 give [[0.5,0.5],[0.5,0.5]].
)DOC")
    .FillUsing(StateAlongAxis);

struct OnnxSoftmaxFunction {
  template <typename T>
  static void Run(const T* x, int64_t groups, int64_t classes, int64_t positions, T* y) {
    ChannelSoftmax(x, groups, classes, positions, y);
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxSoftmax, AlongAxisOp<CPUContext, OnnxSoftmaxFunction>);
DOPPIO_NO_GRADIENT(OnnxSoftmax);

}  // namespace
}  // namespace doppio
