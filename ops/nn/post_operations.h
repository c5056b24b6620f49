#ifndef DOPPIO_OPS_NN_POST_OPERATIONS_H_
#define DOPPIO_OPS_NN_POST_OPERATIONS_H_

// What oneDNN may do to the result of a convolution while it writes it: add another tensor, then
// apply an activation. OptimizeNet puts these into the arguments of BlockedConv.

#include <string>

#include "doppio/operator.h"
#include "ops/nn/onednn.h"

namespace doppio {

void StatePostOperations(OpSchema& schema);

// An element by element function of oneDNN.
struct DnnlActivation {
  dnnl::algorithm algorithm = dnnl::algorithm::undef;
  float alpha = 0;
  float beta = 0;
};

// The function that the operator `type` (Relu, Clip, ...) with these arguments computes; the
// algorithm is undef where oneDNN has none.
DnnlActivation ActivationOf(const std::string& type, ArgumentReader* args);

class PostOperations {
 public:
  // Reads the arguments `sum` and `activation`, and the arguments of the activation.
  explicit PostOperations(OperatorInit* init);

  bool has_sum() const { return has_sum_; }

  dnnl::primitive_attr Attributes() const;

 private:
  bool has_sum_;
  DnnlActivation activation_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_POST_OPERATIONS_H_
