// Whole steps of training, which take memory for tensors in the first two of them and no more.

#include "doppio/net_builder.h"
#include "doppio/optimizer.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/allocation_counter.h"

namespace doppio {
namespace {

using Ints = std::vector<int64_t>;

// A net that ends in `loss`, and the net that fills its parameters.
struct Model {
  const char* name;
  const char* optimizer;
  NetBuilder net;
  NetBuilder init;

  void Parameter(const std::string& blob, const Ints& shape) {
    init.Op("GaussianFill", {}, {blob}, {MakeArgument("shape", shape), MakeArgument("std", 0.1f)});
  }
  void Fc(const std::string& x, const std::string& y, int64_t inputs, int64_t outputs) {
    Parameter(y + "_w", {outputs, inputs});
    Parameter(y + "_b", {outputs});
    net.Op("FC", {x, y + "_w", y + "_b"}, {y});
  }
  void Conv(const std::string& x, const std::string& y, int64_t inputs, int64_t outputs) {
    Parameter(y + "_w", {outputs, inputs, 3, 3});
    Parameter(y + "_b", {outputs});
    net.Op("Conv", {x, y + "_w", y + "_b"}, {y}, {MakeArgument("kernel", 3)});
  }
  void Norm(const std::string& x, const std::string& y, int64_t channels) {
    Parameter(y + "_w", {channels});
    Parameter(y + "_b", {channels});
    for (const char* state : {"_mean", "_var"}) {
      init.Op("ConstantFill", {}, {y + state},
              {MakeArgument("shape", Ints{channels}), MakeArgument("value", 1.0f)});
    }
    net.Op("SpatialBN", {x, y + "_w", y + "_b", y + "_mean", y + "_var"},
           {y, y + "_mean", y + "_var", y + "_saved_mean", y + "_saved_var"},
           {MakeArgument("is_test", 0)});
  }
  void Pool(const std::string& x, const std::string& y) {
    net.Op("MaxPool", {x}, {y}, {MakeArgument("kernel", 2), MakeArgument("stride", 2)});
  }
  void Loss(const std::string& x) { net.Op("SoftmaxWithLoss", {x, "label"}, {"softmax", "loss"}); }
};

Model Start(const char* name, const char* optimizer) {
  Model model{name, optimizer, NetBuilder(name), NetBuilder(absl::StrCat(name, "_init"))};
  return model;
}

Model Mlp() {
  Model model = Start("mlp", "adam");
  model.Fc("data", "h1", 3 * 10 * 10, 40);
  model.net.Op("Relu", {"h1"}, {"r1"});
  model.Fc("r1", "h2", 40, 5);
  model.Loss("h2");
  return model;
}

Model LeNet() {
  Model model = Start("lenet", "sgd");
  model.Conv("data", "c1", 3, 8);
  model.Pool("c1", "p1");
  model.Conv("p1", "c2", 8, 16);
  model.net.Op("Relu", {"c2"}, {"r2"});
  model.Fc("r2", "h", 16 * 2 * 2, 5);
  model.Loss("h");
  return model;
}

Model NormedConvolutions() {
  Model model = Start("normed", "adagrad");
  model.Conv("data", "c1", 3, 16);
  model.Norm("c1", "n1", 16);
  model.net.Op("Relu", {"n1"}, {"r1"});
  model.Pool("r1", "p1");
  model.Conv("p1", "c2", 16, 16);
  model.Norm("c2", "n2", 16);
  model.net.Op("Relu", {"n2"}, {"r2"});
  model.net.Op("AveragePool", {"r2"}, {"p2"}, {MakeArgument("global_pooling", 1)});
  model.Fc("p2", "h", 16, 5);
  model.Loss("h");
  return model;
}

Model Embedding() {
  Model model = Start("embedding", "adagrad");
  model.Parameter("table", {100, 8});
  model.net.Op("SparseLengthsSum", {"table", "indices", "lengths"}, {"bags"});
  model.Fc("bags", "h", 8, 5);
  model.Loss("h");
  return model;
}

// An LSTM unrolled by hand over three steps.
Model Lstm() {
  Model model = Start("lstm", "rmsprop");
  model.Parameter("gates_w", {4 * 6, 3 * 10 * 10 + 6});
  model.Parameter("gates_b", {4 * 6});
  for (const char* state : {"h0", "s0"}) {
    model.init.Op("ConstantFill", {}, {state}, {MakeArgument("shape", Ints{1, 4, 6})});
  }
  model.net.Op("Reshape", {"data"}, {"x", "old"}, {MakeArgument("shape", Ints{1, 4, 300})});
  for (int t = 0; t < 3; ++t) {
    const auto at = [](const char* name, int step) { return absl::StrCat(name, step); };
    model.init.Op("ConstantFill", {}, {at("t", t)},
                  {MakeArgument("shape", Ints{1}), MakeArgument("value", t),
                   MakeArgument("dtype", static_cast<int>(TensorProto::INT32))});
    model.net
        .Op("Concat", {"x", at("h", t)}, {at("xh", t), at("split", t)}, {MakeArgument("axis", 2)})
        .Op("FC", {at("xh", t), "gates_w", "gates_b"}, {at("g", t)}, {MakeArgument("axis", 2)})
        .Op("LSTMUnit", {at("h", t), at("s", t), at("g", t), "steps", at("t", t)},
            {at("h", t + 1), at("s", t + 1)});
  }
  model.net.Op("Squeeze", {"h3"}, {"last"}, {MakeArgument("dims", Ints{0})});
  model.Fc("last", "y", 6, 5);
  model.Loss("y");
  return model;
}

class TrainingMemoryTest : public testing::TestWithParam<Model (*)()> {};

TEST_P(TrainingMemoryTest, NoTensorIsAllocatedAfterTheSecondStep) {
  const int threads_before = NumThreads();
  const Model model = GetParam()();
  for (const int threads : {1, 2}) {
    SetNumThreads(threads);
    testing::ScopedTrace trace(__FILE__, __LINE__, absl::StrCat(model.name, ", T = ", threads));
    const absl::StatusOr<Training> training =
        AddOptimizer(model.net.def(), {"loss"}, model.optimizer,
                     {{{"learning_rate", 0.01}}, /*inits=*/{model.init.def()}});
    ASSERT_TRUE(training.ok()) << training.status();
    Workspace workspace;
    const std::vector<float> pixels(4 * 3 * 10 * 10, 0.5f);
    ASSERT_TRUE(workspace.Feed("data", *Tensor::FromSpan<float>({4, 3, 10, 10}, pixels)).ok());
    ASSERT_TRUE(workspace.Feed("label", Tensor::Of<int32_t>({4}, {0, 1, 2, 4})).ok());
    ASSERT_TRUE(workspace.Feed("indices", Tensor::Of<int64_t>({6}, {3, 99, 3, 7, 0, 50})).ok());
    ASSERT_TRUE(workspace.Feed("lengths", Tensor::Of<int32_t>({4}, {1, 2, 0, 3})).ok());
    ASSERT_TRUE(workspace.Feed("steps", Tensor::Of<int32_t>({4}, {3, 3, 2, 3})).ok());
    ASSERT_TRUE(workspace.RunNetOnce(model.init.def()).ok());
    ASSERT_TRUE(workspace.RunNetOnce(training->init).ok());
    const absl::StatusOr<Net*> step = workspace.CreateNet(training->net);
    ASSERT_TRUE(step.ok()) << step.status();
    AllocationCounter first;
    for (int i = 0; i < 2; ++i) {
      const absl::Status status = (*step)->Run();
      ASSERT_TRUE(status.ok()) << status;
    }
    EXPECT_GT(first.tensor_count(), 0);
    AllocationCounter counter;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE((*step)->Run().ok());
    EXPECT_EQ(counter.tensor_count(), 0);
  }
  SetNumThreads(threads_before);
}

INSTANTIATE_TEST_SUITE_P(Models, TrainingMemoryTest,
                         testing::Values(Mlp, LeNet, NormedConvolutions, Embedding, Lstm),
                         [](const auto& info) { return std::string(info.param().name); });

}  // namespace
}  // namespace doppio
