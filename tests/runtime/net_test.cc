#include "doppio/net.h"

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/allocation_counter.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Waits in its run until the test lets it go on.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_entered = false;
  bool is_open = false;

  void WaitUntilEntered() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [this] { return is_entered; });
  }
  void Open() {
    std::lock_guard<std::mutex> lock(mutex);
    is_open = true;
    changed.notify_all();
  }
};
Gate* current_gate = nullptr;

DOPPIO_OPERATOR_SCHEMA(TestWaitAtGate).NumInputs(0).NumOutputs(0).Doc("Waits for the test.");

template <class Context>
class WaitAtGateOp final : public Operator<Context> {
 public:
  explicit WaitAtGateOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override {
    std::unique_lock<std::mutex> lock(current_gate->mutex);
    current_gate->is_entered = true;
    current_gate->changed.notify_all();
    current_gate->changed.wait(lock, [] { return current_gate->is_open; });
    return absl::OkStatus();
  }
};
DOPPIO_REGISTER_CPU_OPERATOR(TestWaitAtGate, WaitAtGateOp<CPUContext>);

std::string Message(const absl::Status& status) { return std::string(status.message()); }

absl::Status FeedVector(Workspace* workspace, absl::string_view name,
                        std::initializer_list<float> values) {
  return workspace->Feed(name, Tensor::Of<float>({static_cast<int64_t>(values.size())}, values));
}

TEST(NetTest, RefusesToBeRunTwiceAtOnce) {
  Gate gate;
  current_gate = &gate;
  Workspace workspace;
  NetBuilder net("waiting");
  net.Op("TestWaitAtGate", {}, {});
  ASSERT_TRUE(workspace.CreateNet(net.def()).ok());
  absl::Status first;
  std::thread runner([&] { first = workspace.RunNet("waiting"); });
  gate.WaitUntilEntered();
  EXPECT_THAT(Message(workspace.RunNet("waiting")),
              HasSubstr("net \"waiting\" is running already"));
  EXPECT_EQ(workspace.DeleteNet("waiting").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(workspace.ResetWorkspace().code(), absl::StatusCode::kFailedPrecondition);
  gate.Open();
  runner.join();
  EXPECT_TRUE(first.ok()) << first;
}

TEST(NetTest, CancelEndsARunBeforeTheNextOperator) {
  for (const char* type : {"simple", "parallel"}) {
    Gate gate;
    current_gate = &gate;
    Workspace workspace;
    ASSERT_TRUE(FeedVector(&workspace, "X", {1}).ok());
    NetBuilder net("cancelled");
    net.Type(type).Op("TestWaitAtGate", {}, {"X"}).Op("Relu", {"X"}, {"Y"});
    net.mutable_def()->mutable_op(0)->clear_output();
    net.mutable_def()->set_num_workers(1);
    ASSERT_TRUE(workspace.CreateNet(net.def()).ok());
    absl::Status status;
    std::thread runner([&] { status = workspace.RunNet("cancelled"); });
    gate.WaitUntilEntered();
    workspace.GetNet("cancelled")->Cancel();
    gate.Open();
    runner.join();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << type << ": " << status;
    EXPECT_EQ(workspace.Fetch("Y").status().code(), absl::StatusCode::kFailedPrecondition) << type;
    ASSERT_TRUE(workspace.RunNet("cancelled").ok()) << type;
  }
}

TEST(NetTest, ASecondRunAllocatesNothing) {
  SetNumThreads(1);
  for (const char* type : {"simple", "parallel"}) {
    Workspace workspace;
    ASSERT_TRUE(workspace.Feed("X", Tensor::Of<float>({3, 1}, {1, -2, 3})).ok());
    ASSERT_TRUE(workspace.Feed("shape", Tensor::Of<int64_t>({2}, {3, 4})).ok());
    NetBuilder net("steady");
    net.Type(type);
    net.Op("Expand", {"X", "shape"}, {"Y"}).Op("Relu", {"Y"}, {"Z"}).Op("Relu", {"Z"}, {"Z"});
    net.Op("Transpose", {"Z"}, {"T"})
        .Op("Add", {"T", "T"}, {"A"})
        .Op("SumElements", {"A"}, {"loss"});
    net.Op("ExpandGradient", {"Z", "X"}, {"dX"})
        .Op("Reshape", {"dX"}, {"R", "old"}, {MakeArgument<std::vector<int64_t>>("shape", {-1})});
    net.mutable_def()->set_num_workers(2);
    const absl::StatusOr<Net*> created = workspace.CreateNet(net.def());
    ASSERT_TRUE(created.ok()) << created.status();
    ASSERT_TRUE((*created)->Run().ok());
    AllocationCounter counter;
    const absl::Status status = (*created)->Run();
    EXPECT_EQ(counter.count(), 0) << type;
    EXPECT_TRUE(status.ok()) << status;
  }
}

// A random net over few blobs, so that operators depend on each other in every way.
NetDef RandomNet(std::mt19937* rng, int operators) {
  NetBuilder net("random");
  const auto blob = [&] { return absl::StrCat("b", (*rng)() % 6); };
  for (int i = 0; i < operators; ++i) {
    switch ((*rng)() % 3) {
      case 0: {
        std::string a = blob(), b = blob(), c = blob();
        net.Op("Add", {a, b}, {c == b ? a : c});
        break;
      }
      case 1:
        net.Op("Tanh", {blob()}, {blob()});
        break;
      default:
        net.Op("Sigmoid", {blob()}, {blob()});
    }
  }
  return net.def();
}

// Dimensions beyond the eighth are no part of the tensor object: a view of them ends when the
// output gets storage of its own.
TEST(NetTest, AnOperatorRunsInPlaceOnASharedTensorOfHighRank) {
  Workspace workspace;
  const Tensor x = *Tensor::Of<float>({1, 1, 2, 1, 1, 1, 1, 1, 1, 1}, {-1, 2});
  ASSERT_TRUE(workspace.Feed("X", x).ok());
  NetBuilder net("high_rank");
  net.Op("Relu", {"X"}, {"X"});
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  const Tensor y = *workspace.Fetch("X");
  EXPECT_THAT(y.dims(), ElementsAre(1, 1, 2, 1, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(y.span<float>(), ElementsAre(0, 2));
  EXPECT_THAT(x.span<float>(), ElementsAre(-1, 2));
}

// What a run computes goes into the next one; a run after a short one may go another way.
TEST(ParallelNetTest, GivesTheSameBitsAsSimpleForAnyNumberOfThreadsAndRuns) {
  const unsigned seed = 20240817;
  std::mt19937 rng(seed);
  for (int round = 0; round < 20; ++round) {
    NetDef net = RandomNet(&rng, round % 4 == 0 ? 400 : 40);
    std::map<std::string, std::vector<float>> results;
    for (int workers : {0, 1, 2, 4}) {
      Workspace workspace;
      for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(FeedVector(&workspace, absl::StrCat("b", i), {0.1f * i, 1, -0.5f}).ok());
      }
      net.set_type(workers == 0 ? "simple" : "parallel");
      net.set_num_workers(workers);
      ASSERT_TRUE(workspace.CreateNet(net).ok());
      const absl::Status status = workspace.RunNet("random", 5);
      ASSERT_TRUE(status.ok()) << status;
      for (int i = 0; i < 6; ++i) {
        const std::string name = absl::StrCat("b", i);
        const Tensor value = *workspace.Fetch(name);
        const std::vector<float> values(value.span<float>().begin(), value.span<float>().end());
        if (workers == 0) results[name] = values;
        EXPECT_EQ(values, results[name])
            << "seed " << seed << ", round " << round << ", workers " << workers;
      }
    }
  }
}

TEST(ParallelNetTest, TellsTheFirstFailingOperatorOfTheList) {
  Workspace workspace;
  ASSERT_TRUE(FeedVector(&workspace, "a", {1, 2}).ok());
  ASSERT_TRUE(FeedVector(&workspace, "b", {1, 2, 3}).ok());
  NetBuilder net("failing");
  net.Type("dag").Op("Relu", {"a"}, {"r"}).Op("Add", {"r", "b"}, {"s"}).Op("Relu", {"s"}, {"t"});
  for (int i = 0; i < 20; ++i) net.Op("Relu", {"a"}, {absl::StrCat("beside", i)});
  net.mutable_def()->set_num_workers(2);
  ASSERT_TRUE(workspace.CreateNet(net.def()).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Message(workspace.RunNet("failing")),
                HasSubstr("net \"failing\", op 1 Add(r, b) -> s"));
    EXPECT_EQ(workspace.GetNet("failing")->last_failed_operator(), 1);
  }
}

// Ends when two of it run at the same time.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  int came = 0;
} meeting;

DOPPIO_OPERATOR_SCHEMA(TestMeet).NumInputs(0).NumOutputs(1).HasSideEffects().Doc("Waits for two.");

template <class Context>
class MeetOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MeetOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override {
    std::unique_lock<std::mutex> lock(meeting.mutex);
    const int both = meeting.came / 2 * 2 + 2;
    ++meeting.came;
    meeting.changed.notify_all();
    meeting.changed.wait(lock, [&] { return meeting.came >= both; });
    return absl::OkStatus();
  }
};
DOPPIO_REGISTER_CPU_OPERATOR(TestMeet, MeetOp<CPUContext>);

TEST(ParallelNetTest, OperatorsThatWaitForEachOtherRunSideBySideInEveryRun) {
  Workspace workspace;
  NetBuilder net("meeting");
  net.Type("parallel").Op("TestMeet", {}, {"a"}).Op("TestMeet", {}, {"b"});
  net.mutable_def()->set_num_workers(2);
  ASSERT_TRUE(workspace.CreateNet(net.def()).ok());
  EXPECT_TRUE(workspace.RunNet("meeting", 20).ok());
}

// Layers of operators that each wait for two of the layer before.
TEST(ParallelNetTest, RunsWideNetsOfOperatorsThatTakeTheirTime) {
  constexpr int kWidth = 7;
  constexpr int kLayers = 30;
  NetBuilder net("wide");
  for (int layer = 0; layer < kLayers; ++layer) {
    for (int i = 0; i < kWidth; ++i) {
      const auto before = [&](int j) {
        return layer == 0 ? "X" : absl::StrCat("Y", layer - 1, "_", j % kWidth);
      };
      net.Op("Sub", {before(i), before(2 * i + 1)}, {absl::StrCat("Z", layer, "_", i)});
      net.Op("Cos", {absl::StrCat("Z", layer, "_", i)}, {absl::StrCat("Y", layer, "_", i)});
    }
  }
  std::vector<float> expected;
  for (const int workers : {0, 2, 3, 8}) {
    Workspace workspace;
    ASSERT_TRUE(
        workspace.Feed("X", Tensor::FromSpan<float>({4096}, std::vector<float>(4096, 0.5F))).ok());
    net.Type(workers == 0 ? "simple" : "parallel").mutable_def()->set_num_workers(workers);
    ASSERT_TRUE(workspace.CreateNet(net.def()).ok());
    ASSERT_TRUE(workspace.RunNet("wide", 10).ok());
    std::vector<float> ends;
    for (int i = 0; i < kWidth; ++i) {
      const Tensor y = *workspace.Fetch(absl::StrCat("Y", kLayers - 1, "_", i));
      ends.insert(ends.end(), y.span<float>().begin(), y.span<float>().end());
    }
    if (workers == 0) expected = ends;
    EXPECT_EQ(ends, expected) << workers << " workers";
  }
}

TEST(CreateNetTest, KnowsCaffe2sTypeNames) {
  for (const char* type :
       {"", "simple", "dag", "prof_dag", "async_dag", "async_polling", "async_scheduling",
        "parallel", "async_simple", "rnn", "simple_refcount"}) {
    Workspace workspace;
    ASSERT_TRUE(FeedVector(&workspace, "X", {-1, 1}).ok());
    NetBuilder net("typed");
    net.Type(type).Op("Relu", {"X"}, {"Y"});
    const absl::Status status = workspace.RunNetOnce(net.def());
    EXPECT_TRUE(status.ok()) << type << ": " << status;
  }
}

TEST(CreateNetTest, RefusesAnUnknownType) {
  Workspace workspace;
  NetBuilder net("typed");
  net.Type("hovercraft");
  EXPECT_THAT(Message(workspace.RunNetOnce(net.def())),
              HasSubstr("there is no net type \"hovercraft\"; there are "));
}

TEST(CreateNetTest, HintsAtABlobThatIsReadLater) {
  Workspace workspace;
  ASSERT_TRUE(FeedVector(&workspace, "data", {1}).ok());
  NetBuilder net("misspelled");
  net.Op("Relu", {"dta"}, {"y"}).Op("Relu", {"data"}, {"z"});
  const std::string message = Message(workspace.CreateNet(net.def()).status());
  EXPECT_THAT(message, HasSubstr("input blob \"dta\" is missing"));
  EXPECT_THAT(message, HasSubstr("did you mean data?"));
}

TEST(CreateNetTest, ReportsAllProblemsAtOnce) {
  Workspace workspace;
  NetBuilder net("broken");
  net.Op("Rellu", {"X"}, {"Y"}).Op("Relu", {"missing"}, {"Z"});
  const std::string message = Message(workspace.RunNetOnce(net.def()));
  EXPECT_THAT(message, HasSubstr("op 0 Rellu(X) -> Y: there is no operator \"Rellu\""));
  EXPECT_THAT(message, HasSubstr("input blob \"X\""));
  EXPECT_THAT(message, HasSubstr("op 1 Relu(missing) -> Z: input blob \"missing\""));
}

TEST(CreateNetTest, ReportsAnExternalInputThatDoesNotExist) {
  Workspace workspace;
  NetBuilder net("needs");
  net.ExternalInput("data").Op("Relu", {"data"}, {"Y"});
  EXPECT_THAT(Message(workspace.RunNetOnce(net.def())),
              HasSubstr("external input \"data\" does not exist"));
}

TEST(CreateNetTest, MayMakeAnExternalInputBeforeItIsRead) {
  Workspace workspace;
  NetBuilder net("makes");
  net.ExternalInput("data")
      .Op("ConstantFill", {}, {"data"}, {MakeArgument<std::vector<int64_t>>("shape", {1})})
      .Op("Relu", {"data"}, {"Y"});
  EXPECT_EQ(Message(workspace.RunNetOnce(net.def())), "");
}

TEST(CreateNetTest, IgnoresExternalInputsThatNothingReads) {
  Workspace workspace;
  ASSERT_TRUE(FeedVector(&workspace, "data", {1}).ok());
  NetBuilder net("unused");
  net.ExternalInput("data").ExternalInput("queue").Op("Relu", {"data"}, {"Y"});
  EXPECT_TRUE(workspace.RunNetOnce(net.def()).ok());
}

TEST(CreateNetTest, GivesOperatorsTheNetsDeviceOption) {
  Workspace workspace;
  NetBuilder net("seeded");
  const std::vector<Argument> shape = {MakeArgument<std::vector<int64_t>>("shape", {4})};
  net.Op("UniformFill", {}, {"a"}, shape)
      .Op("UniformFill", {}, {"b"}, shape)
      .Op("UniformFill", {}, {"c"}, shape);
  net.mutable_def()->mutable_device_option()->set_random_seed(5);
  net.mutable_def()->mutable_op(2)->mutable_device_option()->set_random_seed(6);
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  const Tensor a = *workspace.Fetch("a"), b = *workspace.Fetch("b"), c = *workspace.Fetch("c");
  EXPECT_EQ(a.span<float>(), b.span<float>());
  EXPECT_NE(a.span<float>(), c.span<float>());
}

TEST(CreateNetTest, SaysOnceWhatManyOperatorsFindWrong) {
  Workspace workspace;
  ASSERT_TRUE(FeedVector(&workspace, "x", {2}).ok());
  NetBuilder net("no_kernel");
  for (int i = 0; i < 251; ++i) net.Op("Conv", {"x", "x"}, {"y"});
  const std::string message = Message(workspace.RunNetOnce(net.def()));
  EXPECT_THAT(message, HasSubstr("op 0 Conv(x, x) -> y: "));
  EXPECT_THAT(message, HasSubstr("(250 more: op 1, op 2, op 3, op 4, op 5, ...)"));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST(CreateNetTest, ReadsWhatWasFedThoughExternalInputDoesNotListIt) {
  Workspace workspace;
  ASSERT_TRUE(FeedVector(&workspace, "x", {2}).ok());
  NetBuilder net("some_inputs_listed");
  net.Op("Mul", {"x", "w"}, {"y"}).ExternalInput("x").ExternalOutput("y");
  EXPECT_THAT(Message(workspace.RunNetOnce(net.def())), HasSubstr("\"w\" is missing"));
  ASSERT_TRUE(FeedVector(&workspace, "w", {3}).ok());
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  EXPECT_EQ(workspace.Fetch("y")->data<float>()[0], 6);
}

TEST(CreateNetTest, SaysThatThereIsNoCudaHere) {
  Workspace workspace;
  ASSERT_TRUE(FeedVector(&workspace, "X", {1}).ok());
  NetBuilder net("gpu");
  net.Op("Relu", {"X"}, {"Y"});
  net.mutable_def()->mutable_device_option()->set_device_type(1);
  EXPECT_THAT(Message(workspace.RunNetOnce(net.def())),
              HasSubstr("one operator is to run on CUDA, which is not there (op 0 Relu(X) -> Y)"));
}

}  // namespace
}  // namespace doppio
