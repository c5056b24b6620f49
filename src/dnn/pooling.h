#ifndef DOPPIO_DNN_POOLING_H_
#define DOPPIO_DNN_POOLING_H_

// Pools of plain tensors: float with the channels last in oneDNN, the rest (and where oneDNN lacks
// the geometry) in loops of our own.

#include "doppio/context.h"
#include "doppio/status.h"
#include "src/dnn/onednn.h"
#include "src/dnn/window.h"
#include "src/kernel/pooling_loops.h"

namespace doppio {

enum class PoolKind { kMax, kAverage };

// What oneDNN calls the parts of a pool, in the layouts of plain tensors.
struct DnnlPool {
  DnnlPool(const Window& window, PoolKind kind, bool count_include_pad);

  dnnl::algorithm algorithm;
  dnnl::memory::desc x;
  dnnl::memory::desc y;
  dnnl::memory::dims kernel;
  dnnl::memory::dims stride;
  dnnl::memory::dims pad_head;
  dnnl::memory::dims pad_tail;
};
// Whether it can, and gives what Caffe2 does.
bool DnnlHasPool(const Window& window);

PlainPool ToPlainPool(const Window& window);

// Computes Y from X. Belongs to one operator.
class Pooling {
 public:
  Pooling(PoolKind kind, bool count_include_pad)
      : kind_(kind), count_include_pad_(count_include_pad) {}

  template <typename T>
  absl::Status Forward(const Window& window, const T* x, T* y, CPUContext* context);

 private:
  absl::Status ForwardDnnl(const Window& window, const float* x, float* y);

  const PoolKind kind_;
  const bool count_include_pad_;
  DnnlPrimitive primitive_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_POOLING_H_
