// Nets that train convolutions keep images with the channels last. They are held against the same
// operators run one by one, which do not: on random nets, every blob, over some steps.

#include <cmath>
#include <cstring>
#include <random>

#include "doppio/gradient.h"
#include "doppio/net_builder.h"
#include "doppio/op_def.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "ops/nn/channels_last_tensor.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using Feeds = std::map<std::string, Tensor>;

// A net with its gradients and updates of its parameters, in place.
struct TrainingNet {
  NetDef net;
  Feeds feeds;
};

class TrainingNetDrawer {
 public:
  explicit TrainingNetDrawer(uint32_t seed) : random_(seed) {}

  TrainingNet Draw() {
    live_.push_back({"x", {Int(2, 4), Int(1, 5), Int(5, 9), Int(5, 9)}});
    Feed("x", live_.back().dims, -1, 1);
    for (int64_t wanted = Int(4, 12); wanted > 0; --wanted) DrawLayer();
    AddConv(live_.back());
    const std::string last = live_.back().name;
    net_.Op("Mul", {last, last}, {"squares"});
    net_.Op("SumElements", {"squares"}, {"loss"}, {MakeArgument("average", true)});
    absl::StatusOr<Backward> backward = AddGradientOperators(net_.def(), {"loss"});
    EXPECT_TRUE(backward.ok()) << backward.status();
    Feed("one", {1}, 1, 1);
    Feed("rate", {1}, -0.01F, -0.01F);
    for (const std::string& name : parameters_) {
      const auto gradient = backward->gradients.find(name);
      if (gradient == backward->gradients.end()) continue;  // does not lead to the loss
      *backward->net.add_op() = CreateOperatorDef(
          "WeightedSum", "", {name, "one", gradient->second.dense, "rate"}, {name});
    }
    backward->net.set_name("step");
    return {backward->net, std::move(feeds_)};
  }

 private:
  struct Live {
    std::string name;
    Dims dims;
  };

  int64_t Int(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }

  void Feed(const std::string& name, const Dims& dims, float least, float most) {
    Tensor value = *Tensor::Create(DataType::kFloat, dims);
    for (int64_t i = 0; i < value.numel(); ++i) {
      value.mutable_data<float>()[i] = std::uniform_real_distribution<float>(least, most)(random_);
    }
    feeds_[name] = std::move(value);
  }
  std::string Parameter(const Dims& dims, float least = -0.5F, float most = 0.5F) {
    parameters_.push_back(absl::StrCat("w", parameters_.size()));
    Feed(parameters_.back(), dims, least, most);
    return parameters_.back();
  }
  std::string NewName() { return absl::StrCat("b", names_++); }

  void AddConv(Live x) {
    const int64_t kernel = Int(0, 2) == 0 ? 1 : 3;
    const int64_t pad = kernel == 1 ? 0 : 1;
    const int64_t outputs = Int(1, 20);
    std::vector<std::string> inputs = {x.name, Parameter({outputs, x.dims[1], kernel, kernel})};
    if (Int(0, 3) > 0) inputs.push_back(Parameter({outputs}));
    const std::string y = NewName();
    net_.Op("Conv", inputs, {y}, {MakeArgument("kernel", kernel), MakeArgument("pad", pad)});
    live_.push_back({y, {x.dims[0], outputs, x.dims[2], x.dims[3]}});
    fresh_ = y;
  }

  void AddNorm(const Live& x) {
    const int64_t channels = x.dims[1];
    const std::string y = NewName();
    Feed(y + "_mean", {channels}, -1, 1);
    Feed(y + "_var", {channels}, 1, 2);
    net_.Op(
        "SpatialBN",
        {x.name, Parameter({channels}, 0.5F, 1), Parameter({channels}), y + "_mean", y + "_var"},
        {y, y + "_mean", y + "_var", y + "_saved_mean", y + "_saved_inv_std"},
        {MakeArgument("is_test", 0)});
    live_.push_back({y, x.dims});
    fresh_ = y;
  }

  void AddPool(const Live& x) {
    if (x.dims[2] < 4 || x.dims[3] < 4) return;
    fresh_.clear();
    const int64_t kernel = Int(2, 3);
    const int64_t stride = Int(1, 2);
    const std::string y = NewName();
    net_.Op(Int(0, 1) == 0 ? "MaxPool" : "AveragePool", {x.name}, {y},
            {MakeArgument("kernel", kernel), MakeArgument("stride", stride)});
    live_.push_back({y,
                     {x.dims[0], x.dims[1], (x.dims[2] - kernel) / stride + 1,
                      (x.dims[3] - kernel) / stride + 1}});
  }

  void DrawLayer() {
    const Live x =
        live_[static_cast<size_t>(Int(std::max<int64_t>(0, LiveCount() - 3), LiveCount() - 1))];
    switch (Int(0, 8)) {
      case 0:
      case 1:
      case 2:
        return AddConv(x);
      case 3:
        return AddNorm(x);
      case 4:
        return AddPool(x);
      case 5:
      case 6: {
        const bool in_place = x.name == fresh_ && Int(0, 2) > 0;
        const std::string y = in_place ? x.name : NewName();
        net_.Op("Relu", {x.name}, {y});
        fresh_.clear();
        if (!in_place) live_.push_back({y, x.dims});
        return;
      }
      case 7: {  // of which nothing is known here
        const std::string y = NewName();
        net_.Op("Tanh", {x.name}, {y});
        fresh_.clear();
        live_.push_back({y, x.dims});
        return;
      }
      default:
        for (const Live& other : live_) {
          if (other.name == x.name || other.dims != x.dims) continue;
          const std::string y = NewName();
          net_.Op("Sum", {x.name, other.name}, {y});
          fresh_.clear();
          live_.push_back({y, x.dims});
          return;
        }
    }
  }

  int64_t LiveCount() const { return static_cast<int64_t>(live_.size()); }

  std::mt19937 random_;
  NetBuilder net_{"net"};
  Feeds feeds_;
  std::vector<Live> live_;
  std::vector<std::string> parameters_;
  std::string fresh_;  // that nothing reads yet, and that its own gradient does not need
  int names_ = 0;
};

void FeedAll(const Feeds& feeds, Workspace* workspace) {
  for (const auto& [name, value] : feeds) {
    ASSERT_TRUE(workspace->Feed(name, DeepCopy(value)).ok());
  }
}

int CountKept(const Workspace& workspace) {
  int count = 0;
  for (const std::string& name : workspace.LocalBlobs()) {
    if (workspace.FindBlob(name)->Is<ChannelsLastTensor>()) ++count;
  }
  return count;
}

// The values of all blobs after `steps` runs.
Feeds ValuesAfter(const TrainingNet& net, int steps, const std::string& type = "simple",
                  bool look_between = false) {
  Workspace workspace;
  FeedAll(net.feeds, &workspace);
  NetDef def = net.net;
  def.set_type(type);
  const absl::StatusOr<Net*> step = workspace.CreateNet(def);
  EXPECT_TRUE(step.ok()) << step.status();
  Feeds values;
  for (int i = 0; i < steps && step.ok(); ++i) {
    const absl::Status status = (*step)->Run();
    EXPECT_TRUE(status.ok()) << status;
    if (!look_between && i + 1 < steps) continue;
    for (const std::string& name : workspace.LocalBlobs()) values[name] = *workspace.Fetch(name);
  }
  return values;
}

void ExpectSameBits(const Feeds& values, const Feeds& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (const auto& [name, value] : expected) {
    EXPECT_TRUE(TensorBitsEqual(values.at(name), value)) << name;
  }
}

constexpr uint32_t kNets = 150;

// The largest difference of two elements.
double Apart(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.dims(), b.dims());
  double apart = 0;
  for (int64_t i = 0; i < a.numel() && i < b.numel(); ++i) {
    apart = std::max(apart, std::abs(ElementAsDouble(a, i) - ElementAsDouble(b, i)));
  }
  return apart;
}

Tensor Zeros(const Tensor& like) {
  Tensor zeros = *Tensor::Create(like.dtype(), like.dims());
  std::memset(zeros.raw_mutable_data(), 0, zeros.bytes());
  return zeros;
}

void RunOneByOne(const TrainingNet& net, DataType type, Workspace* workspace) {
  for (const auto& [name, value] : net.feeds) {
    ASSERT_TRUE(workspace->Feed(name, ConvertTensor(value, type)).ok());
  }
  for (const OperatorDef& op : net.net.op()) {
    ASSERT_TRUE(workspace->RunOperatorOnce(op).ok());
    if (op.type() != "ConstantFill") continue;  // the gradient of the loss
    const std::string& loss = op.output(0);
    ASSERT_TRUE(workspace->Feed(loss, ConvertTensor(*workspace->Fetch(loss), type)).ok());
  }
}

// Rounding errors grow where a channel hardly varies, in either layout: what they are allowed
// depends on how far the plain operators are from those in double.
TEST(ChannelsLastTest, RandomNetsGiveWhatTheirOperatorsGiveOneByOne) {
  int kept = 0;
  for (uint32_t seed = 1; seed <= kNets && !testing::Test::HasFailure(); ++seed) {
    const TrainingNet net = TrainingNetDrawer(seed).Draw();
    testing::ScopedTrace trace(__FILE__, __LINE__,
                               absl::StrCat("seed ", seed, "\n", net.net.DebugString()));
    Workspace together;
    FeedAll(net.feeds, &together);
    const absl::StatusOr<Net*> step = together.CreateNet(net.net);
    ASSERT_TRUE(step.ok()) << step.status();
    ASSERT_TRUE((*step)->Run().ok());
    kept += CountKept(together);
    Workspace plain;
    RunOneByOne(net, DataType::kFloat, &plain);
    EXPECT_EQ(CountKept(plain), 0);
    Workspace exact;
    RunOneByOne(net, DataType::kDouble, &exact);
    ASSERT_EQ(together.LocalBlobs(), exact.LocalBlobs());
    for (const std::string& name : exact.LocalBlobs()) {
      const Tensor expected = *exact.Fetch(name);
      const double size = std::max(1.0, Apart(expected, Zeros(expected)));
      const double tolerance = 1e-3 * size + 10 * Apart(*plain.Fetch(name), expected);
      EXPECT_LE(Apart(*together.Fetch(name), expected), tolerance) << name;
    }
  }
  EXPECT_GT(kept, 5 * static_cast<int>(kNets)) << "images that nets keep with the channels last";
}

TEST(ChannelsLastTest, BitsDoNotDependOnThreadsExecutorOrWhoLooks) {
  const int threads_before = NumThreads();
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    testing::ScopedTrace trace(__FILE__, __LINE__, absl::StrCat("seed ", seed));
    const TrainingNet net = TrainingNetDrawer(seed).Draw();
    SetNumThreads(1);
    const Feeds expected = ValuesAfter(net, 3);
    ExpectSameBits(ValuesAfter(net, 3, "simple", true), expected);
    for (int threads : {2, 3}) {
      SetNumThreads(threads);
      ExpectSameBits(ValuesAfter(net, 3), expected);
      ExpectSameBits(ValuesAfter(net, 3, "parallel"), expected);
    }
  }
  SetNumThreads(threads_before);
}

TEST(ChannelsLastTest, GoesOnWithTheSameBitsFromPlainTensors) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    testing::ScopedTrace trace(__FILE__, __LINE__, absl::StrCat("seed ", seed));
    TrainingNet net = TrainingNetDrawer(seed).Draw();
    const Feeds expected = ValuesAfter(net, 4);
    net.feeds = ValuesAfter(net, 2);  // with what the net would make itself
    ExpectSameBits(ValuesAfter(net, 2), expected);
  }
}

TEST(ChannelsLastTest, NothingIsAllocatedAfterTheSecondStep) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    testing::ScopedTrace trace(__FILE__, __LINE__, absl::StrCat("seed ", seed));
    const TrainingNet net = TrainingNetDrawer(seed).Draw();
    Workspace workspace;
    FeedAll(net.feeds, &workspace);
    const absl::StatusOr<Net*> step = workspace.CreateNet(net.net);
    ASSERT_TRUE(step.ok()) << step.status();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE((*step)->Run().ok());
    const AllocationCounter counter;
    ASSERT_TRUE((*step)->Run().ok());
    EXPECT_EQ(counter.tensor_count(), 0);
  }
}

// Of X [1,2,3,3].
NetDef ConvNet(const std::vector<std::string>& gradient_inputs = {"x", "w", "dy"}) {
  return NetBuilder("net")
      .Op("Conv", {"x", "w"}, {"y"}, {MakeArgument("kernel", 1)})
      .Op("Relu", {"y"}, {"r"})
      .Op("ConvGradient", gradient_inputs, {"dw", "dx"},
          {MakeArgument("kernel", 1), MakeArgument("no_bias", true)})
      .def();
}

Feeds ConvFeeds() {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
  return {{"x", *Tensor::FromSpan<float>({1, 2, 3, 3}, x)},
          {"w", *Tensor::Of<float>({1, 2, 1, 1}, {1, -1})},
          {"dy", *Tensor::FromSpan<float>({1, 1, 3, 3}, absl::MakeSpan(x.data(), 9))}};
}

TEST(ChannelsLastTest, WhatIsFetchedStaysWhenTheNetRunsAgain) {
  Workspace workspace;
  FeedAll(ConvFeeds(), &workspace);
  ASSERT_TRUE(workspace.CreateNet(ConvNet()).ok());
  ASSERT_TRUE(workspace.RunNet("net").ok());
  ASSERT_EQ(CountKept(workspace), 2);
  const Tensor y = *workspace.Fetch("y");
  EXPECT_TRUE(
      TensorEquals(y, Tensor::Of<float>({1, 1, 3, 3}, {-9, -9, -9, -9, -9, -9, -9, -9, -9})));
  ASSERT_TRUE(workspace.Feed("w", Tensor::Of<float>({1, 2, 1, 1}, {1, 0})).ok());
  ASSERT_TRUE(workspace.RunNet("net").ok());
  EXPECT_EQ(y.data<float>()[0], -9);
  EXPECT_TRUE(TensorEquals(*workspace.Fetch("r"),
                           Tensor::Of<float>({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9})));
}

TEST(ChannelsLastTest, ErrorsSpeakOfTheShapesThatTheNetHas) {
  Workspace workspace;
  FeedAll(ConvFeeds(), &workspace);
  ASSERT_TRUE(workspace.Feed("dy", Tensor::Of<float>({1, 1, 2, 1}, {1, 2})).ok());
  ASSERT_TRUE(workspace.CreateNet(ConvNet({"r", "w", "dy"})).ok());
  const absl::Status status = workspace.RunNet("net");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("ConvGradient(r, w, dy)"), std::string::npos) << status;
  EXPECT_EQ(status.message().find("[1,3,3,1]"), std::string::npos) << status;
}

TEST(ChannelsLastTest, OtherTypesAndShapesAreComputedPlainly) {
  Workspace workspace;
  for (const auto& [name, value] : ConvFeeds()) {
    ASSERT_TRUE(workspace.Feed(name, ConvertTensor(value, DataType::kDouble)).ok());
  }
  ASSERT_TRUE(workspace.CreateNet(ConvNet()).ok());
  ASSERT_TRUE(workspace.RunNet("net").ok());
  EXPECT_EQ(CountKept(workspace), 0);
  EXPECT_EQ(workspace.Fetch("y")->data<double>()[0], -9);
}

TEST(ChannelsLastTest, AnotherNetReadsAndWritesTheSameBlobs) {
  Workspace workspace;
  FeedAll(ConvFeeds(), &workspace);
  ASSERT_TRUE(workspace.CreateNet(ConvNet()).ok());
  ASSERT_TRUE(workspace.CreateNet(NetBuilder("other").Op("Sigmoid", {"y"}, {"y"}).def()).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(workspace.RunNet("net").ok());
    ASSERT_TRUE(workspace.RunNet("other").ok());
    EXPECT_NEAR(workspace.Fetch("y")->data<float>()[0], 1 / (1 + std::exp(9.0)), 1e-7);
    EXPECT_EQ(workspace.Fetch("r")->data<float>()[0], 0);
  }
}

}  // namespace
}  // namespace doppio
