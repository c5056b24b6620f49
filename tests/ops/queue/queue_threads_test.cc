// Queues between threads that end in every way: closed, failing, reset, in a forked process.

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/serialize.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/forked_process.h"

namespace doppio {
namespace {

using Names = std::vector<std::string>;
using Args = std::vector<Argument>;

absl::Status RunIn(Workspace* workspace, absl::string_view type, const Names& inputs,
                   const Names& outputs, const Args& args = {}) {
  return workspace->RunOperatorOnce(CreateOperatorDef(type, "", inputs, outputs, args));
}

absl::StatusOr<bool> Flag(const Workspace& workspace, const std::string& name) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, workspace.Fetch(name));
  return tensor.data<bool>()[0];
}

class QueueThreadsTest : public testing::Test {
 protected:
  void Create(absl::string_view kind, const std::string& name, int64_t capacity) {
    const absl::Status status = RunIn(&workspace_, absl::StrCat("Create", kind, "Queue"), {},
                                      {name}, {MakeArgument<int64_t>("capacity", capacity)});
    ASSERT_TRUE(status.ok()) << status;
  }
  absl::Status Run(absl::string_view type, const Names& inputs, const Names& outputs,
                   const Args& args = {}) {
    return RunIn(&workspace_, type, inputs, outputs, args);
  }

  Workspace workspace_;
};

TEST_F(QueueThreadsTest, WhatWentInBeforeTheQueueWasClosedComesOutOnce) {
  for (int round = 0; round < 10; ++round) {
    Create("Blobs", "queue", 2);
    std::atomic<int64_t> put{0}, taken{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        Workspace own(&workspace_);
        for (int64_t i = 1;; ++i) {
          const int64_t value = 1000 * t + i;
          ASSERT_TRUE(own.Feed("x", Tensor::Of<int64_t>({1}, {value})).ok());
          const absl::Status status = RunIn(&own, "SafeEnqueueBlobs", {"queue", "x"}, {"x", "end"});
          ASSERT_TRUE(status.ok()) << status;
          if (*Flag(own, "end")) return;
          put += value;
        }
      });
      threads.emplace_back([&] {
        Workspace own(&workspace_);
        while (true) {
          const absl::Status status = RunIn(&own, "SafeDequeueBlobs", {"queue"}, {"y", "end"});
          ASSERT_TRUE(status.ok()) << status;
          if (*Flag(own, "end")) return;
          taken += own.Fetch("y")->data<int64_t>()[0];
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    ASSERT_TRUE(Run("CloseBlobsQueue", {"queue"}, {}).ok());
    for (std::thread& thread : threads) thread.join();
    // A closed queue is filled up, so that the last ones may have come after the last reader left.
    Workspace own(&workspace_);
    while (true) {
      ASSERT_TRUE(RunIn(&own, "SafeDequeueBlobs", {"queue"}, {"y", "end"}).ok());
      if (*Flag(own, "end")) break;
      taken += own.Fetch("y")->data<int64_t>()[0];
    }
    EXPECT_EQ(put, taken);
  }
}

TEST_F(QueueThreadsTest, AStepThatFailsEndsAllThatWaitForQueuesOfBothKinds) {
  Create("Blobs", "empty", 1);
  Create("Blobs", "full", 1);
  Create("Rebatching", "batches", 1);
  ASSERT_TRUE(workspace_.Feed("x", Tensor::Of<float>({1}, {1})).ok());
  ASSERT_TRUE(Run("EnqueueBlobs", {"full", "x"}, {"x"}).ok());
  PlanDef plan;
  plan.set_name("plan");
  ExecutionStep* all = plan.add_execution_step();
  all->set_concurrent_substeps(true);
  const auto add = [&](NetBuilder net) {
    *plan.add_network() = net.def();
    all->add_substep()->add_network(net.def().name());
  };
  add(NetBuilder("take").Op("DequeueBlobs", {"empty"}, {"y"}));
  add(NetBuilder("put").Op("EnqueueBlobs", {"full", "x"}, {"x"}));
  add(NetBuilder("take_batch").Op("DequeueRebatchingQueue", {"batches"}, {"z"}));
  add(NetBuilder("take_beside").Type("parallel").Op("DequeueBlobs", {"empty"}, {"u"}));
  add(NetBuilder("fail").Op("Fail", {}, {}));
  const auto begin = std::chrono::steady_clock::now();
  const absl::Status status = workspace_.RunPlan(plan);
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(absl::IsCancelled(status)) << status;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST_F(QueueThreadsTest, APrefetcherThatWaitsForAQueueEndsWithItsWorkspace) {
  for (int round = 0; round < 5; ++round) {
    Create("Blobs", "queue", 1);
    ASSERT_TRUE(Run("CreateBlobsQueueDB", {"queue"}, {"reader"},
                    {MakeArgument<int64_t>("value_blob_index", 0)})
                    .ok());
    TensorProtos example;
    *example.add_protos() = *TensorToProto(*Tensor::Of<float>({1}, {3}));
    *workspace_.CreateBlob("example")->GetMutable<std::string>() = example.SerializeAsString();
    ASSERT_TRUE(Run("EnqueueBlobs", {"queue", "example"}, {"example"}).ok());
    NetBuilder net("input");
    net.Op("TensorProtosDBInput", {"reader"}, {"x"});
    ASSERT_TRUE(workspace_.CreateNet(net.def()).ok());
    // Then the thread waits for a second one, which does not come.
    const absl::Status status = workspace_.RunNet("input");
    ASSERT_TRUE(status.ok()) << status;
    if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ASSERT_TRUE(workspace_.ResetWorkspace().ok());
  }
}

TEST_F(QueueThreadsTest, AForkedProcessMakesQueuesOfItsOwn) {
  Create("Blobs", "queue", 1);
  std::thread reader([&] {
    Workspace own(&workspace_);
    const absl::Status status = RunIn(&own, "DequeueBlobs", {"queue"}, {"y"});
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(own.Fetch("y")->data<float>()[0], 5);
  });
  ASSERT_TRUE(workspace_.Feed("x", Tensor::Of<float>({1}, {5})).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // until the reader waits
  EXPECT_TRUE(SucceedsInAForkedProcess([&]() -> absl::Status {
    for (const absl::Status& status :
         {Run("EnqueueBlobs", {"queue", "x"}, {"x"}), Run("DequeueBlobs", {"queue"}, {"y"})}) {
      if (!absl::IsFailedPrecondition(status)) return absl::InternalError(status.ToString());
    }
    DOPPIO_RETURN_IF_ERROR(Run("CloseBlobsQueue", {"queue"}, {}));
    Create("Blobs", "queue", 1);
    DOPPIO_RETURN_IF_ERROR(Run("EnqueueBlobs", {"queue", "x"}, {"x"}));
    DOPPIO_RETURN_IF_ERROR(Run("DequeueBlobs", {"queue"}, {"y"}));
    return workspace_.ResetWorkspace();
  }));
  ASSERT_TRUE(Run("EnqueueBlobs", {"queue", "x"}, {"x"}).ok());
  reader.join();
}

}  // namespace
}  // namespace doppio
