// Every operator of a net fails in turn, in nets drawn at random and with both executors.
// DOPPIO_TABLE_SEED=n gives other nets.

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "doppio/op_def.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/first_seed.h"
#include "tests/support/random_net.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

std::atomic<bool> is_failing{false};

DOPPIO_OPERATOR_SCHEMA(FailsWhenTold)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("Nothing, or an error: for a test.")
    .Input(0, "X", "tensor")
    .Output(0, "Y", "the same one")
    .IdenticalTypeAndShapeOfInput(0);

template <class Context>
class FailsWhenToldOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  using Operator<Context>::Operator;
  absl::Status RunOnDevice() override {
    return is_failing ? absl::AbortedError("was told to fail") : absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(FailsWhenTold, FailsWhenToldOp<CPUContext>);

void Feed(const RandomNet& drawn, Workspace* workspace) {
  for (const auto& [name, value] : drawn.feeds) {
    ASSERT_TRUE(workspace->Feed(name, DeepCopy(value)).ok());
  }
}

std::map<std::string, Tensor> Values(const Workspace& workspace) {
  std::map<std::string, Tensor> values;
  for (const std::string& name : workspace.Blobs()) {
    if (absl::StatusOr<Tensor> value = workspace.Fetch(name); value.ok()) values[name] = *value;
  }
  return values;
}

// The net with an operator that fails in the place of operator k, before that one.
NetDef FailingAt(const NetDef& net, int k) {
  NetDef failing = net;
  failing.clear_op();
  for (int i = 0; i < net.op_size(); ++i) {
    if (i == k) {
      *failing.add_op() =
          CreateOperatorDef("FailsWhenTold", "", {net.op(k).input(0)}, {net.op(k).input(0)});
    }
    *failing.add_op() = net.op(i);
  }
  return failing;
}

// What is made by operator k or of its outputs, and by no operator that may run without it.
std::set<std::string> MadeBehind(const NetDef& net, int k) {
  std::set<std::string> behind;
  std::set<std::string> elsewhere;
  for (int i = 0; i < net.op_size(); ++i) {
    const auto& inputs = net.op(i).input();
    const bool waits = i == k || std::any_of(inputs.begin(), inputs.end(), [&](const auto& input) {
                         return behind.count(input) > 0;
                       });
    for (const std::string& output : net.op(i).output())
      (waits ? behind : elsewhere).insert(output);
  }
  for (const std::string& name : elsewhere) behind.erase(name);
  return behind;
}

void FailEverywhere(const RandomNet& drawn, const std::string& type) {
  Workspace whole;
  Feed(drawn, &whole);
  ASSERT_TRUE(whole.RunNetOnce(drawn.net).ok());
  const std::map<std::string, Tensor> expected = Values(whole);
  for (int k = 0; k < drawn.net.op_size(); ++k) {
    if (drawn.net.op(k).input_size() == 0) continue;
    SCOPED_TRACE(absl::StrCat("operator ", k, ", executor ", type));
    NetDef def = FailingAt(drawn.net, k);
    def.set_type(type);
    def.set_num_workers(2);
    Workspace workspace;
    Feed(drawn, &workspace);
    const absl::StatusOr<Net*> net = workspace.CreateNet(def);
    ASSERT_TRUE(net.ok()) << net.status();

    is_failing = true;
    const absl::Status status = (*net)->Run();
    is_failing = false;
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("op ", k, " FailsWhenTold(")))
        << status;
    EXPECT_EQ((*net)->last_failed_operator(), k);
    std::set<std::string> fed;
    for (const auto& feed : drawn.feeds) fed.insert(feed.first);
    for (const std::string& name : MadeBehind(drawn.net, k)) {
      if (fed.count(name) > 0) continue;
      EXPECT_FALSE(workspace.Fetch(name).ok()) << name << " was made without what it is made of";
    }

    Feed(drawn, &workspace);  // what was changed in place
    const absl::Status again = (*net)->Run();
    ASSERT_TRUE(again.ok()) << again;
    for (const auto& [name, value] : Values(workspace)) {
      EXPECT_TRUE(TensorBitsEqual(value, expected.at(name))) << name << " in the next run";
    }
  }
}

TEST(FailingNetTest, NamesTheOperatorLeavesTheRestAloneAndIsRightInTheNextRun) {
  constexpr uint64_t kNets = 60;
  int nets = 0;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + kNets; ++seed) {
    const absl::StatusOr<RandomNet> drawn = MakeRandomNet(seed);
    if (!drawn.ok()) continue;  // nothing was drawn that an operator takes
    ++nets;
    SCOPED_TRACE(absl::StrCat("seed ", seed, ":\n", drawn->ToString()));
    for (const char* type : {"simple", "parallel"}) FailEverywhere(*drawn, type);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(nets, static_cast<int>(kNets) * 3 / 4);
}

}  // namespace
}  // namespace doppio
