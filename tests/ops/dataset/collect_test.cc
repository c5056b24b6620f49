#include <algorithm>
#include <deque>
#include <limits>

#include "doppio/registry.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

class TensorVectorTest : public StateTest {
 protected:
  void SetUp() override {
    MustRun("CreateTensorVector", {}, {"list"});
    Feed("X", Tensor::Of<float>({2}, {1, 2}));
  }
  static OperatorDef Collect(int wanted) {
    return Def("CollectTensor", {"list", "X"}, {"list"}, {Arg("num_to_collect", wanted)});
  }
  int32_t Size() {
    MustRun("TensorVectorSize", {"list"}, {"size"});
    return Scalar<int32_t>("size");
  }
};

TEST_F(TensorVectorTest, CollectsTheFirstTensors) {
  EXPECT_EQ(Size(), 0);
  const auto collect = CreateOperator(Collect(2), &workspace_);
  ASSERT_TRUE(collect.ok()) << collect.status();
  ASSERT_TRUE((*collect)->Run().ok());
  Feed("X", Tensor::Of<float>({1}, {3}));
  ASSERT_TRUE((*collect)->Run().ok());
  EXPECT_EQ(Size(), 2);
  MustRun("ConcatTensorVector", {"list"}, {"all"});
  ExpectBlob("all", Tensor::Of<float>({3}, {1, 2, 3}));
  MustRun("CreateTensorVector", {}, {"list"});
  EXPECT_EQ(Size(), 0);
}

TEST_F(TensorVectorTest, KeepsEachTensorWithTheSameProbability) {
  constexpr int kRuns = 20000;
  constexpr int kWanted = 1000;
  MustRun("CreateTensorVector", {}, {"other"});
  OperatorDef def = Def("CollectTensor", {"list", "other", "X", "X"}, {"list", "other"},
                        {Arg("num_to_collect", kWanted)});
  def.mutable_device_option()->set_random_seed(3);
  const auto collect = CreateOperator(def, &workspace_);
  ASSERT_TRUE(collect.ok()) << collect.status();
  for (int run = 0; run < kRuns; ++run) {
    Feed("X", Tensor::Of<int32_t>({1}, {run}));
    ASSERT_TRUE((*collect)->Run().ok());
  }
  EXPECT_EQ(Size(), kWanted);
  MustRun("ConcatTensorVector", {"list"}, {"all"});
  MustRun("ConcatTensorVector", {"other"}, {"all_other"});
  ExpectBlob("all_other", workspace_.Fetch("all"));
  const absl::StatusOr<Tensor> all = workspace_.Fetch("all");
  std::vector<int> tenths(10);
  for (int32_t run : all->span<int32_t>()) ++tenths[run / (kRuns / 10)];
  for (int count : tenths) EXPECT_NEAR(count, kWanted / 10, 45);  // 4.7 standard deviations
}

TEST_F(TensorVectorTest, IsReadWhileAnotherThreadCollects) {
  const auto collect = CreateOperator(Collect(100), &workspace_);
  const auto size = CreateOperator(Def("TensorVectorSize", {"list"}, {"size"}), &workspace_);
  ASSERT_TRUE(collect.ok() && size.ok());
  OnThreads(2, [&](int t) {
    for (int run = 0; run < 100; ++run) ASSERT_TRUE((*(t == 0 ? collect : size))->Run().ok());
  });
  EXPECT_EQ(Size(), 100);
}

TEST_F(TensorVectorTest, RejectsToJoinWhatDoesNotFitAndNothing) {
  ExpectFailure(Def("ConcatTensorVector", {"list"}, {"all"}), "the list \"list\" has no tensors");
  const auto collect = CreateOperator(Collect(2), &workspace_);
  ASSERT_TRUE(collect.ok()) << collect.status();
  ASSERT_TRUE((*collect)->Run().ok());
  Feed("X", Tensor::Of<float>({1, 1}, {3}));
  ASSERT_TRUE((*collect)->Run().ok());
  ExpectFailure(Def("ConcatTensorVector", {"list"}, {"all"}),
                "tensor 1 float[1,1] must have rows like those of the first float[2]");
}

TEST_F(TensorVectorTest, RejectsToJoinScalars) {
  Feed("X", Tensor::Scalar<float>(1));
  ASSERT_TRUE(workspace_.RunOperatorOnce(Collect(2)).ok());
  ExpectFailure(Def("ConcatTensorVector", {"list"}, {"all"}), "must have rows");
}

TEST_F(TensorVectorTest, RejectsAListThatLostItsTensors) {
  const auto collect = CreateOperator(Collect(1), &workspace_);
  ASSERT_TRUE(collect.ok()) << collect.status();
  ASSERT_TRUE((*collect)->Run().ok());
  MustRun("CreateTensorVector", {}, {"list"});
  EXPECT_EQ((*collect)->Run().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(TensorVectorTest, RejectsWrongNumbersAndTypes) {
  ExpectFailure(Collect(0), "num_to_collect must be at least 1, but is 0");
  ExpectFailure(Def("CollectTensor", {"list", "X"}, {"list"}), "num_to_collect");
  ExpectFailure(Def("CollectTensor", {"list", "X", "X"}, {"list"}, {Arg("num_to_collect", 1)}),
                "there must be 2 inputs");
  ExpectFailure(Def("CollectTensor", {"list", "list"}, {"list"}, {Arg("num_to_collect", 1)}),
                "input 1 must be a tensor with a value");
  ExpectFailure(Def("TensorVectorSize", {"X"}, {"size"}),
                "must be a list that CreateTensorVector made, but holds Tensor");
  ExpectFailure(Def("CollectTensor", {"X", "X"}, {"X"}, {Arg("num_to_collect", 1)}),
                "but holds Tensor");
  MustRun("CreateTensorVector", {}, {"other"});
  Feed("Y", Tensor::Of<float>({1}, {1}));
  ExpectFailure(Def("CollectTensor", {"list", "other", "X", "Y", "Y", "Y"}, {"list", "other", "X"},
                    {Arg("num_to_collect", 1)}),
                "input 2 \"X\" must be a list that CreateTensorVector made");
}

class LastNTest : public StateTest {
 protected:
  void SetUp() override {
    Feed("last", Tensor::Of<float>({0}, {}));
    Feed("next", Tensor::Scalar<int32_t>(0));
    Feed("visited", Tensor::Scalar<int64_t>(0));
    MustRun("CreateMutex", {}, {"mutex"});
  }
  static OperatorDef Collect(int wanted) {
    return Def("LastNWindowCollector", {"last", "next", "X", "mutex", "visited"},
               {"last", "next", "visited"}, {Arg("num_to_collect", wanted)});
  }
  void Give(const std::vector<int32_t>& rows, int wanted) {
    Feed("X", Tensor::FromSpan<int32_t>({static_cast<int64_t>(rows.size())}, rows));
    const absl::Status status = workspace_.RunOperatorOnce(Collect(wanted));
    ASSERT_TRUE(status.ok()) << status;
  }
};

TEST_F(LastNTest, GoesRound) {
  Give({1, 2}, 3);
  ExpectBlob("last", Tensor::Of<int32_t>({2}, {1, 2}));
  ExpectBlob("next", Tensor::Scalar<int32_t>(2));
  Give({3, 4}, 3);
  ExpectBlob("last", Tensor::Of<int32_t>({3}, {4, 2, 3}));
  ExpectBlob("next", Tensor::Scalar<int32_t>(1));
  ExpectBlob("visited", Tensor::Scalar<int64_t>(4));
  Give({5, 6, 7, 8}, 3);
  ExpectBlob("last", Tensor::Of<int32_t>({3}, {6, 7, 8}));
  ExpectBlob("next", Tensor::Scalar<int32_t>(0));
}

TEST_F(LastNTest, HasTheLastRowsOfAnyBatches) {
  std::deque<int32_t> expected;
  int32_t number = 0;
  for (int size : {0, 3, 1, 0, 4, 5, 5, 12, 2, 3, 5, 6, 1, 0}) {
    std::vector<int32_t> batch;
    for (int i = 0; i < size; ++i) {
      batch.push_back(++number);
      expected.push_back(number);
      if (expected.size() > 5) expected.pop_front();
    }
    Give(batch, 5);
    const absl::StatusOr<Tensor> last = workspace_.Fetch("last");
    std::deque<int32_t> rows(last->span<int32_t>().begin(), last->span<int32_t>().end());
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows, expected);
    EXPECT_EQ(Scalar<int64_t>("visited"), number);
  }
}

TEST_F(LastNTest, KeepsRowsOfStringsWithoutALock) {
  Feed("X", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}));
  for (int run = 0; run < 2; ++run) {
    MustRun("LastNWindowCollector", {"last", "next", "X"}, {"last", "next"},
            {Arg("num_to_collect", 3)});
  }
  ExpectBlob("last", Tensor::Of<std::string>({3, 2}, {"c", "d", "c", "d", "a", "b"}));
}

TEST_F(LastNTest, StartsWithABlobThatHoldsNothing) {
  Feed("X", Tensor::Of<float>({1}, {5}));
  workspace_.CreateBlob("nothing");
  MustRun("LastNWindowCollector", {"nothing", "next", "X"}, {"nothing", "next"},
          {Arg("num_to_collect", 2)});
  ExpectBlob("nothing", Tensor::Of<float>({1}, {5}));
}

TEST_F(LastNTest, StartsAnewWhereTheRowsWereTakenAway) {
  Give({1, 2}, 3);
  Feed("last", Tensor::Of<int32_t>({0}, {}));
  Give({3}, 3);
  ExpectBlob("last", Tensor::Of<int32_t>({1}, {3}));
  ExpectBlob("visited", Tensor::Scalar<int64_t>(1));
}

TEST_F(LastNTest, SeveralThreadsCollectTogether) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 200;
  Feed("X", Tensor::Of<int32_t>({2}, {1, 2}));
  OnThreads(kThreads, [&](int) {
    const auto op = CreateOperator(Collect(7), &workspace_);
    ASSERT_TRUE(op.ok()) << op.status();
    for (int run = 0; run < kRuns; ++run) ASSERT_TRUE((*op)->Run().ok());
  });
  ExpectBlob("visited", Tensor::Scalar<int64_t>(2 * kThreads * kRuns));
  ExpectBlob("next", Tensor::Scalar<int32_t>(2 * kThreads * kRuns % 7));
}

TEST_F(LastNTest, RejectsOtherRows) {
  Give({1, 2}, 3);
  Feed("X", Tensor::Of<float>({1}, {1}));
  ExpectFailure(Collect(3), "DATA float[1] must have rows like those of last_n int32[2]");
  Feed("X", Tensor::Scalar<int32_t>(1));
  ExpectFailure(Collect(3), "DATA must be at least a vector");
}

TEST_F(LastNTest, RejectsAPlaceThatCanNotBe) {
  Give({1, 2}, 3);
  for (int32_t next : {-1, 0, 3}) {
    Feed("next", Tensor::Scalar<int32_t>(next));
    ExpectFailure(Collect(3), absl::StrCat("next is ", next, ", which can not be"));
  }
  Feed("next", Tensor::Scalar<int32_t>(0));
  ExpectFailure(Collect(1), "with 2 rows in last_n and num_to_collect 1");
  Feed("next", Tensor::Of<int32_t>({1}, {2}));
  ExpectFailure(Collect(3), "next must be a scalar of int32");
}

TEST_F(LastNTest, RejectsNumbersVisitedThatCanNotBe) {
  Give({1, 2}, 3);
  for (int64_t visited : {int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    Feed("visited", Tensor::Scalar<int64_t>(visited));
    ExpectFailure(Collect(3), absl::StrCat("NUM_VISITED is ", visited));
  }
  Feed("visited", Tensor::Scalar<float>(1));
  ExpectFailure(Collect(3), "NUM_VISITED must be one int64");
}

TEST_F(LastNTest, RejectsBadDefinitions) {
  Feed("X", Tensor::Of<int32_t>({1}, {1}));
  ExpectFailure(Collect(0), "num_to_collect must be at least 1, but is 0");
  ExpectFailure(Def("LastNWindowCollector", {"last", "next", "X"}, {"other", "next"},
                    {Arg("num_to_collect", 1)}),
                "must be the same blob");
  ExpectFailure(Def("LastNWindowCollector", {"last", "next", "X", "X"}, {"last", "next"},
                    {Arg("num_to_collect", 1)}),
                "must be a lock that CreateMutex made");
  ExpectFailure(Def("LastNWindowCollector", {"mutex", "next", "X"}, {"mutex", "next"},
                    {Arg("num_to_collect", 1)}),
                "last_n must be a tensor, but is \"mutex\" Mutex");
}

}  // namespace
}  // namespace doppio
