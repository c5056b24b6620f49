#ifndef DOPPIO_OPS_NN_BLOCKED_H_
#define DOPPIO_OPS_NN_BLOCKED_H_

// Operators that keep their results as oneDNN likes them best, so that nothing is laid out anew
// between one convolution and the next. OptimizeNet (doppio/optimize.h) puts them into nets in the
// place of the operators whose name follows "Blocked", and FromBlocked where the others read.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "doppio/operator.h"
#include "doppio/registry.h"
#include "doppio/tensor.h"
#include "ops/nn/onednn.h"

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

 private:
  struct Packed {
    dnnl::memory::desc desc;
    std::shared_ptr<const Tensor> data;
  };

  Dims dims_;
  mutable std::mutex mutex_;
  // The layouts so far. The one that the weights came in goes when there is another.
  mutable std::vector<Packed> packed_;
};

// "Relu" for "BlockedRelu".
std::string PlainType(const std::string& blocked_type);

// What the schemas of such operators have in common: inputs of any type of blob, inference and
// operations as those of `type`, of which the first `inputs` inputs are.
void StateBlocked(OpSchema& schema, const std::string& type, int inputs);

// The base of operators of blocked tensors. Inputs may be tensors, too.
class BlockedOperator : public Operator<CPUContext> {
 public:
  explicit BlockedOperator(OperatorInit* init)
      : Operator<CPUContext>(init), inputs_(static_cast<size_t>(InputSize())) {}

 protected:
  // Looks at input i, which must be a blocked tensor or a float tensor; *changed becomes true where
  // its layout or shape is another than the last time.
  absl::Status Look(int i, bool* changed);
  // What input i looked like. `desc` is row-major for a tensor.
  const dnnl::memory::desc& desc(int i) const { return inputs_[i].desc; }
  const void* data(int i) const { return inputs_[i].data; }
  bool IsPlain(int i) const { return inputs_[i].is_plain; }
  Dims dims(int i) const;
  // InvalidArgument unless input i has 1 to 3 spatial dimensions.
  absl::Status CheckImage(int i) const;

  absl::StatusOr<BlockedTensor*> BlockedOutput(const dnnl::memory::desc& desc);

 private:
  struct In {
    dnnl::memory::desc desc;
    Dims dims;  // where it is a tensor
    const void* data = nullptr;
    bool is_plain = false;
  };
  std::vector<In> inputs_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_BLOCKED_H_
