// Every optimizer on parameters with dense and with sparse gradients, and what none can do.

#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/optimizer.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

constexpr int kSteps = 200;

NetDef Fill(const std::vector<std::pair<std::string, std::vector<int64_t>>>& blobs) {
  NetBuilder net("init");
  for (const auto& [name, shape] : blobs) {
    net.Op("ConstantFill", {}, {name}, {MakeArgument("shape", shape), MakeArgument("value", 0.5f)});
  }
  return net.def();
}

// y = w * x + b.
struct Line {
  NetDef net = NetBuilder("line")
                   .Op("FC", {"x", "w", "b"}, {"y"})
                   .Op("SquaredL2Distance", {"y", "target"}, {"distance"})
                   .Op("AveragedLoss", {"distance"}, {"loss"})
                   .def();
  NetDef init = Fill({{"w", {1, 1}}, {"b", {1}}});
};

// Rows of a table, of which a step sees some, one of them twice.
struct Table {
  NetDef net = NetBuilder("table")
                   .Op("Gather", {"w", "rows"}, {"y"})
                   .Op("SquaredL2Distance", {"y", "target"}, {"distance"})
                   .Op("AveragedLoss", {"distance"}, {"loss"})
                   .def();
  NetDef init = Fill({{"w", {4, 2}}});
};

// Feeds what is to be learnt; gives the losses of the first step and the last.
template <typename Task>
std::pair<float, float> Train(const Task& task, const Training& training) {
  Workspace workspace;
  EXPECT_TRUE(workspace.Feed("x", Tensor::Of<float>({3, 1}, {0, 1, 2})).ok());
  EXPECT_TRUE(workspace.Feed("rows", Tensor::Of<int64_t>({3}, {2, 0, 2})).ok());
  const bool is_table = task.net.name() == "table";
  const absl::StatusOr<Tensor> target = is_table ? Tensor::Of<float>({3, 2}, {1, 2, -1, 3, 1, 2})
                                                 : Tensor::Of<float>({3, 1}, {1, 3, 5});
  EXPECT_TRUE(workspace.Feed("target", target).ok());
  std::vector<float> losses;
  absl::Status status = workspace.RunNetOnce(task.init);
  if (status.ok()) status = workspace.RunNetOnce(training.init);
  if (status.ok()) status = workspace.CreateNet(training.net).status();
  for (int step = 0; step < kSteps && status.ok(); ++step) {
    status = workspace.RunNet(training.net.name());
    if (status.ok()) losses.push_back(workspace.Fetch("loss")->template data<float>()[0]);
  }
  EXPECT_TRUE(status.ok()) << status;
  if (losses.empty()) return {0, 0};
  if (is_table) {
    // Row 3 is never seen.
    EXPECT_EQ(workspace.Fetch("w")->template data<float>()[6], 0.5f);
  }
  return {losses.front(), losses.back()};
}

template <typename Task>
absl::StatusOr<Training> Make(const Task& task, const std::string& optimizer,
                              std::vector<OptimizerOption> options = {}) {
  return AddOptimizer(task.net, {"loss"}, optimizer, {std::move(options), {task.init}});
}

class EveryOptimizerTest : public testing::TestWithParam<std::string> {};

TEST_P(EveryOptimizerTest, LearnsALine) {
  const Line line;
  const absl::StatusOr<Training> training = Make(line, GetParam());
  ASSERT_TRUE(training.ok()) << training.status();
  const auto [first, last] = Train(line, *training);
  EXPECT_LT(last, first);
}

TEST_P(EveryOptimizerTest, LearnsALineWithEverythingThatAllTake) {
  const Line line;
  std::vector<OptimizerOption> options = {
      {"clip_value", 5}, {"weight_decay", 0.001}, {"learning_rate", 0.02}};
  if (OptimizerOptions(GetParam())->FindArg("policy") != nullptr) {
    options.insert(options.end(), {{"clip_norm", 3},
                                   {"policy", "inv"},
                                   {"gamma", 0.001},
                                   {"power", 0.5},
                                   {"allow_lr_injection", true}});
  }
  const absl::StatusOr<Training> training = Make(line, GetParam(), options);
  ASSERT_TRUE(training.ok()) << training.status();
  const auto [first, last] = Train(line, *training);
  EXPECT_LT(last, first);
}

// Or says that it has no operator for that.
TEST_P(EveryOptimizerTest, LearnsTheRowsThatItSees) {
  const std::set<std::string> dense_only = {"yellowfin", "rmsprop", "gftrl"};
  const Table table;
  const absl::StatusOr<Training> training = Make(table, GetParam());
  if (dense_only.count(GetParam()) > 0) {
    EXPECT_EQ(training.status().code(), absl::StatusCode::kUnimplemented) << training.status();
    EXPECT_THAT(std::string(training.status().message()),
                HasSubstr("the gradient of \"w\" is sparse"));
    return;
  }
  ASSERT_TRUE(training.ok()) << training.status();
  const auto [first, last] = Train(table, *training);
  EXPECT_LT(last, first);
}

INSTANTIATE_TEST_SUITE_P(, EveryOptimizerTest, testing::ValuesIn(Optimizers()),
                         [](const auto& info) { return info.param; });

// The operators that adagrad, adam and sgd have for rows alone.
TEST(SparseOptimizerTest, LearnsTheRowsInEachVariant) {
  using Options = std::vector<OptimizerOption>;
  const Table table;
  for (const auto& [optimizer, options] : std::vector<std::pair<std::string, Options>>{
           {"adagrad", {{"rowWise", true}}},
           {"adagrad", {{"rowWise", true}, {"counter_halflife", 10}}},
           {"adagrad", {{"rowWise", true}, {"counter_halflife", 10}, {"weight_decay", 0.001}}},
           {"adagrad", {{"sparse_dedup_aggregator", "mean"}}},
           {"adam", {{"sparse_dedup_aggregator", "sum"}}},
           {"adam", {{"rowWise", true}}},
           {"adam", {{"use_smart_decay", true}}},
           {"adam", {{"enableRAdam", true}}},
           {"sgd", {{"momentum", 0.5}}}}) {
    std::string trace = optimizer;
    for (const OptimizerOption& option : options) {
      absl::StrAppend(&trace, " ", option.argument.name());
    }
    SCOPED_TRACE(trace);
    const absl::StatusOr<Training> training = Make(table, optimizer, options);
    ASSERT_TRUE(training.ok()) << training.status();
    const auto [first, last] = Train(table, *training);
    EXPECT_LT(last, first);
    // Without the net that fills the table, its rows are counted when the training begins.
    OptimizerSettings unknown{options, {}};
    unknown.parameters = {"w"};
    if (trace.find("weight_decay") != std::string::npos) continue;
    const absl::StatusOr<Training> counted = AddOptimizer(table.net, {"loss"}, optimizer, unknown);
    ASSERT_TRUE(counted.ok()) << counted.status();
    EXPECT_EQ(Train(table, *counted).second, last);
  }
}

void ExpectRefused(const absl::StatusOr<Training>& training, absl::StatusCode code,
                   const std::string& text) {
  EXPECT_EQ(training.status().code(), code) << training.status();
  EXPECT_THAT(std::string(training.status().message()), HasSubstr(text));
}

TEST(OptimizerRefusalTest, OfNumbersThatMakeNoSense) {
  const Line line;
  const auto refused = [&](std::vector<OptimizerOption> options, const std::string& text) {
    ExpectRefused(Make(line, "sgd", std::move(options)), absl::StatusCode::kInvalidArgument, text);
  };
  refused({{"learning_rate", 0}}, "learning_rate is 0, must be above 0");
  refused({{"learning_rate", std::nanf("")}}, "learning_rate is nan, must be above 0");
  refused({{"clip_value", 0}}, "clip_value is 0, must be above 0");
  refused({{"clip_norm", -1}}, "clip_norm is -1, must be above 0");
  refused({{"weight_decay", -1}}, "weight_decay is -1, must be at least 0");
  refused({{"policy", 3}}, "the option \"policy\" must be");
  refused({{"policy", "composite"}, {"sub_policy_0_gama", 1}}, "a policy has no \"gama\"");
  refused({{"momentun", 1}}, "did you mean momentum");
  ExpectRefused(Make(Table(), "adam", {{"sparse_dedup_aggregator", "max"}}),
                absl::StatusCode::kInvalidArgument,
                "sparse_dedup_aggregator is \"max\", must be sum or mean");
}

TEST(OptimizerRefusalTest, OfParametersThatCanNotBeTrained) {
  const Line line;
  OptimizerSettings settings{{}, {line.init}};
  const auto refused = [&](const std::vector<std::string>& parameters, absl::StatusCode code,
                           const std::string& text) {
    settings.parameters = parameters;
    const absl::StatusOr<Backward> backward = AddGradientOperators(line.net, {"loss"});
    ASSERT_TRUE(backward.ok()) << backward.status();
    ExpectRefused(AddOptimizer(*backward, "sgd", settings), code, text);
  };
  refused({"v"}, absl::StatusCode::kNotFound, "reads no blob \"v\" from outside");
  refused({"w", "w"}, absl::StatusCode::kInvalidArgument, "\"w\" is named twice");
  settings.inits.clear();
  refused({}, absl::StatusCode::kInvalidArgument, "it can not be told which blobs are parameters");
  settings.options = {{"weight_decay", 0.1}};
  refused({"w"}, absl::StatusCode::kInvalidArgument, "the rank of \"w\" is not known");
  settings = {{}, {Fill({{"other", {2}}})}};
  refused({}, absl::StatusCode::kInvalidArgument, "there is nothing to train");
  NetDef ints = line.init;
  *ints.mutable_op(0) =
      CreateOperatorDef("ConstantFill", "", {}, {"w"},
                        {MakeArgument("shape", std::vector<int64_t>{1, 1}),
                         MakeArgument<int64_t>("dtype", static_cast<int64_t>(DataType::kInt32))});
  settings = {{}, {ints}};
  refused({"w"}, absl::StatusCode::kInvalidArgument, "the parameter \"w\" is of int32");
}

TEST(OptimizerRefusalTest, OfVariantsThatThereAreNot) {
  const Line line;
  const Table table;
  const auto refused = [](const absl::StatusOr<Training>& training, const std::string& text) {
    ExpectRefused(training, absl::StatusCode::kInvalidArgument, text);
  };
  refused(Make(line, "adagrad", {{"rowWise", true}}), "rowWise is for sparse gradients");
  refused(Make(line, "adam", {{"rowWise", true}}), "rowWise is for sparse gradients");
  refused(Make(line, "adam", {{"use_smart_decay", true}}),
          "use_smart_decay is for sparse gradients");
  refused(Make(table, "adam", {{"rowWise", true}, {"enableRAdam", true}}), "do not go together");
  refused(Make(table, "adagrad", {{"decay", 0.5}}), "decay is 0.5");
  refused(Make(table, "adagrad", {{"counter_halflife", 5}}), "counter_halflife is 5");
  refused(Make(table, "adagrad", {{"rowWise", true}, {"counter_halflife", 0}}),
          "counter_halflife is 0");
}

TEST(OptimizerRefusalTest, OfDecayingWhatHasASparseGradient) {
  const Table table;
  ExpectRefused(Make(table, "sgd", {{"weight_decay", 0.1}}), absl::StatusCode::kUnimplemented,
                "weight_decay: the gradient of \"w\" is sparse");
  ExpectRefused(Make(table, "decay_adagrad", {{"weight_decay", 0.1}}),
                absl::StatusCode::kInvalidArgument,
                "weight_decay: the gradient of \"w\" is sparse");
  EXPECT_TRUE(Make(table, "adagrad", {{"weight_decay", 0.1}}).ok());
}

}  // namespace
}  // namespace doppio
