#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "doppio/database.h"
#include "doppio/interrupt.h"
#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

using Names = std::vector<std::string>;

class QueueTest : public testing::Test {
 protected:
  absl::Status Run(absl::string_view type, const Names& inputs, const Names& outputs,
                   const std::vector<Argument>& args = {}) {
    return workspace_.RunOperatorOnce(CreateOperatorDef(type, "", inputs, outputs, args));
  }
  std::string Error(absl::string_view type, const Names& inputs, const Names& outputs,
                    const std::vector<Argument>& args = {}) {
    return std::string(Run(type, inputs, outputs, args).message());
  }
  void CreateQueue(int64_t capacity, int64_t num_blobs = 1, absl::string_view kind = "Blobs") {
    EXPECT_EQ(Error(absl::StrCat("Create", kind, "Queue"), {}, {"queue"},
                    {MakeArgument<int64_t>("capacity", capacity),
                     MakeArgument<int64_t>("num_blobs", num_blobs)}),
              "");
  }
  void Feed(const std::string& name, std::vector<float> values) {
    ASSERT_TRUE(workspace_
                    .Feed(name, Tensor::FromSpan<float>({static_cast<int64_t>(values.size())},
                                                        absl::MakeConstSpan(values)))
                    .ok());
  }
  std::vector<float> Fetch(const std::string& name) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    EXPECT_TRUE(tensor.ok()) << tensor.status();
    if (!tensor.ok()) return {};
    return std::vector<float>(tensor->span<float>().begin(), tensor->span<float>().end());
  }
  bool Flag(const std::string& name) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    EXPECT_TRUE(tensor.ok() && tensor->Is<bool>() && tensor->rank() == 0);
    return tensor.ok() && tensor->Is<bool>() && tensor->data<bool>()[0];
  }

  // A step that runs one net of the plan, again and again until `stop` is true if it is given.
  ExecutionStep Step(const NetDef& net, const std::string& stop = "") {
    *plan_.add_network() = net;
    ExecutionStep step;
    step.set_name(net.name() + "_step");
    step.add_network(net.name());
    if (!stop.empty()) step.set_should_stop_blob(stop);
    return step;
  }
  absl::Status RunSideBySide(const std::vector<ExecutionStep>& steps) {
    ExecutionStep* all = plan_.add_execution_step();
    all->set_name("all");
    all->set_concurrent_substeps(true);
    for (const ExecutionStep& step : steps) *all->add_substep() = step;
    return workspace_.RunPlan(plan_);
  }

  Workspace workspace_;
  PlanDef plan_;
};

TEST_F(QueueTest, RecordsComeOutInTheOrderTheyWentIn) {
  CreateQueue(2, 2);
  EXPECT_EQ(workspace_.FindBlob("queue")->TypeName(), "BlobsQueue");
  Feed("x", {1});
  Feed("y", {2, 3});
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "x", "y"}, {"x", "y"}), "");
  EXPECT_EQ(Fetch("y"), (std::vector<float>{2, 3}));  // keeps its value
  Feed("x", {4});
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "x", "y"}, {"x", "y"}), "");
  EXPECT_EQ(Error("DequeueBlobs", {"queue"}, {"a", "b"}), "");
  EXPECT_EQ(Fetch("a"), (std::vector<float>{1}));
  EXPECT_EQ(Fetch("b"), (std::vector<float>{2, 3}));
  EXPECT_EQ(Error("DequeueBlobs", {"queue"}, {"a", "b"}), "");
  EXPECT_EQ(Fetch("a"), (std::vector<float>{4}));
}

TEST_F(QueueTest, BlobsOfOtherTypesGoThroughWithoutACopy) {
  CreateQueue(2, 3);
  const std::string long_text(1000, 'x');
  *workspace_.CreateBlob("text")->GetMutable<std::string>() = long_text;
  const char* const address = workspace_.FindBlob("text")->Get<std::string>()->data();
  Feed("x", {1});
  EXPECT_EQ(Error("PackRecords", {"x"}, {"packed"},
                  {MakeArgument("fields", std::vector<std::string>{"x"})}),
            "");
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "text", "packed", "x"}, {"text", "packed", "x"}), "");
  EXPECT_TRUE(workspace_.FindBlob("text")->IsEmpty());
  EXPECT_TRUE(workspace_.FindBlob("packed")->IsEmpty());
  EXPECT_EQ(Error("DequeueBlobs", {"queue"}, {"text_out", "packed_out", "y"}), "");
  EXPECT_EQ(*workspace_.FindBlob("text_out")->Get<std::string>(), long_text);
  EXPECT_EQ(workspace_.FindBlob("text_out")->Get<std::string>()->data(), address);
  EXPECT_EQ(Error("UnPackRecords", {"packed_out"}, {"z"},
                  {MakeArgument("fields", std::vector<std::string>{"x"})}),
            "");
  EXPECT_EQ(Fetch("z"), (std::vector<float>{1}));
}

TEST_F(QueueTest, WhatDidNotGoInStaysInItsBlob) {
  CreateQueue(1, 1);
  *workspace_.CreateBlob("a")->GetMutable<std::string>() = "first";
  *workspace_.CreateBlob("b")->GetMutable<std::string>() = "second";
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "a"}, {"a"}), "");
  EXPECT_EQ(Error("CloseBlobsQueue", {"queue"}, {}), "");
  EXPECT_EQ(Error("SafeEnqueueBlobs", {"queue", "b"}, {"b", "full"}), "");
  EXPECT_TRUE(Flag("full"));
  ASSERT_TRUE(workspace_.FindBlob("b")->Is<std::string>());
  EXPECT_EQ(*workspace_.FindBlob("b")->Get<std::string>(), "second");
}

TEST_F(QueueTest, RejectsBlobsThatCanNotBeMovedAndGivesTheOthersBack) {
  CreateQueue(1, 2);
  *workspace_.CreateBlob("text")->GetMutable<std::string>() = "text";
  EXPECT_EQ(Error("CreateMutex", {}, {"lock"}), "");
  EXPECT_THAT(Error("EnqueueBlobs", {"queue", "text", "lock"}, {"text", "lock"}),
              HasSubstr("a Mutex can not go from one blob to another"));
  EXPECT_EQ(*workspace_.FindBlob("text")->Get<std::string>(), "text");
  workspace_.CreateBlob("nothing");
  EXPECT_THAT(Error("EnqueueBlobs", {"queue", "text", "nothing"}, {"text", "nothing"}),
              HasSubstr("there is no value yet"));
}

TEST_F(QueueTest, RejectsToJoinStrings) {
  CreateQueue(2);
  for (const char* name : {"a", "b"}) {
    *workspace_.CreateBlob(name)->GetMutable<std::string>() = name;
    EXPECT_EQ(Error("EnqueueBlobs", {"queue", name}, {name}), "");
  }
  EXPECT_THAT(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"},
                    {MakeArgument<int64_t>("num_records", 2)}),
              HasSubstr("is a std::string, and only tensors can be joined"));
}

TEST_F(QueueTest, AReaderOfAQueueGivesKeysAndValues) {
  CreateQueue(3, 2);
  const std::vector<Argument> both = {MakeArgument<int64_t>("key_blob_index", 0),
                                      MakeArgument<int64_t>("value_blob_index", 1),
                                      MakeArgument<float>("timeout_secs", 0.01F)};
  EXPECT_EQ(Error("CreateBlobsQueueDB", {"queue"}, {"reader"}, both), "");
  ASSERT_TRUE(workspace_.Feed("key", Tensor::Of<std::string>({1}, {"a"})).ok());
  *workspace_.CreateBlob("value")->GetMutable<std::string>() = "first";
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "key", "value"}, {"key", "value"}), "");
  const DatabaseReader& reader = *workspace_.FindBlob("reader")->Get<DatabaseReader>();
  std::string key;
  std::string value;
  ASSERT_TRUE(reader.Read(&key, &value).ok());
  EXPECT_EQ(key, "a");
  EXPECT_EQ(value, "first");
  EXPECT_EQ(reader.Read(&key, &value).code(), absl::StatusCode::kDeadlineExceeded);
  Feed("value_of_numbers", {1});
  EXPECT_EQ(
      Error("EnqueueBlobs", {"queue", "key", "value_of_numbers"}, {"key", "value_of_numbers"}), "");
  EXPECT_THAT(std::string(reader.Read(&key, &value).message()),
              HasSubstr("must be a string, or a tensor of strings, but is float[1]"));
  EXPECT_EQ(Error("CloseBlobsQueue", {"queue"}, {}), "");
  EXPECT_EQ(reader.Read(&key, &value).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(reader.NewCursor().status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(reader.Description(), "queue \"queue\"");
}

TEST_F(QueueTest, RejectsReadersOfBlobsThatRecordsDoNotHave) {
  CreateQueue(1, 1);
  EXPECT_THAT(Error("CreateBlobsQueueDB", {"queue"}, {"reader"},
                    {MakeArgument<int64_t>("value_blob_index", 1)}),
              HasSubstr("records of the queue have 1 blobs"));
  EXPECT_THAT(Error("CreateBlobsQueueDB", {"queue"}, {"reader"},
                    {MakeArgument<int64_t>("value_blob_index", -1)}),
              HasSubstr("must be at least 0"));
  Feed("x", {1});
  EXPECT_THAT(Error("CreateBlobsQueueDB", {"x"}, {"reader"}), HasSubstr("must be a queue"));
}

TEST_F(QueueTest, WhatWasPutInIsNotChangedLater) {
  CreateQueue(1);
  Feed("x", {1, 2});
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "x"}, {"x"}), "");
  EXPECT_EQ(Error("Scale", {"x"}, {"x"}, {MakeArgument<float>("scale", 10)}), "");
  EXPECT_EQ(Error("DequeueBlobs", {"queue"}, {"y"}), "");
  EXPECT_EQ(Fetch("x"), (std::vector<float>{10, 20}));
  EXPECT_EQ(Fetch("y"), (std::vector<float>{1, 2}));
}

TEST_F(QueueTest, AClosedQueueIsEmptiedAndFilledAndThenEnds) {
  CreateQueue(1);
  Feed("x", {1});
  EXPECT_EQ(Error("CloseBlobsQueue", {"queue"}, {}), "");
  EXPECT_EQ(Error("SafeEnqueueBlobs", {"queue", "x"}, {"x", "full"}), "");
  EXPECT_FALSE(Flag("full"));
  EXPECT_EQ(Error("SafeEnqueueBlobs", {"queue", "x"}, {"x", "full"}), "");
  EXPECT_TRUE(Flag("full"));
  EXPECT_THAT(Error("EnqueueBlobs", {"queue", "x"}, {"x"}), HasSubstr("is closed and full"));
  EXPECT_EQ(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"}), "");
  EXPECT_FALSE(Flag("ended"));
  EXPECT_EQ(Fetch("y"), (std::vector<float>{1}));
  EXPECT_EQ(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"}), "");
  EXPECT_TRUE(Flag("ended"));
  EXPECT_EQ(Fetch("y"), (std::vector<float>{1}));
  const absl::Status status = Run("DequeueBlobs", {"queue"}, {"y"});
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is closed and empty"));
}

TEST_F(QueueTest, AWaitWithATimeoutEnds) {
  CreateQueue(1);
  const absl::Status status =
      Run("DequeueBlobs", {"queue"}, {"y"}, {MakeArgument<float>("timeout_secs", 0.01F)});
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_F(QueueTest, SeveralRecordsAreJoined) {
  CreateQueue(3);
  for (const std::vector<float>& values : {std::vector<float>{1, 2}, {3}, {4, 5}}) {
    Feed("x", values);
    EXPECT_EQ(Error("EnqueueBlobs", {"queue", "x"}, {"x"}), "");
  }
  const std::vector<Argument> two = {MakeArgument<int64_t>("num_records", 2)};
  EXPECT_EQ(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"}, two), "");
  EXPECT_EQ(Fetch("y"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(Error("CloseBlobsQueue", {"queue"}, {}), "");
  EXPECT_EQ(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"}, two), "");
  EXPECT_EQ(Fetch("y"), (std::vector<float>{4, 5}));
  EXPECT_FALSE(Flag("ended"));
}

TEST_F(QueueTest, RejectsRecordsThatCanNotBeJoined) {
  CreateQueue(2);
  Feed("x", {1});
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "x"}, {"x"}), "");
  ASSERT_TRUE(workspace_.Feed("x", Tensor::Scalar<float>(2)).ok());
  EXPECT_EQ(Error("EnqueueBlobs", {"queue", "x"}, {"x"}), "");
  EXPECT_THAT(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"},
                    {MakeArgument<int64_t>("num_records", 2)}),
              HasSubstr("blob 0 of a record is float[], which can not be joined with float[1]"));
}

TEST_F(QueueTest, RejectsOtherNumbersOfBlobs) {
  CreateQueue(2, 2);
  Feed("x", {1});
  EXPECT_THAT(Error("EnqueueBlobs", {"queue", "x"}, {"x"}),
              HasSubstr("records of the queue have 2 blobs, but there are 1 blobs"));
  EXPECT_THAT(Error("EnqueueBlobs", {"queue", "x"}, {"y"}),
              HasSubstr("output 0 must be the blob of input 1"));
  EXPECT_THAT(Error("SafeEnqueueBlobs", {"queue", "x"}, {"x"}), HasSubstr("outputs"));
  EXPECT_THAT(Error("DequeueBlobs", {"queue"}, {"y"}), HasSubstr("there are 1 outputs"));
  EXPECT_THAT(Error("SafeDequeueBlobs", {"queue"}, {"y", "ended"}),
              HasSubstr("there are 1 blobs before the status"));
}

TEST_F(QueueTest, RejectsWhatIsNoQueue) {
  Feed("queue", {1});
  EXPECT_THAT(Error("CloseBlobsQueue", {"queue"}, {}),
              HasSubstr("must be a queue that CreateBlobsQueue made, but holds Tensor"));
  CreateQueue(1, 1, "Rebatching");
  EXPECT_THAT(Error("DequeueBlobs", {"queue"}, {"y"}), HasSubstr("but holds RebatchingQueue"));
}

TEST_F(QueueTest, RejectsQueuesOfNothing) {
  EXPECT_THAT(Error("CreateBlobsQueue", {}, {"q"}, {MakeArgument<int64_t>("capacity", 0)}),
              HasSubstr("capacity is 0 and num_blobs 1, both must be at least 1"));
  EXPECT_THAT(Error("CreateRebatchingQueue", {}, {"q"}, {MakeArgument<int64_t>("num_blobs", -1)}),
              HasSubstr("num_blobs -1"));
  EXPECT_THAT(Error("CreateBlobsQueue", {}, {"q"}, {MakeArgument("field_names", Names{"a", "b"})}),
              HasSubstr("there are 2 field_names, but num_blobs is 1"));
}

TEST_F(QueueTest, QueuesAreChosenByWeight) {
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(Run("CreateBlobsQueue", {}, {name},
                    {MakeArgument<int64_t>("capacity", 20), MakeArgument<int64_t>("num_blobs", 2)})
                    .ok());
    Feed("x", {name[0] == 'a' ? 1.0F : 2.0F});
    Feed("i", {0});
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(Run("EnqueueBlobs", {name, "x", "i"}, {"x", "i"}).ok());
  }
  const std::vector<Argument> second = {MakeArgument<std::vector<float>>("weights", {0, 1}),
                                        MakeArgument<int64_t>("table_idx_blob", 1)};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        Run("WeightedSampleDequeueBlobs", {"a", "b"}, {"y", "table", "ended"}, second).ok());
    EXPECT_EQ(Fetch("y"), (std::vector<float>{2}));
    EXPECT_TRUE(TensorEquals(*workspace_.Fetch("table"), Tensor::Of<int32_t>({1}, {1})));
    EXPECT_FALSE(Flag("ended"));
  }
  ASSERT_TRUE(Run("CloseBlobsQueue", {"b"}, {}).ok());
  ASSERT_TRUE(Run("WeightedSampleDequeueBlobs", {"a", "b"}, {"y", "table", "ended"}, second).ok());
  EXPECT_TRUE(Flag("ended"));
}

TEST_F(QueueTest, RejectsWeightsThatAreNone) {
  CreateQueue(1);
  const auto error = [this](const std::vector<float>& weights, int64_t table) {
    return Error("WeightedSampleDequeueBlobs", {"queue"}, {"y", "ended"},
                 {MakeArgument<std::vector<float>>("weights", weights),
                  MakeArgument<int64_t>("table_idx_blob", table)});
  };
  EXPECT_THAT(error({1, 2}, -1), HasSubstr("there are 2 weights, but 1 queues"));
  EXPECT_THAT(error({-1}, -1), HasSubstr("a weight is -1"));
  EXPECT_THAT(error({0}, -1), HasSubstr("the weights sum to 0"));
  EXPECT_THAT(error({std::nanf("")}, -1), HasSubstr("a weight is nan"));
  EXPECT_THAT(error({1}, 1), HasSubstr("table_idx_blob is 1, but there are 1 blobs"));
}

TEST_F(QueueTest, NothingIsLostOrDoubledBetweenSeveralWritersAndReaders) {
  constexpr int kWriters = 3;
  constexpr int kReaders = 3;
  constexpr int kEach = 200;
  CreateQueue(4);
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    const std::string blob = absl::StrCat("w", w);
    Feed(blob, {0});
    NetBuilder net(absl::StrCat("write", w));
    net.Op("EnqueueBlobs", {"queue", blob}, {blob});
    const absl::StatusOr<Net*> made = workspace_.CreateNet(net.def());
    ASSERT_TRUE(made.ok()) << made.status();
    writers.emplace_back([this, w, blob, net = *made] {
      for (int i = 0; i < kEach; ++i) {
        ASSERT_TRUE(
            workspace_.Feed(blob, Tensor::Of<float>({1}, {static_cast<float>(w * kEach + i)}))
                .ok());
        ASSERT_TRUE(net->Run().ok());
      }
    });
  }
  std::vector<std::vector<float>> seen(kReaders);
  std::vector<std::thread> readers;
  for (int r = 0; r < kReaders; ++r) {
    const std::string blob = absl::StrCat("r", r);
    const std::string ended = absl::StrCat("ended", r);
    NetBuilder net(absl::StrCat("read", r));
    net.Op("SafeDequeueBlobs", {"queue"}, {blob, ended});
    const absl::StatusOr<Net*> made = workspace_.CreateNet(net.def());
    ASSERT_TRUE(made.ok()) << made.status();
    readers.emplace_back([this, blob, ended, net = *made, out = &seen[r]] {
      while (true) {
        ASSERT_TRUE(net->Run().ok());
        if (Flag(ended)) return;
        out->push_back(Fetch(blob)[0]);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(Run("CloseBlobsQueue", {"queue"}, {}).ok());
  for (std::thread& reader : readers) reader.join();
  std::vector<float> all;
  for (const std::vector<float>& some : seen) {
    for (int w = 0; w < kWriters; ++w) {
      std::vector<float> of_writer;
      for (float value : some) {
        if (static_cast<int>(value) / kEach == w) of_writer.push_back(value);
      }
      EXPECT_TRUE(std::is_sorted(of_writer.begin(), of_writer.end()));
    }
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), static_cast<size_t>(kWriters * kEach));
  for (int i = 0; i < kWriters * kEach; ++i) EXPECT_EQ(all[i], i);
}

TEST_F(QueueTest, APlanHandsRecordsFromOneStepToAnother) {
  CreateQueue(2);
  Feed("one", {1});
  Feed("i", {0});
  Feed("sum", {0});
  NetBuilder write("write");
  write.Op("Add", {"i", "one"}, {"i"}).Op("EnqueueBlobs", {"queue", "i"}, {"i"});
  NetBuilder close("close");
  close.Op("CloseBlobsQueue", {"queue"}, {});
  NetBuilder read("read");
  read.Op("SafeDequeueBlobs", {"queue"}, {"y", "ended"});
  NetBuilder add("add");
  add.Op("Add", {"sum", "y"}, {"sum"});
  ExecutionStep many = Step(write.def());
  many.set_num_iter(50);
  ExecutionStep writer;
  writer.set_name("writer");
  *writer.add_substep() = many;
  *writer.add_substep() = Step(close.def());
  ExecutionStep reader = Step(read.def(), "ended");
  *plan_.add_network() = add.def();
  reader.add_network("add");
  const absl::Status status = RunSideBySide({writer, reader});
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Fetch("sum"), (std::vector<float>{50 * 51 / 2}));
}

TEST_F(QueueTest, AStepThatFailsEndsThoseThatWait) {
  CreateQueue(1);
  Feed("x", {1});
  NetBuilder read("read");
  read.Op("DequeueBlobs", {"queue"}, {"y"});
  NetBuilder fail("fail");
  fail.Op("Fail", {}, {});
  const absl::Status status = RunSideBySide({Step(read.def()), Step(fail.def())});
  EXPECT_THAT(std::string(status.message()), HasSubstr("Fail"));
  EXPECT_NE(status.code(), absl::StatusCode::kCancelled);
}

TEST_F(QueueTest, AnOperatorThatFailsEndsThoseThatWaitInTheSameNet) {
  CreateQueue(1);
  NetBuilder net("net");
  net.Type("parallel");
  net.mutable_def()->set_num_workers(2);
  net.Op("DequeueBlobs", {"queue"}, {"y"}).Op("Fail", {}, {});
  const absl::Status status = workspace_.RunNetOnce(net.def());
  EXPECT_THAT(std::string(status.message()), HasSubstr("op 1 Fail"));
}

TEST_F(QueueTest, ACancelledNetWaitsNoLonger) {
  CreateQueue(1);
  NetBuilder net("net");
  net.Op("DequeueBlobs", {"queue"}, {"y"});
  const absl::StatusOr<Net*> made = workspace_.CreateNet(net.def());
  ASSERT_TRUE(made.ok()) << made.status();
  absl::Status status;
  std::thread thread([&] { status = (*made)->Run(); });
  while (!(*made)->is_running()) std::this_thread::yield();
  // A run that has only just begun forgets that it was cancelled before.
  while ((*made)->is_running()) {
    (*made)->Cancel();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  thread.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_F(QueueTest, TheHostEndsAWait) {
  CreateQueue(1);
  static std::atomic<int> asked{0};
  asked = 0;
  SetInterruptPoll([] { return ++asked > 3; });
  Feed("x", {1});
  const absl::Status status = Run("DequeueBlobs", {"queue"}, {"y"});
  SetInterruptPoll(nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_F(QueueTest, AQueueThatIsReplacedOrRemovedEndsThoseThatWait) {
  for (const bool is_replaced : {true, false}) {
    CreateQueue(1);
    Workspace child(&workspace_);
    NetBuilder net("net");
    net.Op("SafeDequeueBlobs", {"queue"}, {"y", "ended"});
    const absl::StatusOr<Net*> made = child.CreateNet(net.def());
    ASSERT_TRUE(made.ok()) << made.status();
    absl::Status status;
    static std::atomic<int> asked{0};
    asked = 0;
    SetInterruptPoll([] {
      ++asked;
      return false;
    });
    std::thread thread([&] { status = (*made)->Run(); });
    // Once before the operator runs; then only while it waits for the queue that it has found.
    while (asked < 2) std::this_thread::yield();
    if (is_replaced) {
      CreateQueue(1);
    } else {
      workspace_.FindBlob("queue")->Reset();
    }
    thread.join();
    SetInterruptPoll(nullptr);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(child.Fetch("ended")->data<bool>()[0]);
  }
}

class RebatchingQueueTest : public QueueTest {
 protected:
  std::string Enqueue(bool batch) {
    return Error("EnqueueRebatchingQueue", {"queue", "x"}, {},
                 {MakeArgument<bool>("enqueue_batch", batch)});
  }
  std::string Dequeue(int64_t count) {
    return Error("DequeueRebatchingQueue", {"queue"}, {"y"},
                 {MakeArgument<int64_t>("num_elements", count)});
  }
};

TEST_F(RebatchingQueueTest, BatchesAreTakenApartAndMadeAnew) {
  CreateQueue(10, 1, "Rebatching");
  ASSERT_TRUE(workspace_.Feed("x", Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})).ok());
  EXPECT_EQ(Enqueue(true), "");
  EXPECT_EQ(Dequeue(2), "");
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("y"), Tensor::Of<float>({2, 2}, {1, 2, 3, 4})));
  EXPECT_EQ(Dequeue(1), "");
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("y"), Tensor::Of<float>({1, 2}, {5, 6})));
  EXPECT_EQ(Enqueue(false), "");
  EXPECT_EQ(Dequeue(1), "");
  EXPECT_EQ(workspace_.Fetch("y")->TypeAndShape(), "float[1,3,2]");
}

TEST_F(RebatchingQueueTest, AClosedQueueGivesWhatIsLeftAndTakesNothing) {
  CreateQueue(10, 1, "Rebatching");
  Feed("x", {1, 2, 3});
  EXPECT_EQ(Enqueue(true), "");
  EXPECT_EQ(Error("CloseRebatchingQueue", {"queue"}, {}), "");
  EXPECT_THAT(Enqueue(true), HasSubstr("is closed"));
  EXPECT_EQ(Dequeue(5), "");
  EXPECT_EQ(Fetch("y"), (std::vector<float>{1, 2, 3}));
  EXPECT_THAT(Dequeue(5), HasSubstr("is closed and empty"));
}

TEST_F(RebatchingQueueTest, ABatchLargerThanTheQueueWaitsForItsReaders) {
  CreateQueue(2, 1, "Rebatching");
  std::vector<float> values(100);
  for (int i = 0; i < 100; ++i) values[i] = static_cast<float>(i);
  Feed("x", values);
  std::thread writer([this] { EXPECT_EQ(Enqueue(true), ""); });
  std::vector<float> all;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Dequeue(5), "");
    for (float value : Fetch("y")) all.push_back(value);
  }
  writer.join();
  EXPECT_EQ(all, values);
}

TEST_F(RebatchingQueueTest, ElementsOfAReaderThatIsCancelledAreNotLost) {
  CreateQueue(3, 1, "Rebatching");
  Feed("x", {1, 2});
  EXPECT_EQ(Enqueue(true), "");
  SetInterruptPoll([] {
    static std::atomic<int> asked{0};
    return ++asked > 2;
  });
  EXPECT_THAT(Dequeue(5), HasSubstr("was cancelled"));
  SetInterruptPoll(nullptr);
  EXPECT_EQ(Dequeue(2), "");
  EXPECT_EQ(Fetch("y"), (std::vector<float>{1, 2}));
}

TEST_F(RebatchingQueueTest, RejectsElementsThatDoNotFit) {
  CreateQueue(4, 2, "Rebatching");
  Feed("x", {1, 2});
  Feed("z", {1});
  EXPECT_THAT(Enqueue(true), HasSubstr("have 2 blobs, but there are 1 tensors"));
  EXPECT_THAT(Error("EnqueueRebatchingQueue", {"queue", "x", "z"}, {},
                    {MakeArgument<bool>("enqueue_batch", true)}),
              HasSubstr("must have as many rows as"));
  ASSERT_TRUE(workspace_.Feed("z", Tensor::Scalar<float>(1)).ok());
  EXPECT_THAT(Error("EnqueueRebatchingQueue", {"queue", "x", "z"}, {},
                    {MakeArgument<bool>("enqueue_batch", true)}),
              HasSubstr("is a scalar"));
  CreateQueue(4, 1, "Rebatching");
  EXPECT_EQ(Enqueue(false), "");
  Feed("x", {1});
  EXPECT_EQ(Enqueue(false), "");
  EXPECT_THAT(Dequeue(2), HasSubstr("tensor 0 of an element is float[1], which does not go into "
                                    "one batch with float[2]"));
  EXPECT_THAT(Dequeue(0), HasSubstr("num_elements is 0, must be at least 1"));
}

}  // namespace
}  // namespace doppio
