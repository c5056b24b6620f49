#ifndef DOPPIO_OPS_NN_BLOCKED_OPERATOR_H_
#define DOPPIO_OPS_NN_BLOCKED_OPERATOR_H_

// Operators that keep their results as oneDNN likes them best, so that nothing is laid out anew
// between one convolution and the next. OptimizeNet (doppio/optimize.h) puts them into nets in the
// place of the operators whose name follows "Blocked", and FromBlocked where the others read.

#include <string>
#include <vector>

#include "doppio/operator.h"
#include "doppio/registry.h"
#include "src/dnn/blocked_tensor.h"

namespace doppio {

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

#endif  // DOPPIO_OPS_NN_BLOCKED_OPERATOR_H_
