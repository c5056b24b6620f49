// A plan of 2017 that trains an LSTM to foretell text, letter by letter: two nets within a
// RecurrentNetwork, which the plan has as text.

#include <algorithm>

#include "doppio/devices.h"
#include "doppio/proto_io.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/shared_dir.h"

namespace doppio {
namespace {

constexpr int64_t kBatch = 10;
constexpr int64_t kSteps = 25;
constexpr int64_t kLetters = 62;

// Without the operators that read the database of examples, which is not part of the plan.
NetDef WithoutDatabase(NetDef net) {
  SetDevice(&net, DeviceType::kCpu);
  auto* ops = net.mutable_op();
  ops->erase(std::remove_if(ops->begin(), ops->end(),
                            [](const OperatorDef& op) {
                              return op.type() == "CreateDB" || op.type() == "CreateMutex" ||
                                     op.type() == "TensorProtosDBInput";
                            }),
             ops->end());
  uint32_t seed = 20;  // the same numbers in every run
  for (OperatorDef& op : *ops) {
    op.mutable_device_option()->set_random_seed(++seed);
    if (op.type() != "AtomicIter") continue;
    op.set_type("Iter");  // the same without a mutex, which one thread does not need
    op.mutable_input()->DeleteSubrange(0, 1);
  }
  for (const char* name : {"data_float", "label_int32"}) net.add_external_input(name);
  return net;
}

TEST(LstmPlanTest, LearnsToForetellLetters) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const absl::StatusOr<PlanDef> plan =
      LoadPlan(SharedDir() + "/models/lstm_plans/train_plan.pbtxt");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->network_size(), 4);  // fills, carries states over, trains, saves
  Workspace workspace;

  // The alphabet again and again, from another letter in each row.
  absl::StatusOr<Tensor> data = Tensor::Create(DataType::kFloat, {kBatch, kSteps, kLetters});
  absl::StatusOr<Tensor> labels = Tensor::Create(DataType::kInt32, {kBatch, kSteps});
  ASSERT_TRUE(data.ok() && labels.ok());
  std::fill_n(data->mutable_data<float>(), data->numel(), 0.0f);
  for (int64_t n = 0; n < kBatch; ++n) {
    for (int64_t t = 0; t < kSteps; ++t) {
      const int64_t at = n * kSteps + t;
      data->mutable_data<float>()[at * kLetters + (7 * n + t) % kLetters] = 1;
      labels->mutable_data<int32_t>()[at] = static_cast<int32_t>((7 * n + t + 1) % kLetters);
    }
  }
  ASSERT_TRUE(workspace.Feed("data_float", data).ok());
  ASSERT_TRUE(workspace.Feed("label_int32", labels).ok());

  const absl::Status filled = workspace.RunNetOnce(WithoutDatabase(plan->network(0)));
  ASSERT_TRUE(filled.ok()) << filled;
  NetDef carry = plan->network(1);
  SetDevice(&carry, DeviceType::kCpu);
  ASSERT_TRUE(workspace.CreateNet(carry).ok());
  ASSERT_TRUE(workspace.RunNet(carry.name()).ok());
  const absl::StatusOr<Net*> train = workspace.CreateNet(WithoutDatabase(plan->network(2)));
  ASSERT_TRUE(train.ok()) << train.status();
  std::vector<float> losses;
  for (int turn = 0; turn < 60; ++turn) {
    ASSERT_TRUE(workspace.RunNet(carry.name()).ok());
    const absl::Status run = (*train)->Run();
    ASSERT_TRUE(run.ok()) << run;
    losses.push_back(*workspace.Fetch("loss")->data<float>());
  }
  EXPECT_NEAR(losses.front(), 4.1f, 0.3f);  // the logarithm of the number of letters
  // The plan's rate is high: losses jump from the 25th step on, wherever rounding takes them.
  EXPECT_LT(*std::min_element(losses.begin(), losses.end()), 0.8f * losses.front());
}

}  // namespace
}  // namespace doppio
