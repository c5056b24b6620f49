#ifndef DOPPIO_OPS_NN_BLOCKED_OPERATOR_H_
#define DOPPIO_OPS_NN_BLOCKED_OPERATOR_H_

// Operators that keep their results as oneDNN likes them best, so that nothing is laid out anew
// between one convolution and the next. OptimizeNet (doppio/optimize.h) puts them into nets in the
// place of the operators whose name follows "Blocked", and FromBlocked where the others read.

#include <memory>
#include <string>
#include <vector>

#include "doppio/operator.h"
#include "doppio/registry.h"
#include "src/dnn/blocked_tensor.h"
#include "src/dnn/channel_slice.h"

namespace doppio {

// "Relu" for "BlockedRelu".
std::string PlainType(const std::string& blocked_type);

// What the schemas of such operators have in common: inputs of any type of blob, inference and
// operations as those of `type`, of which the first `inputs` inputs are.
void StateBlocked(OpSchema& schema, const std::string& type, int inputs);

// `read_channels` and `read_from_channels`: an operator may read a part of its inputs, some
// channels.
void StateInputSlices(OpSchema& schema);
// Input i's dimensions where it has `dims`: those of the part that is read.
Dims DimsRead(const OperatorDef& def, int i, DimsView dims);

// The base of operators of blocked tensors. Inputs may be tensors, too.
class BlockedOperator : public Operator<CPUContext> {
 public:
  explicit BlockedOperator(OperatorInit* init);

 protected:
  // Looks at input i, which must be a blocked tensor or a float tensor; *changed becomes true where
  // its layout or shape is another than the last time. Of an input of which a part is read, what is
  // said below is said of that part.
  absl::Status Look(int i, bool* changed);
  // What input i looked like. `desc` is row-major for a tensor.
  const dnnl::memory::desc& desc(int i) const { return inputs_[i].desc; }
  const void* data(int i) const { return inputs_[i].data; }
  bool IsPlain(int i) const { return inputs_[i].is_plain; }
  Dims dims(int i) const;
  // InvalidArgument unless input i has 1 to 3 spatial dimensions.
  absl::Status CheckImage(int i) const;

  absl::StatusOr<BlockedTensor*> BlockedOutput(const dnnl::memory::desc& desc);
  // The output with the elements of input i in it, of whose shape it is: without a copy where that
  // input is the output.
  absl::StatusOr<BlockedTensor*> CarriedOutput(int i, const dnnl::memory::desc& desc);

 private:
  struct In {
    std::unique_ptr<InputSlice> slice;  // null where all is read
    dnnl::memory::desc whole;           // what the blob holds
    dnnl::memory::desc desc;            // what is read of it
    Dims dims;                          // of the blob, where it is a tensor
    const void* data = nullptr;
    bool is_plain = false;
  };
  absl::Status LookAtTensor(int i, bool* changed);
  // To be called inside CallDnnl.
  static absl::Status ReadWith(In* in, const dnnl::memory::desc& whole);

  std::vector<In> inputs_;
  dnnl::memory::desc carried_from_;
  dnnl::memory::desc carried_to_;
  DnnlPrimitive carry_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_BLOCKED_OPERATOR_H_
