#include "ops/nn/post_operations.h"

#include <limits>

namespace doppio {

void StatePostOperations(OpSchema& schema) {
  schema.Arg<bool>("sum", "whether a tensor of the result's shape is added", false)
      .OptionalArg<std::string>("activation",
                                "what is done to the result then: Relu, LeakyRelu, Clip, Sigmoid, "
                                "Tanh or Elu")
      .OptionalArg<float>("alpha", "of LeakyRelu and Elu, as there")
      .OptionalArg<float>("min", "of Clip, as there")
      .OptionalArg<float>("max", "of Clip, as there");
}

DnnlActivation ActivationOf(const std::string& type, ArgumentReader* args) {
  using Algorithm = dnnl::algorithm;
  if (type == "Relu") return {Algorithm::eltwise_relu, 0, 0};
  if (type == "LeakyRelu") {
    return {Algorithm::eltwise_relu, args->GetSingleArgument<float>("alpha", 0.01f), 0};
  }
  if (type == "Clip") {
    return {Algorithm::eltwise_clip,
            args->GetSingleArgument<float>("min", std::numeric_limits<float>::lowest()),
            args->GetSingleArgument<float>("max", std::numeric_limits<float>::max())};
  }
  if (type == "Sigmoid") return {Algorithm::eltwise_logistic, 0, 0};
  if (type == "Tanh") return {Algorithm::eltwise_tanh, 0, 0};
  if (type == "Elu") {
    return {Algorithm::eltwise_elu, args->GetSingleArgument<float>("alpha", 1), 0};
  }
  return {};
}

PostOperations::PostOperations(OperatorInit* init)
    : has_sum_(init->GetSingleArgument<bool>("sum", false)) {
  const auto activation = init->GetSingleArgument<std::string>("activation", "");
  if (activation.empty()) return;
  activation_ = ActivationOf(activation, init);
  if (activation_.algorithm == dnnl::algorithm::undef) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("there is no activation \"", activation, "\" for a convolution")));
  }
}

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
