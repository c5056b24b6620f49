// Where the system gives no more threads: each needs a stack, for which there is no address space.

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/forked_process.h"

namespace doppio {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;  // which needs its address space itself
#else
constexpr bool kHasSanitizer = false;
#endif

class FewThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kHasSanitizer) GTEST_SKIP() << "sanitizers need the address space that is taken away";
    ASSERT_TRUE(workspace_.Feed("X", Tensor::Scalar<float>(1)).ok());
  }

  // From here on there is room for a few stacks.
  static absl::Status TakeAddressSpaceAway() {
    constexpr rlim_t kLeft = 40 << 20;
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit;
    limit.rlim_cur = limit.rlim_max = pages * static_cast<rlim_t>(getpagesize()) + kLeft;
    return setrlimit(RLIMIT_AS, &limit) == 0 ? absl::OkStatus()
                                             : absl::InternalError("can not limit");
  }

  Workspace workspace_;
};

TEST_F(FewThreadsTest, AParallelNetRunsOnThoseThatThereAre) {
  EXPECT_TRUE(SucceedsInAForkedProcess([&]() -> absl::Status {
    DOPPIO_RETURN_IF_ERROR(TakeAddressSpaceAway());
    NetBuilder net("net");
    for (int i = 0; i < 64; ++i) net.Op("Add", {"X", "X"}, {absl::StrCat("Y", i)});
    net.Type("parallel").mutable_def()->set_num_workers(64);
    DOPPIO_RETURN_IF_ERROR(workspace_.RunNetOnce(net.def()));
    return workspace_.Fetch("Y63").status();
  }));
}

TEST_F(FewThreadsTest, APlanThatNeedsMoreFailsAndEnds) {
  EXPECT_TRUE(SucceedsInAForkedProcess([&]() -> absl::Status {
    DOPPIO_RETURN_IF_ERROR(TakeAddressSpaceAway());
    PlanDef plan;
    plan.set_name("plan");
    *plan.add_network() = NetBuilder("wait").Op("DequeueBlobs", {"queue"}, {"Y"}).def();
    ExecutionStep* step = plan.add_execution_step();
    step->set_num_concurrent_instances(64);
    step->set_create_workspace(true);
    ExecutionStep* inner = step->add_substep();
    inner->add_network("wait");
    inner->set_create_workspace(true);
    DOPPIO_RETURN_IF_ERROR(workspace_.RunOperatorOnce(CreateOperatorDef(
        "CreateBlobsQueue", "", {}, {"queue"}, {MakeArgument<int64_t>("capacity", 1)})));
    const absl::Status status = workspace_.RunPlan(plan);
    return absl::IsResourceExhausted(status) ? absl::OkStatus()
                                             : absl::InternalError(status.ToString());
  }));
}

}  // namespace
}  // namespace doppio
