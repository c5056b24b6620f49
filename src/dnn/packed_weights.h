#ifndef DOPPIO_DNN_PACKED_WEIGHTS_H_
#define DOPPIO_DNN_PACKED_WEIGHTS_H_

#include <memory>
#include <mutex>
#include <vector>

#include "doppio/tensor.h"
#include "src/dnn/onednn.h"

namespace doppio {

// The weights of a convolution, in the layouts that were asked for. Several operators, in several
// threads, may share one.
class PackedWeights {
 public:
  // Takes them over, stored row-major.
  void Set(Tensor plain);
  // The dimensions that the weights were set with.
  const Dims& dims() const { return dims_; }

  // The weights laid out as `wanted`. `plain` is how those of Set are laid out. What is returned
  // lives as long as somebody holds it.
  absl::StatusOr<std::shared_ptr<const Tensor>> Get(const dnnl::memory::desc& plain,
                                                    const dnnl::memory::desc& wanted) const;

  // Filters [M, C, 3, 3], transformed for ConvolveWinograd (src/kernel/winograd.h): four times as
  // much, beside a layout of the above, from which they could not be told to the bit.
  absl::StatusOr<std::shared_ptr<const Tensor>> GetWinograd(const dnnl::memory::desc& plain) const;

 private:
  struct Packed {
    dnnl::memory::desc desc;
    std::shared_ptr<const Tensor> data;
  };

  // Get, while mutex_ is held.
  absl::StatusOr<std::shared_ptr<const Tensor>> Find(const dnnl::memory::desc& plain,
                                                     const dnnl::memory::desc& wanted) const;

  Dims dims_;
  mutable std::mutex mutex_;
  // The layouts so far. The one that the weights came in goes when there is another.
  mutable std::vector<Packed> packed_;
  mutable std::shared_ptr<const Tensor> winograd_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_PACKED_WEIGHTS_H_
