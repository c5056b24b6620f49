// Nets with threads in a process that was forked from one that ran them: the threads are not there.

#include <chrono>
#include <thread>

#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/forked_process.h"

namespace doppio {
namespace {

// Y0 to Y3 = 2 X, each by itself.
NetDef FourSums(const std::string& name) {
  NetBuilder net(name);
  for (int i = 0; i < 4; ++i) net.Op("Add", {"X", "X"}, {absl::StrCat("Y", i)});
  net.Type("parallel").mutable_def()->set_num_workers(4);
  return net.def();
}

absl::Status RunAndCheck(Workspace* workspace, float x) {
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("X", Tensor::Scalar<float>(x)));
  DOPPIO_RETURN_IF_ERROR(workspace->RunNet("sums"));
  for (int i = 0; i < 4; ++i) {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor y, workspace->Fetch(absl::StrCat("Y", i)));
    if (y.data<float>()[0] != 2 * x) return absl::InternalError("a wrong sum");
  }
  return absl::OkStatus();
}

class ForkedNetTest : public testing::Test {
 protected:
  ForkedNetTest() {
    EXPECT_TRUE(workspace_.Feed("X", Tensor::Scalar<float>(0)).ok());
    EXPECT_TRUE(workspace_.CreateNet(FourSums("sums")).ok());
    EXPECT_TRUE(RunAndCheck(&workspace_, 1).ok());
  }

  Workspace workspace_;
};

TEST_F(ForkedNetTest, AParallelNetRunsInAChildAndIsDeletedThere) {
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    for (const float x : {2.0F, 3.0F}) DOPPIO_RETURN_IF_ERROR(RunAndCheck(&workspace_, x));
    return workspace_.ResetWorkspace();
  }));
  EXPECT_TRUE(RunAndCheck(&workspace_, 4).ok());
}

TEST_F(ForkedNetTest, AParallelNetThatDidNotRunInAChildIsDeletedThere) {
  EXPECT_TRUE(SucceedsInAForkedProcess([&] { return workspace_.ResetWorkspace(); }));
  EXPECT_TRUE(RunAndCheck(&workspace_, 4).ok());
}

TEST_F(ForkedNetTest, AChildMakesParallelNetsOfItsOwn) {
  if (!kChildrenMayHaveThreads) GTEST_SKIP() << kNoThreadsInChildren;
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    Workspace workspace;
    DOPPIO_RETURN_IF_ERROR(workspace.Feed("X", Tensor::Scalar<float>(0)));
    DOPPIO_RETURN_IF_ERROR(workspace.CreateNet(FourSums("sums")).status());
    return RunAndCheck(&workspace, 5);
  }));
}

TEST_F(ForkedNetTest, ANetThatRanDuringTheForkIsSaidToRun) {
  Workspace other;
  NetBuilder waiting("waiting");
  waiting.Op("DequeueBlobs", {"queue"}, {"y"});
  ASSERT_TRUE(other
                  .RunNetOnce(NetBuilder("init")
                                  .Op("CreateBlobsQueue", {}, {"queue"},
                                      {MakeArgument<int64_t>("capacity", 1)})
                                  .def())
                  .ok());
  const absl::StatusOr<Net*> net = other.CreateNet(waiting.def());
  ASSERT_TRUE(net.ok()) << net.status();
  std::thread runner([&] { EXPECT_TRUE(absl::IsCancelled((*net)->Run())); });
  while (!(*net)->is_running()) std::this_thread::yield();
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    const absl::Status status = (*net)->Run();
    if (!absl::IsFailedPrecondition(status)) return absl::InternalError(status.ToString());
    return absl::IsFailedPrecondition(other.ResetWorkspace()) ? absl::OkStatus()
                                                              : absl::InternalError("was reset");
  }));
  while ((*net)->is_running()) {
    (*net)->Cancel();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  runner.join();
}

TEST_F(ForkedNetTest, APlanWithThreadsRunsInAChild) {
  if (!kChildrenMayHaveThreads) GTEST_SKIP() << kNoThreadsInChildren;
  PlanDef plan;
  plan.set_name("plan");
  ExecutionStep* all = plan.add_execution_step();
  all->set_concurrent_substeps(true);
  for (int i = 0; i < 3; ++i) {
    const std::string name = absl::StrCat("net", i);
    *plan.add_network() =
        NetBuilder(name).Op("Add", {"X", "X"}, {absl::StrCat("Z", i)}).Type("parallel").def();
    all->add_substep()->add_network(name);
  }
  ASSERT_TRUE(workspace_.RunPlan(plan).ok());
  EXPECT_TRUE(SucceedsInAForkedProcess([&] { return workspace_.RunPlan(plan); }));
}

TEST_F(ForkedNetTest, APredictorPredictsInAChild) {
  NetDef sums = FourSums("predict");
  sums.add_external_input("X");
  for (int i = 0; i < 4; ++i) sums.add_external_output(absl::StrCat("Y", i));
  const auto predictor = Predictor::Create(NetDef(), sums);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const auto predict = [&]() -> absl::Status {
    DOPPIO_ASSIGN_OR_RETURN(const auto results, (*predictor)->Run({*Tensor::Of<float>({1}, {3})}));
    return results.size() == 4 && results[3].data<float>()[0] == 6
               ? absl::OkStatus()
               : absl::InternalError("predicts wrongly");
  };
  ASSERT_TRUE(predict().ok());
  EXPECT_TRUE(SucceedsInAForkedProcess(predict));
}

}  // namespace
}  // namespace doppio
