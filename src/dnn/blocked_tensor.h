#ifndef DOPPIO_DNN_BLOCKED_TENSOR_H_
#define DOPPIO_DNN_BLOCKED_TENSOR_H_

#include "doppio/tensor.h"
#include "src/dnn/onednn.h"

namespace doppio {

// A float tensor in any of oneDNN's layouts. Its dimensions are [N, C, spatial...].
class BlockedTensor {
 public:
  const dnnl::memory::desc& desc() const { return desc_; }
  const void* data() const { return storage_.raw_data(); }
  void* mutable_data() { return storage_.raw_mutable_data(); }

  // Elements are unspecified afterwards, unless layout and shape stay.
  absl::Status Resize(const dnnl::memory::desc& desc);

 private:
  dnnl::memory::desc desc_;
  Tensor storage_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_BLOCKED_TENSOR_H_
