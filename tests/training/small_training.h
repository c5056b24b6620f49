#ifndef DOPPIO_TESTS_TRAINING_SMALL_TRAINING_H_
#define DOPPIO_TESTS_TRAINING_SMALL_TRAINING_H_

// A training of a second, with all that makes one hard to go on with.

#include <map>
#include <random>
#include <string>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/optimizer.h"
#include "doppio/trainer.h"

namespace doppio {

inline constexpr int64_t kExamples = 70;
inline constexpr int64_t kWidth = 6;

// Whether the sum of an example's numbers is above 0.
inline std::map<std::string, Tensor> Data(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> x(kExamples * kWidth);
  std::vector<int32_t> label(kExamples);
  for (size_t i = 0; i < label.size(); ++i) {
    float sum = 0;
    for (size_t k = 0; k < kWidth; ++k) {
      x[i * kWidth + k] = static_cast<float>(random() % 2001) / 1000 - 1;
      sum += x[i * kWidth + k];
    }
    label[i] = sum > 0 ? 1 : 0;
  }
  return {{"x", *Tensor::FromSpan<float>(Dims{kExamples, kWidth}, x)},
          {"label", *Tensor::FromSpan<int32_t>(Dims{kExamples}, label)}};
}

inline NetDef Init(int64_t hidden = 8) {
  const auto fill = [](NetDef* net, const char* type, const char* name,
                       const std::vector<int64_t>& shape) {
    OperatorDef* op = net->add_op();
    *op = CreateOperatorDef(type, "", {}, {name}, {MakeArgument("shape", shape)});
    op->mutable_device_option()->set_random_seed(5);
  };
  NetDef net;
  net.set_name("init");
  fill(&net, "XavierFill", "w1", {hidden, kWidth});
  fill(&net, "ConstantFill", "b1", {hidden});
  fill(&net, "XavierFill", "w2", {2, hidden});
  fill(&net, "ConstantFill", "b2", {2});
  return net;
}

// With a Dropout, whose random numbers depend on how many were drawn before.
inline NetDef Forward(bool is_test) {
  NetDef net = NetBuilder(is_test ? "test" : "train")
                   .Op("FC", {"x", "w1", "b1"}, {"hidden"})
                   .Op("Tanh", {"hidden"}, {"hidden"})
                   .Op("Dropout", {"hidden"}, {"kept", "mask"},
                       {MakeArgument("ratio", 0.25f), MakeArgument("is_test", is_test)})
                   .Op("FC", {"kept", "w2", "b2"}, {"scores"})
                   .Op("SoftmaxWithLoss", {"scores", "label"}, {"prob", "loss"})
                   .def();
  net.mutable_op(2)->mutable_device_option()->set_random_seed(3);
  if (is_test) {
    *net.add_op() = CreateOperatorDef("Accuracy", "", {"prob", "label"}, {"accuracy"});
  }
  return net;
}

inline TrainerOptions Options(const std::string& executor = "simple") {
  const Backward backward = *AddGradientOperators(Forward(false), {"loss"});
  const Training training =
      *AddOptimizer(backward, "adam", {{{"learning_rate", 0.02}, {"clip_norm", 5}}, {Init()}});
  TrainerOptions options;
  options.inits = {Init(), training.init};
  options.train = training.net;
  options.train.set_type(executor);
  options.test = Forward(true);
  options.data = Data(1);
  options.test_data = Data(2);
  options.metrics = {"accuracy"};
  options.batch = 16;  // 4 iterations an epoch, 6 examples left out
  options.epochs = 6;
  return options;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_TRAINING_SMALL_TRAINING_H_
