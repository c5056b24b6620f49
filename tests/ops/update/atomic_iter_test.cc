#include <thread>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/serialize.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

class AtomicIterTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(workspace_.Feed("iter", Tensor::Of<int64_t>({1}, {0})).ok());
    init_.Op("CreateMutex", {}, {"mutex"});
    count_.Op("AtomicIter", {"mutex", "iter"}, {"iter"});
  }

  Workspace workspace_;
  NetBuilder init_{"init"};
  NetBuilder count_{"count"};
};

TEST_F(AtomicIterTest, AddsOneWhileItHoldsTheLock) {
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  for (int run = 0; run < 3; ++run) ASSERT_TRUE(workspace_.RunNetOnce(count_.def()).ok());
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("iter"), Tensor::Of<int64_t>({1}, {3})));
  EXPECT_EQ(workspace_.FindBlob("mutex")->TypeName(), "Mutex");
}

TEST_F(AtomicIterTest, NetsThatRunAtTheSameTimeCountInOneBlob) {
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  constexpr int kThreads = 4;
  constexpr int kRuns = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    NetDef def = count_.def();
    def.set_name(absl::StrCat("count", t));
    const absl::StatusOr<Net*> net = workspace_.CreateNet(def);
    ASSERT_TRUE(net.ok()) << net.status();
    threads.emplace_back([net] {
      for (int run = 0; run < kRuns; ++run) EXPECT_TRUE((*net)->Run().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(
      TensorEquals(*workspace_.Fetch("iter"), Tensor::Of<int64_t>({1}, {kThreads * kRuns})));
}

TEST_F(AtomicIterTest, ALockStaysTheOneThatItIs) {
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  ASSERT_TRUE(workspace_.CreateNet(count_.def()).ok());
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  EXPECT_TRUE(workspace_.RunNet("count").ok());
}

TEST_F(AtomicIterTest, ALockIsWrittenAndReadAsCaffe2Does) {
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  const absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("mutex"), "mutex");
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->type(), "std::unique_ptr<std::mutex>");
  workspace_.FindBlob("mutex")->Reset();
  const absl::Status status = BlobFromProto(*proto, workspace_.FindBlob("mutex").get());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(workspace_.RunNetOnce(count_.def()).ok());
}

TEST_F(AtomicIterTest, RejectsWhatIsNoLock) {
  ASSERT_TRUE(workspace_.Feed("mutex", Tensor::Scalar<float>(1)).ok());
  const absl::Status status = workspace_.RunNetOnce(count_.def());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("must be a lock that CreateMutex made, but holds Tensor"),
            std::string::npos)
      << status;
}

TEST_F(AtomicIterTest, RejectsWhatIsNoCounter) {
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  ASSERT_TRUE(workspace_.Feed("iter", Tensor::Of<float>({1}, {0})).ok());
  EXPECT_EQ(workspace_.RunNetOnce(count_.def()).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(AtomicIterTest, RejectsAnotherOutput) {
  ASSERT_TRUE(workspace_.RunNetOnce(init_.def()).ok());
  NetBuilder other("other");
  other.Op("AtomicIter", {"mutex", "iter"}, {"next"});
  EXPECT_EQ(workspace_.RunNetOnce(other.def()).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace doppio
