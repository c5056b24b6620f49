// OnnxMax and OnnxMin, which broadcast where Caffe2's Max and Min do not.

#include "ops/onnx/broadcast_operator.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

DOPPIO_ONNX_BROADCAST_SCHEMA(OnnxMax, R"DOC(
ONNX's Max of two tensors: the larger one of two elements, NaN where one of them is.

Example: A = [[1],[5]] and B = [2,3] give [[2,3],[5,5]].
)DOC",
                             "float, double, int32 or int64");
DOPPIO_ONNX_BROADCAST_SCHEMA(OnnxMin, R"DOC(
ONNX's Min of two tensors: the smaller one of two elements, NaN where one of them is.

Example: A = [[1],[5]] and B = [2,3] give [[1,1],[2,3]].
)DOC",
                             "float, double, int32 or int64");

template <bool kLargest>
struct ExtremeFunction {
  using Types = TypeList<float, double, int32_t, int64_t>;
  explicit ExtremeFunction(OperatorInit*) {}
  template <typename T>
  absl::Status operator()(const T* a, DimsView a_dims, const T* b, DimsView b_dims, T* c,
                          DimsView c_dims, CPUContext* context) const {
    (kLargest ? Max<T> : Min<T>)(a, a_dims, b, b_dims, c, c_dims, context);
    return absl::OkStatus();
  }
};
using OnnxMaxOp = OnnxBroadcastOp<CPUContext, ExtremeFunction<true>>;
using OnnxMinOp = OnnxBroadcastOp<CPUContext, ExtremeFunction<false>>;

DOPPIO_REGISTER_CPU_OPERATOR(OnnxMax, OnnxMaxOp);
DOPPIO_REGISTER_CPU_OPERATOR(OnnxMin, OnnxMinOp);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxMax);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxMin);

}  // namespace
}  // namespace doppio
