// Nets that were damaged on their way: whatever still parses is checked, inferred, differentiated
// and run, and must end in a result or in an error.

#include <cstdlib>
#include <random>

#include "doppio/allocator.h"
#include "doppio/doppio.h"
#include "doppio/proto_io.h"
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

void RunWhateverItIs(const NetDef& net) {
  (void)CheckNet(net);
  BlobInfos known;
  known["X"].dtype = DataType::kFloat;
  known["X"].dims = Dims{3, 1};
  (void)InferNet(net, known);
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Tensor::Of<float>({3, 1}, {1, 2, 3})).ok());
  ASSERT_TRUE(workspace.Feed("i", Tensor::Of<int32_t>({2}, {0, 2})).ok());
  const absl::StatusOr<Backward> backward = AddGradientOperators(net, {"loss"});
  (void)workspace.RunNetOnce(backward.ok() ? backward->net : net);
}

class HostileNetTest : public testing::Test {
 protected:
  HostileNetTest() { SetAllocator(&allocator_); }
  ~HostileNetTest() override { SetAllocator(nullptr); }
  SmallAllocator allocator_;
};

TEST_F(HostileNetTest, TheNetItselfRuns) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Tensor::Of<float>({3, 1}, {1, 2, 3})).ok());
  ASSERT_TRUE(workspace.Feed("i", Tensor::Of<int32_t>({2}, {0, 2})).ok());
  const absl::StatusOr<Backward> backward = AddGradientOperators(ManyOperators(), {"loss"});
  ASSERT_TRUE(backward.ok()) << backward.status();
  const absl::Status status = workspace.RunNetOnce(backward->net);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(HostileNetTest, FlippedBitsEndInAResultOrAnError) {
  const std::string good = ManyOperators().SerializeAsString();
  const unsigned seed = 86;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  int parsed = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = good;
    for (unsigned flips = 1 + rng() % 3; flips > 0; --flips)
      bytes[rng() % bytes.size()] ^= static_cast<char>(1 << rng() % 8);
    NetDef net;
    if (!ParseProto(bytes, &net).ok()) continue;
    ++parsed;
    RunWhateverItIs(net);
  }
  EXPECT_GT(parsed, 300);
}

TEST_F(HostileNetTest, HostileNumbersEndInAResultOrAnError) {
  const NetDef good = ManyOperators();
  const unsigned seed = 87;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  const int64_t numbers[] = {
      0, -1, -2, 1, 33, 1 << 20, int64_t{1} << 31, int64_t{1} << 62, INT64_MAX, INT64_MIN};
  for (int round = 0; round < 1500; ++round) {
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
    RunWhateverItIs(net);
  }
}

TEST_F(HostileNetTest, SwappedBlobsEndInAResultOrAnError) {
  const NetDef good = ManyOperators();
  const unsigned seed = 88;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 rng(seed);
  const auto some_blob = [&] {
    const OperatorDef& op = good.op(static_cast<int>(rng() % good.op_size()));
    return op.output(static_cast<int>(rng() % op.output_size()));
  };
  for (int round = 0; round < 1500; ++round) {
    NetDef net = good;
    OperatorDef* op = net.mutable_op(static_cast<int>(rng() % net.op_size()));
    if (op->input_size() > 0 && rng() % 2 == 0) {
      op->set_input(static_cast<int>(rng() % op->input_size()), some_blob());
    } else if (rng() % 2 == 0) {
      op->set_output(static_cast<int>(rng() % op->output_size()), some_blob());
    } else {
      op->add_input(some_blob());
    }
    RunWhateverItIs(net);
  }
}

}  // namespace
}  // namespace doppio
