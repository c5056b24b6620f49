#ifndef DOPPIO_DNN_OPERAND_H_
#define DOPPIO_DNN_OPERAND_H_

#include "src/dnn/onednn.h"

namespace doppio {

// An operand of a primitive, which may want another layout than tensors have.
class DnnlOperand {
 public:
  // `slot` is that of the scratch memory for the copy in the other layout. May throw oneDNN's
  // exceptions: call it inside CallDnnl.
  absl::Status InitInput(const dnnl::memory::desc& tensor, const dnnl::memory::desc& wanted,
                         int slot);
  absl::Status InitOutput(const dnnl::memory::desc& tensor, const dnnl::memory::desc& wanted,
                          int slot);

  // What the primitive reads for the tensor at `data`.
  absl::StatusOr<const void*> Read(const void* data);
  // Where the primitive writes for the tensor at `data`; then Write(data) brings it there.
  absl::StatusOr<void*> Target(void* data);
  absl::Status Write(void* data);

 private:
  absl::Status Init(const dnnl::memory::desc& from, const dnnl::memory::desc& to, int64_t bytes,
                    int slot);

  bool same_ = true;  // the layouts are
  int slot_ = 0;
  int64_t bytes_ = 0;  // of the copy
  DnnlPrimitive reorder_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_OPERAND_H_
