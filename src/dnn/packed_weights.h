#ifndef DOPPIO_DNN_PACKED_WEIGHTS_H_
#define DOPPIO_DNN_PACKED_WEIGHTS_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
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

  // The weights in a form of the caller's, whose name says all that it depends on; `make` makes it
  // of row-major weights. It is kept beside a layout of the above, which it does not replace.
  absl::StatusOr<std::shared_ptr<const Tensor>> GetForm(
      const std::string& name, const dnnl::memory::desc& plain,
      absl::FunctionRef<absl::Status(const float* w, Tensor* to)> make) const;

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
  mutable std::map<std::string, std::shared_ptr<const Tensor>> forms_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_PACKED_WEIGHTS_H_
