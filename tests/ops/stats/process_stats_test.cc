#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <thread>

#include "doppio/registry.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

class StatsTest : public StateTest {
 protected:
  // What the registry holds; it is 0 afterwards.
  std::map<std::string, int64_t> Export(const Names& registry = {}, int reset = 1) {
    MustRun("StatRegistryExport", registry, {"k", "v", "t"}, {Arg("reset", reset)});
    const absl::StatusOr<Tensor> keys = workspace_.Fetch("k");
    const absl::StatusOr<Tensor> values = workspace_.Fetch("v");
    std::map<std::string, int64_t> stats;
    if (!keys.ok() || !values.ok()) return stats;
    for (int64_t i = 0; i < keys->numel(); ++i)
      stats[keys->data<std::string>()[i]] = values->data<int64_t>()[i];
    return stats;
  }
  void FeedStats() {
    Feed("names", Tensor::Of<std::string>({2}, {"b", "a"}));
    Feed("values", Tensor::Of<int64_t>({2}, {1, 2}));
  }
  using Stats = std::map<std::string, int64_t>;
};

TEST_F(StatsTest, ARegistryAddsByName) {
  FeedStats();
  MustRun("StatRegistryCreate", {}, {"r"});
  EXPECT_EQ(Export({"r"}), Stats());
  MustRun("StatRegistryUpdate", {"names", "values", "r"}, {});
  MustRun("StatRegistryUpdate", {"names", "values", "r"}, {});
  EXPECT_EQ(Export({"r"}, 0), Stats({{"a", 4}, {"b", 2}}));
  ExpectBlob("k", Tensor::Of<std::string>({2}, {"a", "b"}));
  EXPECT_EQ(Export({"r"}), Stats({{"a", 4}, {"b", 2}}));
  EXPECT_EQ(Export({"r"}), Stats({{"a", 0}, {"b", 0}}));
  const int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  EXPECT_NEAR(static_cast<double>(workspace_.Fetch("t")->data<int64_t>()[1]),
              static_cast<double>(now), 60e9);
}

TEST_F(StatsTest, TheProcessHasARegistry) {
  Feed("names", Tensor::Of<std::string>({1}, {"TheProcessHasARegistry"}));
  Feed("values", Tensor::Of<int64_t>({1}, {3}));
  Export();
  MustRun("StatRegistryUpdate", {"names", "values"}, {});
  EXPECT_EQ(Export()["TheProcessHasARegistry"], 3);
}

TEST_F(StatsTest, LosesNothingThatThreadsAdd) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 200;
  FeedStats();
  MustRun("StatRegistryCreate", {}, {"r"});
  int64_t exported = 0;
  OnThreads(kThreads, [&](int t) {
    for (int run = 0; run < kRuns; ++run) {
      if (t == 0) {
        exported += Export({"r"})["a"];
      } else {
        MustRun("StatRegistryUpdate", {"names", "values", "r"}, {});
      }
    }
  });
  EXPECT_EQ(exported + Export({"r"})["a"], 2 * (kThreads - 1) * kRuns);
}

TEST_F(StatsTest, ASumStaysAtTheEndOfInt64) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  MustRun("StatRegistryCreate", {}, {"r"});
  Feed("names", Tensor::Of<std::string>({2}, {"a", "a"}));
  Feed("values", Tensor::Of<int64_t>({2}, {kMost, 1}));
  MustRun("StatRegistryUpdate", {"names", "values", "r"}, {});
  EXPECT_EQ(Export({"r"})["a"], kMost);
}

TEST_F(StatsTest, RejectsNamesWithoutValues) {
  FeedStats();
  Feed("one", Tensor::Of<int64_t>({1}, {1}));
  ExpectFailure(Def("StatRegistryUpdate", {"names", "one"}, {}),
                "they are \"names\" string[2] and \"one\" int64[1]");
  ExpectFailure(Def("StatRegistryUpdate", {"values", "names"}, {}), "keys must be strings");
}

TEST_F(StatsTest, RejectsWhatIsNoRegistry) {
  FeedStats();
  ExpectFailure(Def("StatRegistryUpdate", {"names", "values", "values"}, {}),
                "must be a registry that StatRegistryCreate made, but holds Tensor");
  ExpectFailure(Def("StatRegistryExport", {"values"}, {"k", "v", "t"}), "but holds Tensor");
}

class TimerTest : public StatsTest {};

TEST_F(TimerTest, MeasuresAndAddsToTheRegistry) {
  Export();
  MustRun("TimerBegin", {}, {"timer"});
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  MustRun("TimerGet", {"timer"}, {"first"});
  EXPECT_GE(Scalar<int64_t>("first"), 2'000'000);
  EXPECT_EQ(workspace_.Fetch("first")->rank(), 0);
  MustRun("TimerGetAndEnd", {"timer"}, {"second"});
  EXPECT_GE(Scalar<int64_t>("second"), Scalar<int64_t>("first"));
  EXPECT_EQ(workspace_.Fetch("second")->rank(), 1);
  Stats stats = Export();
  EXPECT_EQ(stats["timer/time_ns/sum"], Scalar<int64_t>("second"));
  EXPECT_EQ(stats["timer/time_ns/count"], 1);
}

TEST_F(TimerTest, HasANameOfItsOwnWhereThatIsGiven) {
  MustRun("TimerBegin", {}, {"timer"}, {Arg<std::string>("counter_name", "own")});
  MustRun("TimerEnd", {"timer"}, {});
  EXPECT_EQ(Export()["own/time_ns/count"], 1);
}

TEST_F(TimerTest, RunsOnWhereItsOperatorIsGone) {
  NetBuilder net("net");
  net.Op("TimerBegin", {}, {"timer"});
  ASSERT_TRUE(workspace_.CreateNet(net.def()).ok());
  ASSERT_TRUE(workspace_.RunNet("net").ok());
  ASSERT_TRUE(workspace_.DeleteNet("net").ok());
  MustRun("TimerEnd", {"timer"}, {});
}

TEST_F(TimerTest, StopsOnceWhereThreadsStopIt) {
  Export();
  MustRun("TimerBegin", {}, {"timer"});
  std::vector<int> stopped(4);
  OnThreads(4, [&](int t) { stopped[t] = Run("TimerEnd", {"timer"}, {}).ok(); });
  EXPECT_EQ(std::count(stopped.begin(), stopped.end(), 1), 1);
  EXPECT_EQ(Export()["timer/time_ns/count"], 1);
}

TEST_F(TimerTest, RejectsToBeginTwiceAndToEndTwice) {
  const auto begin = CreateOperator(Def("TimerBegin", {}, {"timer"}), &workspace_);
  ASSERT_TRUE(begin.ok()) << begin.status();
  ASSERT_TRUE((*begin)->Run().ok());
  EXPECT_EQ((*begin)->Run().code(), absl::StatusCode::kFailedPrecondition);
  MustRun("TimerEnd", {"timer"}, {});
  ExpectFailure(Def("TimerEnd", {"timer"}, {}), "the timer does not run");
  ExpectFailure(Def("TimerGet", {"timer"}, {"n"}), "the timer does not run");
  EXPECT_TRUE((*begin)->Run().ok());
}

TEST_F(TimerTest, RejectsWhatIsNoTimer) {
  Feed("timer", Tensor::Scalar<int64_t>(1));
  for (const char* type : {"TimerGet", "TimerGetAndEnd"}) {
    ExpectFailure(Def(type, {"timer"}, {"n"}), "must be a timer that TimerBegin made");
  }
}

class StatPutTest : public StatsTest {
 protected:
  void SetUp() override { Export(); }
  static OperatorDef Put(const std::string& type, const std::vector<Argument>& arguments) {
    OperatorDef def = Def(type, {"X"}, {}, arguments);
    *def.add_arg() = Arg<std::string>("stat_name", type);
    return def;
  }
  void Must(const OperatorDef& def) {
    const absl::Status status = workspace_.RunOperatorOnce(def);
    ASSERT_TRUE(status.ok()) << status;
  }
};

TEST_F(StatPutTest, TakesTheWholeNumberOfAMultiple) {
  Feed("X", Tensor::Scalar<float>(1.5f));
  Must(Put("AveragePut", {Arg<int64_t>("magnitude_expand", 10)}));
  Must(Put("AveragePut", {}));
  Must(Put("IncrementPut", {Arg<int64_t>("magnitude_expand", 10)}));
  MustRun("IncrementPut", {"X"}, {});
  Stats stats = Export();
  EXPECT_EQ(stats["AveragePut/stat_value/sum"], 16);
  EXPECT_EQ(stats["AveragePut/stat_value/count"], 2);
  EXPECT_EQ(stats["IncrementPut/stat_value"], 15);
  EXPECT_EQ(stats["X/stat_value"], 1);
}

TEST_F(StatPutTest, TellsTheVariance) {
  for (int64_t x : {10, 13}) {
    Feed("X", Tensor::Scalar<int64_t>(x));
    Must(Put("StdDevPut", {}));
  }
  Stats stats = Export();
  EXPECT_EQ(stats["StdDevPut/stat_value/sum"], 23);
  EXPECT_EQ(stats["StdDevPut/stat_value/count"], 2);
  EXPECT_EQ(stats["StdDevPut/stat_value/sumoffset"], 3);
  EXPECT_EQ(stats["StdDevPut/stat_value/sumsqoffset"], 9);
}

TEST_F(StatPutTest, TakesAllTypesOfNumbers) {
  const DataType types[] = {DataType::kInt32, DataType::kFloat,   DataType::kUInt8,
                            DataType::kInt8,  DataType::kUInt16,  DataType::kInt16,
                            DataType::kInt64, DataType::kFloat16, DataType::kDouble};
  for (const DataType type : types) {
    Feed("X", ConvertTensor(*Tensor::Of<float>({2}, {3, 4}), type));
    Must(Put("IncrementPut", {}));
  }
  EXPECT_EQ(Export()["IncrementPut/stat_value"], 3 * 9);
}

TEST_F(StatPutTest, TakesTheDefaultForAnEmptyTensor) {
  Feed("X", Tensor::Of<double>({0}, {}));
  Must(Put("IncrementPut", {Arg("default_value", 1.5f), Arg<int64_t>("magnitude_expand", 2)}));
  EXPECT_EQ(Export()["IncrementPut/stat_value"], 3);
  ExpectFailure(Put("IncrementPut", {}), "\"X\" double[0] is empty, and there is no default_value");
}

TEST_F(StatPutTest, StopsAtTheEndsOfInt64WhereThatIsAllowed) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  const std::pair<double, int64_t> cases[] = {{1e20, kMost},
                                              {-1e20, kLeast},
                                              {9223372036854775808.0, kMost},
                                              {-INFINITY, kLeast},
                                              {NAN, 0}};
  for (const auto& [x, expected] : cases) {
    Feed("X", Tensor::Scalar<double>(x));
    Must(Put("IncrementPut", {Arg("bound", 1)}));
    EXPECT_EQ(Export()["IncrementPut/stat_value"], expected) << x;
    ExpectFailure(Put("IncrementPut", {}), "and times 1 no int64");
  }
  Feed("X", Tensor::Scalar<int64_t>(-3));
  Must(Put("IncrementPut", {Arg("bound", 1), Arg("magnitude_expand", kMost)}));
  EXPECT_EQ(Export()["IncrementPut/stat_value"], kLeast);
  ExpectFailure(Put("IncrementPut", {Arg("magnitude_expand", kMost)}), "no int64");
  EXPECT_EQ(Export()["IncrementPut/stat_value"], 0);
}

TEST_F(StatPutTest, LosesNothingThatThreadsPut) {
  Feed("X", Tensor::Scalar<int32_t>(2));
  OnThreads(4, [&](int) {
    const auto op = CreateOperator(Put("AveragePut", {}), &workspace_);
    ASSERT_TRUE(op.ok()) << op.status();
    for (int run = 0; run < 200; ++run) ASSERT_TRUE((*op)->Run().ok());
  });
  Stats stats = Export();
  EXPECT_EQ(stats["AveragePut/stat_value/sum"], 1600);
  EXPECT_EQ(stats["AveragePut/stat_value/count"], 800);
}

TEST_F(StatPutTest, RejectsOtherTypesAndFactors) {
  Feed("X", Tensor::Scalar<std::string>("a"));
  ExpectFailure(Put("AveragePut", {}), "string");
  Feed("X", Tensor::Scalar<int32_t>(1));
  ExpectFailure(Put("AveragePut", {Arg<int64_t>("magnitude_expand", 0)}),
                "magnitude_expand must be at least 1, but is 0");
}

}  // namespace
}  // namespace doppio
