#include <thread>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

class AtomicAppendTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        workspace_.RunOperatorOnce(CreateOperatorDef("CreateMutex", "", {}, {"mutex"})).ok());
    Feed("a", Tensor::Of<int64_t>({1}, {1}));
    Feed("b", Tensor::Of<float>({0}, {}));
    Feed("x", Tensor::Of<int64_t>({2}, {2, 3}));
    Feed("y", Tensor::Of<std::string>({1, 1}, {"4"}));
  }
  void Feed(const std::string& name, absl::StatusOr<Tensor> value) {
    ASSERT_TRUE(workspace_.Feed(name, std::move(value)).ok());
  }
  std::string Error(const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs) {
    return std::string(
        workspace_.RunOperatorOnce(CreateOperatorDef("AtomicAppend", "", inputs, outputs))
            .message());
  }

  Workspace workspace_;
};

TEST_F(AtomicAppendTest, AllColumnsGrow) {
  EXPECT_EQ(Error({"mutex", "a", "b", "x", "y"}, {"a", "b"}), "");
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("a"), Tensor::Of<int64_t>({3}, {1, 2, 3})));
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("b"), Tensor::Of<std::string>({1, 1}, {"4"})));
  EXPECT_EQ(Error({"mutex", "a", "b", "x", "y"}, {"a", "b"}), "");
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("b"), Tensor::Of<std::string>({2, 1}, {"4", "4"})));
}

TEST_F(AtomicAppendTest, NoColumnGrowsWhereOneCanNot) {
  Feed("b", Tensor::Of<std::string>({1, 2}, {"1", "2"}));
  EXPECT_THAT(Error({"mutex", "a", "b", "x", "y"}, {"a", "b"}),
              HasSubstr("rows of string[1,1] can not be appended to string[1,2]"));
  EXPECT_TRUE(TensorEquals(*workspace_.Fetch("a"), Tensor::Of<int64_t>({1}, {1})));
}

TEST_F(AtomicAppendTest, RejectsScalarsAndOtherBlobs) {
  Feed("x", Tensor::Scalar<int64_t>(1));
  EXPECT_THAT(Error({"mutex", "a", "x"}, {"a"}),
              HasSubstr("what is appended must be at least a vector, but is a scalar"));
  EXPECT_THAT(Error({"mutex", "a", "mutex"}, {"a"}), HasSubstr("must be a tensor with a value"));
  EXPECT_THAT(Error({"a", "b", "y"}, {"b"}),
              HasSubstr("must be a lock that CreateMutex made, but holds Tensor"));
  EXPECT_THAT(Error({"mutex", "a", "x"}, {"c"}),
              HasSubstr("output 0 must be the blob of input 1, \"a\""));
  EXPECT_THAT(Error({"mutex", "a", "b", "x"}, {"a"}), HasSubstr("two inputs for each output"));
}

TEST_F(AtomicAppendTest, ThreadsAppendToTheSameColumns) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 100;
  Feed("b", Tensor::Of<int64_t>({0}, {}));
  Feed("a", Tensor::Of<int64_t>({0}, {}));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    const std::string blob = absl::StrCat("t", t);
    Feed(blob, Tensor::Of<int64_t>({1}, {t}));
    NetBuilder net(absl::StrCat("append", t));
    net.Op("AtomicAppend", {"mutex", "a", "b", blob, blob}, {"a", "b"});
    const absl::StatusOr<Net*> made = workspace_.CreateNet(net.def());
    ASSERT_TRUE(made.ok()) << made.status();
    threads.emplace_back([net = *made] {
      for (int run = 0; run < kRuns; ++run) EXPECT_TRUE(net->Run().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Tensor a = *workspace_.Fetch("a");
  EXPECT_EQ(a.dim(0), kThreads * kRuns);
  EXPECT_TRUE(TensorEquals(a, workspace_.Fetch("b")));
  std::vector<int> counts(kThreads);
  for (int64_t value : a.span<int64_t>()) ++counts[value];
  EXPECT_EQ(counts, std::vector<int>(kThreads, kRuns));
}

}  // namespace
}  // namespace doppio
