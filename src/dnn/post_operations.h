#ifndef DOPPIO_DNN_POST_OPERATIONS_H_
#define DOPPIO_DNN_POST_OPERATIONS_H_

// What oneDNN may do to the result of a convolution while it writes it: add another tensor, then
// apply an activation.

#include "src/dnn/onednn.h"

namespace doppio {

// An element by element function of oneDNN.
struct DnnlActivation {
  dnnl::algorithm algorithm = dnnl::algorithm::undef;
  float alpha = 0;
  float beta = 0;
};

class PostOperations {
 public:
  // No activation where its algorithm is undef.
  PostOperations(bool has_sum, const DnnlActivation& activation)
      : has_sum_(has_sum), activation_(activation) {}

  bool has_sum() const { return has_sum_; }
  const DnnlActivation& activation() const { return activation_; }

  dnnl::primitive_attr Attributes() const;

 private:
  bool has_sum_;
  DnnlActivation activation_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_POST_OPERATIONS_H_
