#include "doppio/cancellation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "doppio/interrupt.h"
#include "doppio/model_io.h"
#include "doppio/net_builder.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/runtime/prefetcher.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// When a net is long made.
constexpr absl::Duration kSoon = absl::Milliseconds(60);
// Nobody waits so long: what is not ended would be noticed.
constexpr int kMany = 1'000'000;

std::atomic<int> naps{0};

DOPPIO_OPERATOR_SCHEMA(TestNap).NumInputs(1).NumOutputs(1).AllowInplace({{0, 0}}).Doc(
    "Takes a millisecond.");

template <class Context>
class NapOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NapOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override {
    absl::SleepFor(absl::Milliseconds(1));
    SetOutput(0, Input(0));
    ++naps;
    return absl::OkStatus();
  }
};
DOPPIO_REGISTER_CPU_OPERATOR(TestNap, NapOp<CPUContext>);

DOPPIO_OPERATOR_SCHEMA(TestWaitOutside)
    .NumInputs(0)
    .NumOutputs(0)
    .HasSideEffects()
    .Doc("Waits for what doppio knows nothing of, until Net::Cancel.");

std::atomic<bool> waits_outside{false};

template <class Context>
class WaitOutsideOp final : public Operator<Context> {
 public:
  explicit WaitOutsideOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override {
    waits_outside = true;
    while (!is_cancelled_) absl::SleepFor(absl::Milliseconds(1));
    return absl::CancelledError("told to end");
  }
  void Cancel() override { is_cancelled_ = true; }

 private:
  std::atomic<bool> is_cancelled_{false};
};
DOPPIO_REGISTER_CPU_OPERATOR(TestWaitOutside, WaitOutsideOp<CPUContext>);

// Runs `work` on a thread of its own, and cancels it when an operator has run.
template <typename Work>
absl::Status CancelledMeanwhile(const Work& work) {
  naps = 0;
  const Cancellation cancellation;
  absl::Status status;
  std::atomic<bool> is_over{false};
  std::thread thread([&] {
    const CancellationScope scope(cancellation);
    status = work();
    is_over = true;
  });
  while (naps == 0 && !is_over) absl::SleepFor(absl::Milliseconds(1));
  cancellation.Cancel();
  thread.join();
  return status;
}

template <typename Work>
absl::Status EndedSoon(const Work& work) {
  const CancellationScope scope(Cancellation::After(kSoon));
  return work();
}

class CancelledRunTest : public testing::TestWithParam<const char*> {
 protected:
  CancelledRunTest() {
    EXPECT_TRUE(workspace_.Feed("x", Tensor::Of<float>({1}, {1})).ok());
    EXPECT_TRUE(workspace_.Feed("kept", Tensor::Of<float>({1}, {2})).ok());
    EXPECT_TRUE(workspace_.Feed("yes", Tensor::Scalar<bool>(true)).ok());
  }

  // "y" is made of "x" again and again.
  NetDef EndlessLoop() const {
    NetBuilder body("body");
    body.Type(GetParam()).Op("TestNap", {"x"}, {"y"});
    NetBuilder net("loop");
    net.Type(GetParam());
    net.Op("While", {"yes"}, {"y"}, {MakeArgument("loop_net", body.def())});
    return net.Op("Copy", {"y"}, {"after"}).def();
  }
  NetDef ManyNaps() const {
    NetBuilder net("naps");
    net.Type(GetParam());
    for (int i = 0; i < 10'000; ++i) net.Op("TestNap", {"x"}, {"x"});
    return net.def();
  }
  NetDef OneNap(const std::string& name) const {
    return NetBuilder(name).Type(GetParam()).Op("TestNap", {"x"}, {name}).def();
  }

  absl::Status Run(const NetDef& net) { return workspace_.RunNetOnce(net); }
  // What was not written keeps its value, and the next run is as the first would have been.
  void ExpectUsable() {
    EXPECT_EQ(workspace_.Fetch("kept")->data<float>()[0], 2);
    NetBuilder net("next");
    const absl::Status status = Run(net.Type(GetParam()).Op("Add", {"x", "kept"}, {"z"}).def());
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(workspace_.Fetch("z")->data<float>()[0], 3);
  }
  void ExpectCancelled(const absl::Status& status, const std::string& text) {
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(text), HasSubstr("the run was cancelled")));
    ExpectUsable();
  }
  void ExpectLate(const absl::Status& status, const std::string& text) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(text), HasSubstr("the deadline has passed")));
    ExpectUsable();
  }

  Workspace workspace_;
};
INSTANTIATE_TEST_SUITE_P(, CancelledRunTest, testing::Values("simple", "parallel"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(CancelledRunTest, ANetEndsBeforeItsNextOperator) {
  ASSERT_TRUE(workspace_.CreateNet(ManyNaps()).ok());
  const auto run = [&] { return workspace_.RunNet("naps"); };
  ExpectCancelled(CancelledMeanwhile(run), "net \"naps\", op ");
  ExpectLate(EndedSoon(run), "TestNap(x) -> x: not run");
  EXPECT_FALSE(workspace_.GetNet("naps")->is_running());
}

TEST_P(CancelledRunTest, OperatorsAreToldThatTheirNetIsCancelled) {
  NetDef def = NetBuilder("outside").Op("TestWaitOutside", {}, {}).def();
  def.set_type(GetParam());
  const absl::StatusOr<Net*> net = workspace_.CreateNet(def);
  ASSERT_TRUE(net.ok()) << net.status();
  waits_outside = false;
  absl::Status status;
  std::thread thread([&] { status = (*net)->Run(); });
  while (!waits_outside) absl::SleepFor(absl::Milliseconds(1));
  (*net)->Cancel();
  thread.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("told to end"));
}

TEST_P(CancelledRunTest, NoRunBeginsWhenTheTimeIsOver) {
  const CancellationScope scope(Cancellation::At(absl::UnixEpoch()));
  naps = 0;
  EXPECT_TRUE(absl::IsDeadlineExceeded(Run(OneNap("y"))));
  EXPECT_TRUE(absl::IsDeadlineExceeded(workspace_.RunOperatorOnce(OneNap("y").op(0))));
  EXPECT_EQ(naps, 0);
}

TEST_P(CancelledRunTest, ARunThatIsOverInTimeIsAsAnyOther) {
  const CancellationScope scope(Cancellation::After(absl::Hours(1)));
  const absl::Status status = Run(OneNap("y"));
  EXPECT_TRUE(status.ok()) << status;
  ExpectUsable();
}

TEST_P(CancelledRunTest, AnEndlessLoopEnds) {
  const std::string place =
      "net \"loop\", op 0 While(yes) -> y: net \"body\", op 0 TestNap(x) -> y";
  ExpectCancelled(CancelledMeanwhile([&] { return Run(EndlessLoop()); }), place);
  ExpectLate(EndedSoon([&] { return Run(EndlessLoop()); }), place);
  EXPECT_FALSE(workspace_.Fetch("after").ok());
}

TEST_P(CancelledRunTest, NetsInsideOfNetsEnd) {
  NetBuilder outer("outer");
  outer.Type(GetParam());
  outer.Op("If", {"yes"}, {"y"}, {MakeArgument("then_net", EndlessLoop())});
  outer.Op("Copy", {"x"}, {"beside"});
  const std::string place = "net \"outer\", op 0 If(yes) -> y: net \"loop\", op 0 While";
  ExpectCancelled(CancelledMeanwhile([&] { return Run(outer.def()); }), place);
  ExpectLate(EndedSoon([&] { return Run(outer.def()); }), place);
}

// An operator that takes long is ended within, and never taken for done.
TEST_P(CancelledRunTest, ALongSumEnds) {
  ASSERT_TRUE(workspace_.Feed("many", Tensor::Create(DataType::kFloat, {1 << 22})).ok());
  NetBuilder net("sum");
  net.Type(GetParam()).Op("SumElements", {"many"}, {"sum"});
  static std::atomic<int> polls_left;
  polls_left = 6;  // the net asks once or twice before its operator runs
  SetInterruptPoll([] { return --polls_left < 0; });
  const absl::Status status = Run(net.def());
  SetInterruptPoll(nullptr);
  ExpectCancelled(status, "net \"sum\", op 0 SumElements(many) -> sum");
  EXPECT_TRUE(Run(net.def()).ok());
}

TEST_P(CancelledRunTest, AWaitForAQueueEnds) {
  ASSERT_TRUE(
      workspace_.RunOperatorOnce(CreateOperatorDef("CreateBlobsQueue", "", {}, {"queue"})).ok());
  NetBuilder net("reader");
  net.Type(GetParam()).Op("TestNap", {"x"}, {"y"}).Op("DequeueBlobs", {"queue"}, {"record"});
  net.mutable_def()->set_num_workers(2);
  const std::string place = "op 1 DequeueBlobs(queue) -> record: waiting for the queue";
  ExpectLate(EndedSoon([&] { return Run(net.def()); }), place);
  const absl::Status status = CancelledMeanwhile([&] { return Run(net.def()); });
  ExpectCancelled(status, "op 1 DequeueBlobs(queue) -> record");
  ASSERT_TRUE(
      workspace_.RunOperatorOnce(CreateOperatorDef("EnqueueBlobs", "", {"queue", "x"}, {"x"}))
          .ok());
  EXPECT_TRUE(Run(net.def()).ok());
}

TEST_P(CancelledRunTest, AllThreadsOfAPlanEnd) {
  ASSERT_TRUE(
      workspace_.RunOperatorOnce(CreateOperatorDef("CreateBlobsQueue", "", {}, {"queue"})).ok());
  PlanDef plan;
  plan.set_name("plan");
  ExecutionStep* all = plan.add_execution_step();
  all->set_name("all");
  all->set_concurrent_substeps(true);
  const auto add = [&](const NetDef& net) {
    *plan.add_network() = net;
    ExecutionStep* step = all->add_substep();
    step->set_name(net.name());
    step->set_num_iter(kMany);
    step->add_network(net.name());
    return step;
  };
  add(OneNap("a"));
  add(OneNap("b"));
  add(NetBuilder("waits").Op("DequeueBlobs", {"queue"}, {"record"}).def());
  add(OneNap("now_and_then"))->set_run_every_ms(1);
  *plan.add_network() = OneNap("report");
  all->set_report_net("report");
  ExecutionStep* nothing = all->add_substep();
  nothing->set_name("nothing");
  nothing->set_num_iter(int64_t{1} << 60);
  const auto run = [&] { return workspace_.RunPlan(plan); };
  ExpectCancelled(CancelledMeanwhile(run), "plan \"plan\"");
  ExpectLate(EndedSoon(run), "plan \"plan\"");
}

TEST_P(CancelledRunTest, StepsThatRunNothingEnd) {
  PlanDef plan;
  plan.set_name("plan");
  plan.add_execution_step()->set_num_iter(int64_t{1} << 60);
  ExpectLate(EndedSoon([&] { return workspace_.RunPlan(plan); }), "plan \"plan\"");
}

TEST_P(CancelledRunTest, ALateOperatorDoesNotHideTheFailureOfAnother) {
  NetBuilder net("fails");
  net.Type(GetParam()).Op("TestNap", {"x"}, {"y"}).Op("Fail", {}, {});
  const CancellationScope scope(Cancellation::After(absl::Hours(1)));
  EXPECT_THAT(std::string(Run(net.def()).message()), HasSubstr("op 1 Fail"));
}

TEST_P(CancelledRunTest, InitNetsEnd) {
  NetDef init = ManyNaps();
  const auto run = [&] { return RunAndFree(init, &workspace_); };
  ExpectCancelled(CancelledMeanwhile(run), "net \"naps\": op TestNap(x) -> x: not run");
  ExpectLate(EndedSoon(run), "net \"naps\": op TestNap(x) -> x: not run");
}

TEST_P(CancelledRunTest, APredictorIsUsableAfterARunThatEnded) {
  NetBuilder net("predict");
  net.Type(GetParam()).Op("TestNap", {"x"}, {"y0"});
  constexpr int kLength = 100;
  for (int i = 1; i < kLength; ++i) {
    net.Op("TestNap", {absl::StrCat("y", i - 1)}, {absl::StrCat("y", i)});
  }
  net.ExternalInput("x").ExternalOutput(absl::StrCat("y", kLength - 1));
  for (const bool optimize : {false, true}) {
    PredictorOptions options;
    options.optimize = optimize;
    const auto predictor = Predictor::Create(NetDef(), net.def(), options);
    ASSERT_TRUE(predictor.ok()) << predictor.status();
    const Tensor x = *Tensor::Of<float>({1}, {7});
    const auto run = [&] { return (*predictor)->Run({x}).status(); };
    ExpectCancelled(CancelledMeanwhile(run), "net \"predict\", op ");
    ExpectLate(EndedSoon(run), "net \"predict\", op ");
    const auto results = (*predictor)->Run({x});
    ASSERT_TRUE(results.ok()) << results.status();
    EXPECT_EQ((*results)[0].data<float>()[0], 7);
  }
}

TEST(CancelledWaitTest, WhatIsReadAheadIsWaitedForNoLonger) {
  std::atomic<bool> is_there{false};
  Prefetcher prefetcher([&] {
    while (!is_there) absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  });
  const auto take = [&] { return prefetcher.Take([] { return absl::OkStatus(); }); };
  const absl::Status status = EndedSoon(take);
  is_there = true;
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_TRUE(take().ok());
}

// Files in a folder of their own.
class CancelledLoadTest : public testing::Test {
 protected:
  CancelledLoadTest()
      : folder_(testing::TempDir() + "/cancelled_load_" + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~CancelledLoadTest() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  const std::string folder_;
};

TEST_F(CancelledLoadTest, FilesAreNotReadWhenTheTimeIsOver) {
  Model model;
  model.predict = NetBuilder("net").Op("Mul", {"x", "w"}, {"y"}).def();
  model.weights["w"] = *Tensor::Of<float>({1}, {1});
  ASSERT_TRUE(SaveModel(model, Path("model.minidb")).ok());
  for (const char* name : {"net.pb", "net.pbtxt", "net.json"}) {
    ASSERT_TRUE(SaveProto(model.predict, Path(name), EncodingForPath(name)).ok());
  }
  {
    const Cancellation cancellation;
    const CancellationScope scope(cancellation);
    cancellation.Cancel();
    for (const char* name : {"net.pb", "net.pbtxt", "net.json"}) {
      const absl::Status status = LoadNet(Path(name)).status();
      EXPECT_TRUE(absl::IsCancelled(status)) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(Path(name)));
    }
    const absl::Status status = LoadModel(Path("model.minidb")).status();
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(Path("model.minidb")));
  }
  EXPECT_TRUE(LoadModel(Path("model.minidb")).ok());
}

TEST_F(CancelledLoadTest, APipeThatSaysNothingIsWaitedForNoLonger) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  const int writer = open(Path("pipe").c_str(), O_RDWR);
  ASSERT_GE(writer, 0);
  const absl::Status status = EndedSoon([&] { return LoadNet(Path("pipe")).status(); });
  close(writer);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

// So many bytes that readers ask in between.
TEST_F(CancelledLoadTest, WhatIsBeingParsedEnds) {
  NetDef net;
  net.set_name("large");
  OperatorDef* op = net.add_op();
  op->set_type("GivenTensorFill");
  op->add_output("w");
  Argument* values = op->add_arg();
  values->set_name("values");
  for (int i = 0; i < 1'000'000; ++i) values->add_floats(0.5F);
  for (const Encoding encoding : {Encoding::kBinary, Encoding::kText}) {
    const absl::StatusOr<std::string> bytes = FormatProto(net, encoding);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    NetDef read;
    {
      const Cancellation cancellation;
      const CancellationScope scope(cancellation);
      cancellation.Cancel();
      const absl::Status status = ParseProto(*bytes, &read, {}, "bytes");
      EXPECT_TRUE(absl::IsCancelled(status)) << status;
      EXPECT_EQ(read.op_size(), 0);
    }
    ASSERT_TRUE(ParseProto(*bytes, &read).ok());
    EXPECT_EQ(read.op(0).arg(0).floats_size(), 1'000'000);
  }
}

}  // namespace
}  // namespace doppio
