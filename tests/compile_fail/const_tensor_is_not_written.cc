// expected: discards qualifiers|const
#include <doppio/tensor.h>

float* Data(doppio::Tensor* tensor, const doppio::Tensor& constant) {
#ifdef MUST_NOT_COMPILE
  return constant.mutable_data<float>();
#endif
  (void)constant;
  return tensor->mutable_data<float>();
}
