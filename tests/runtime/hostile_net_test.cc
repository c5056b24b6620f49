// Nets that were damaged on their way: whatever still parses is checked, inferred, differentiated,
// run, rewritten and run again, and must end in a result or in an error.

#include <cstdlib>
#include <random>

#include "doppio/allocator.h"
#include "doppio/doppio.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

// Memory for small tensors only, so that a damaged shape can not take the machine's.
class SmallAllocator final : public Allocator {
 public:
  void* Allocate(size_t bytes) override {
    constexpr size_t kMost = size_t{1} << 20;
    return bytes > kMost ? nullptr : std::aligned_alloc(64, (bytes / 64 + 1) * 64);
  }
  void Free(void* pointer, size_t) override { std::free(pointer); }
};

NetDef ManyOperators() {
  NetBuilder net("many");
  const auto ints = [](const char* name, std::vector<int64_t> values) {
    return MakeArgument(name, values);
  };
  net.Op("GivenTensorInt64Fill", {}, {"shape"}, {ints("shape", {2}), ints("values", {3, 4})});
  net.Op("XavierFill", {}, {"W"}, {ints("shape", {5, 4})})
      .Op("ConstantFill", {}, {"bias"}, {ints("shape", {5})});
  net.Op("Expand", {"X", "shape"}, {"Y"})
      .Op("FC", {"Y", "W", "bias"}, {"fc"})
      .Op("Softmax", {"fc"}, {"prob"});
  net.Op("Transpose", {"prob"}, {"T"}, {ints("axes", {1, 0})}).Op("MatMul", {"prob", "T"}, {"M"});
  net.Op("Reshape", {"M"}, {"R", "old"}, {ints("shape", {-1, 3})})
      .Op("Slice", {"R"}, {"S"}, {ints("starts", {0, 1}), ints("ends", {-1, 3})});
  net.Op("Concat", {"R", "R"}, {"C", "split"}, {MakeArgument<int>("axis", 1)});
  net.Op("Split", {"C"}, {"S1", "S2"}, {MakeArgument<int>("axis", 1)});
  net.Op("XavierFill", {}, {"E"}, {ints("shape", {3, 2})}).Op("Gather", {"E", "i"}, {"G"});
  net.Op("ReduceSum", {"G"}, {"sum"}, {ints("axes", {0})});
  net.Op("ArgMax", {"S2"}, {"best"}, {MakeArgument<int>("axis", -1)});
  net.Op("Cast", {"best"}, {"cast"}, {MakeArgument<std::string>("to", "float")});
  net.Op("SumElements", {"sum"}, {"a"})
      .Op("SumElements", {"S1"}, {"b"})
      .Op("SumElements", {"S"}, {"c"});
  net.Op("SumElements", {"S2"}, {"d"}).Op("Sum", {"a", "b", "c", "d"}, {"loss"});
  return net.def();
}

NetDef Pictures() {
  NetBuilder net("pictures");
  const auto ints = [](const char* name, std::vector<int64_t> values) {
    return MakeArgument(name, values);
  };
  const auto number = [](const char* name, int value) { return MakeArgument(name, value); };
  net.Op("PadImage", {"image"}, {"padded"},
         {number("pad", 1), MakeArgument<std::string>("mode", "reflect")});
  net.Op("Conv", {"padded", "W1"}, {"conv"}, {ints("kernels", {3, 3}), ints("pads", {1, 1, 1, 1})});
  net.Op("SpatialBN", {"conv", "c1", "c2", "c3", "c4"}, {"bn"}, {number("is_test", 1)});
  net.Op("Relu", {"bn"}, {"bn"}).Op("PRelu", {"bn", "c1"}, {"prelu"});
  net.Op("Conv", {"prelu", "W2", "c2"}, {"grouped"},
         {number("kernel", 3), number("group", 4), number("pad", 2), number("dilation", 2)});
  net.Op("Sum", {"grouped", "prelu"}, {"residual"});
  net.Op("MaxPool", {"residual"}, {"pool"},
         {number("kernel", 3), number("stride", 2), number("legacy_pad", 3)});
  net.Op("AveragePool", {"residual"}, {"mean"},
         {number("kernel", 2), number("stride", 2), number("pad_t", 0), number("pad_l", 0),
          number("pad_b", 1), number("pad_r", 0)});
  net.Op("LRN", {"pool"}, {"lrn", "scale"},
         {number("size", 5), MakeArgument("alpha", 1e-4f), MakeArgument("beta", 0.75f)});
  net.Op("Concat", {"lrn", "mean"}, {"both", "split"}, {number("axis", 1)});
  net.Op("ChannelShuffle", {"both"}, {"shuffled"}, {number("group", 2)});
  net.Op("ConvTranspose", {"mean", "W3"}, {"up"}, {number("kernel", 2), number("stride", 2)});
  net.Op("ResizeNearest", {"up"}, {"large"},
         {MakeArgument("width_scale", 2.0f), MakeArgument("height_scale", 1.5f)});
  net.Op("RoIAlign", {"large", "boxes"}, {"regions"},
         {number("pooled_h", 2), number("pooled_w", 3), number("sampling_ratio", 2)});
  net.Op("Dropout", {"shuffled"}, {"shuffled", "mask"}, {number("is_test", 1)});
  net.Op("SumElements", {"shuffled"}, {"a"}).Op("SumElements", {"regions"}, {"b"});
  net.Op("Sum", {"a", "b"}, {"loss"});
  return net.def();
}

Tensor Some(std::initializer_list<int64_t> dims) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, DimsView(dims.begin(), dims.size()));
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data<float>()[i] = static_cast<float>(i % 7) / 4;
  }
  return tensor;
}

// A net that is to be damaged, how often in each way, and what it reads.
struct Victim {
  std::string name;
  int rounds;
  NetDef net;
  std::map<std::string, Tensor> inputs;
  std::map<std::string, Tensor> weights;
};

Victim ManyOperatorsVictim() {
  return {"ManyOperators",
          1500,
          ManyOperators(),
          {{"X", Some({3, 1})}, {"i", *Tensor::Of<int32_t>({2}, {0, 2})}},
          {}};
}

Victim PicturesVictim() {
  return {"Pictures",
          120,  // oneDNN makes new code for every one
          Pictures(),
          {{"image", Some({1, 3, 6, 7})},
           {"boxes", *Tensor::Of<float>({2, 5}, {0, 0, 0, 3, 2, 0, 1, 1, 5, 6})}},
          {{"W1", Some({8, 3, 3, 3})},
           {"W2", Some({8, 2, 3, 3})},
           {"W3", Some({8, 4, 2, 2})},
           {"c1", Some({8})},
           {"c2", Some({8})},
           {"c3", Some({8})},
           {"c4", Some({8})}}};
}

void Feed(const Victim& victim, Workspace* workspace) {
  for (const auto& blobs : {victim.inputs, victim.weights}) {
    for (const auto& [name, tensor] : blobs) ASSERT_TRUE(workspace->Feed(name, tensor).ok());
  }
}

void RunWhateverItIs(const NetDef& net, const Victim& victim) {
  (void)CheckNet(net);
  BlobInfos known;
  for (const auto& [name, tensor] : victim.inputs) {
    known[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), std::nullopt};
  }
  (void)InferNet(net, known);
  Workspace workspace;
  Feed(victim, &workspace);
  const absl::StatusOr<Backward> backward = AddGradientOperators(net, {"loss"});
  (void)workspace.RunNetOnce(backward.ok() ? backward->net : net);

  Model model;
  model.predict = net;
  model.weights = victim.weights;
  model.outputs = {"loss"};
  for (const auto& input : victim.inputs) model.inputs.push_back(input.first);
  const auto predictor = Predictor::Create(std::move(model));
  if (predictor.ok()) (void)(*predictor)->Run(victim.inputs);
}

class HostileNetTest : public testing::TestWithParam<Victim (*)()> {
 protected:
  HostileNetTest() {
    static SmallAllocator& allocator = *new SmallAllocator;  // scratch memory outlives a test
    SetAllocator(&allocator);
  }
  ~HostileNetTest() override { SetAllocator(nullptr); }
  const Victim victim_ = GetParam()();
};

TEST_P(HostileNetTest, TheNetItselfRuns) {
  Workspace workspace;
  Feed(victim_, &workspace);
  const absl::StatusOr<Backward> backward = AddGradientOperators(victim_.net, {"loss"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  const absl::Status status = workspace.RunNetOnce(backward->net);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(HostileNetTest, FlippedBitsEndInAResultOrAnError) {
  const std::string good = victim_.net.SerializeAsString();
  const unsigned seed = 86;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  int parsed = 0;
  for (int round = 0; round < victim_.rounds; ++round) {
    std::string bytes = good;
    for (unsigned flips = 1 + rng() % 3; flips > 0; --flips)
      bytes[rng() % bytes.size()] ^= static_cast<char>(1 << rng() % 8);
    NetDef net;
    if (!ParseProto(bytes, &net).ok()) continue;
    ++parsed;
    RunWhateverItIs(net, victim_);
  }
  EXPECT_GT(parsed, victim_.rounds / 5);
}

TEST_P(HostileNetTest, HostileNumbersEndInAResultOrAnError) {
  const NetDef& good = victim_.net;
  const unsigned seed = 87;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  const int64_t numbers[] = {
      0, -1, -2, 1, 33, 1 << 20, int64_t{1} << 31, int64_t{1} << 62, INT64_MAX, INT64_MIN};
  for (int round = 0; round < victim_.rounds; ++round) {
    NetDef net = good;
    OperatorDef* op = net.mutable_op(static_cast<int>(rng() % net.op_size()));
    if (op->arg_size() == 0) *op->add_arg() = MakeArgument<int>("axis", 0);
    Argument* arg = op->mutable_arg(static_cast<int>(rng() % op->arg_size()));
    const int64_t number = numbers[rng() % std::size(numbers)];
    if (arg->ints_size() > 0 && rng() % 4 > 0) {
      arg->set_ints(static_cast<int>(rng() % arg->ints_size()), number);
    } else if (arg->ints_size() > 0) {
      for (unsigned more = rng() % 40; more > 0; --more) arg->add_ints(number);
    } else {
      arg->set_i(number);
    }
    RunWhateverItIs(net, victim_);
  }
}

TEST_P(HostileNetTest, SwappedBlobsEndInAResultOrAnError) {
  const NetDef& good = victim_.net;
  const unsigned seed = 88;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  const auto some_blob = [&] {
    const OperatorDef& op = good.op(static_cast<int>(rng() % good.op_size()));
    return op.output(static_cast<int>(rng() % op.output_size()));
  };
  for (int round = 0; round < victim_.rounds; ++round) {
    NetDef net = good;
    OperatorDef* op = net.mutable_op(static_cast<int>(rng() % net.op_size()));
    if (op->input_size() > 0 && rng() % 2 == 0) {
      op->set_input(static_cast<int>(rng() % op->input_size()), some_blob());
    } else if (rng() % 2 == 0) {
      op->set_output(static_cast<int>(rng() % op->output_size()), some_blob());
    } else {
      op->add_input(some_blob());
    }
    RunWhateverItIs(net, victim_);
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, HostileNetTest,
                         testing::Values(&ManyOperatorsVictim, &PicturesVictim),
                         [](const auto& info) { return info.param().name; });

}  // namespace
}  // namespace doppio
