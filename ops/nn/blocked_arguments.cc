#include "ops/nn/blocked_arguments.h"

#include <limits>

namespace doppio {

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

PostOperations ReadPostOperations(OperatorInit* init) {
  DnnlActivation activation;
  const auto type = init->GetSingleArgument<std::string>("activation", "");
  if (!type.empty()) {
    activation = ActivationOf(type, init);
    if (activation.algorithm == dnnl::algorithm::undef) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there is no activation \"", type, "\" for a convolution")));
    }
  }
  return {init->GetSingleArgument<bool>("sum", false), activation};
}

void StatePostOperations(OpSchema& schema) {
  schema.Arg<bool>("sum", "whether a tensor of the result's shape is added", false)
      .OptionalArg<std::string>("activation",
                                "what is done to the result then: Relu, LeakyRelu, Clip, Sigmoid, "
                                "Tanh or Elu")
      .OptionalArg<float>("alpha", "of LeakyRelu and Elu, as there")
      .OptionalArg<float>("min", "of Clip, as there")
      .OptionalArg<float>("max", "of Clip, as there");
}

ChannelSlice ReadChannelSlice(OperatorInit* init) {
  return {init->GetSingleArgument<int64_t>("into_channels"),
          init->GetSingleArgument<int64_t>("first_channel"),
          init->GetSingleArgument<bool>("continues")};
}

void StateChannelSlice(OpSchema& schema) {
  schema
      .Arg<int64_t>("into_channels",
                    "where the result is a part of a larger tensor: the channels of that", 0)
      .Arg<int64_t>("first_channel", "the channel of the larger tensor where the part begins", 0)
      .Arg<bool>("continues", "whether the last input is the larger tensor, with other parts",
                 false);
}

}  // namespace doppio
