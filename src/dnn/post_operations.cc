#include "src/dnn/post_operations.h"

namespace doppio {

dnnl::primitive_attr PostOperations::Attributes() const {
  dnnl::post_ops post;
  if (has_sum_) post.append_sum();
  if (activation_.algorithm != dnnl::algorithm::undef) {
    post.append_eltwise(1, activation_.algorithm, activation_.alpha, activation_.beta);
  }
  dnnl::primitive_attr attributes = DnnlAttributes();
  attributes.set_post_ops(post);
  return attributes;
}

}  // namespace doppio
