#include "doppio/registry.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

class AppendTest : public StateTest {
 protected:
  static OperatorDef Append() { return Def("Append", {"A", "B"}, {"A"}); }
};

TEST_F(AppendTest, PutsRowsAtTheEndFromRunToRun) {
  Feed("A", Tensor::Of<float>({2}, {1, 2}));
  Feed("B", Tensor::Of<float>({1}, {3}));
  MustRun("Append", {"A", "B"}, {"A"});
  ExpectBlob("A", Tensor::Of<float>({3}, {1, 2, 3}));
  MustRun("Append", {"A", "B"}, {"A"});
  ExpectBlob("A", Tensor::Of<float>({4}, {1, 2, 3, 3}));
}

TEST_F(AppendTest, WithoutRowsBecomesACopyOfOtherTypeAndShape) {
  Feed("A", Tensor::Of<float>({0}, {}));
  Feed("B", Tensor::Of<std::string>({1, 2}, {"a", "b"}));
  MustRun("Append", {"A", "B"}, {"A"});
  ExpectBlob("A", Tensor::Of<std::string>({1, 2}, {"a", "b"}));
  MustRun("Append", {"A", "B"}, {"A"});
  ExpectBlob("A", Tensor::Of<std::string>({2, 2}, {"a", "b", "a", "b"}));
}

TEST_F(AppendTest, ChangesNoTensorThatWasFetchedBefore) {
  Feed("A", Tensor::Of<float>({1}, {1}));
  Feed("B", Tensor::Of<float>({1}, {2}));
  const absl::StatusOr<Tensor> before = workspace_.Fetch("A");
  ASSERT_TRUE(before.ok());
  MustRun("Append", {"A", "B"}, {"A"});
  EXPECT_TRUE(TensorEquals(*before, Tensor::Of<float>({1}, {1})));
}

TEST_F(AppendTest, ManyTimesTakesStorageFewTimes) {
  Feed("A", Tensor::Of<float>({1}, {0}));
  Feed("B", Tensor::Of<float>({1}, {1}));
  int moves = 0;
  for (int i = 0; i < 1000; ++i) {
    const void* before = workspace_.FindBlob("A")->Get<Tensor>()->raw_data();
    MustRun("Append", {"A", "B"}, {"A"});
    const Tensor& after = *workspace_.FindBlob("A")->Get<Tensor>();
    moves += after.raw_data() != before;
    ASSERT_EQ(after.dim(0), i + 2);
    ASSERT_EQ(after.data<float>()[i + 1], 1);
  }
  EXPECT_EQ(workspace_.FindBlob("A")->Get<Tensor>()->data<float>()[0], 0);
  EXPECT_LT(moves, 25);
}

TEST_F(AppendTest, OfATensorToItselfDoublesIt) {
  for (const bool is_string : {false, true}) {
    Feed("A", is_string ? Tensor::Of<std::string>({1}, {"a word longer than any buffer"})
                        : Tensor::Of<float>({1}, {3}));
    MustRun("Append", {"A", "A"}, {"A"});
    ExpectBlob("A", is_string ? Tensor::Of<std::string>({2}, {"a word longer than any buffer",
                                                              "a word longer than any buffer"})
                              : Tensor::Of<float>({2}, {3, 3}));
  }
}

TEST_F(AppendTest, OfNothingChangesNothing) {
  Feed("A", Tensor::Of<float>({1, 2}, {1, 2}));
  Feed("B", Tensor::Of<float>({0, 2}, {}));
  MustRun("Append", {"A", "B"}, {"A"});
  ExpectBlob("A", Tensor::Of<float>({1, 2}, {1, 2}));
}

TEST_F(AppendTest, RejectsOtherRows) {
  Feed("A", Tensor::Of<float>({1, 2}, {1, 2}));
  Feed("B", Tensor::Of<float>({1, 3}, {1, 2, 3}));
  ExpectFailure(Append(), "B float[1,3] must have rows like those of A float[1,2]");
  Feed("B", Tensor::Of<float>({2}, {1, 2}));
  ExpectFailure(Append(), "B float[2] must have rows like those of A float[1,2]");
  Feed("B", Tensor::Of<int32_t>({1, 2}, {1, 2}));
  ExpectFailure(Append(), "B int32[1,2] must have rows like those of A float[1,2]");
}

TEST_F(AppendTest, RejectsScalars) {
  Feed("A", Tensor::Of<float>({0}, {}));
  Feed("B", Tensor::Scalar<float>(1));
  ExpectFailure(Append(), "at least");
  Feed("A", Tensor::Scalar<float>(1));
  ExpectFailure(Append(), "must have rows like those of A float[]");
}

TEST_F(AppendTest, RejectsAnotherOutput) {
  Feed("A", Tensor::Of<float>({1}, {1}));
  Feed("B", Tensor::Of<float>({1}, {1}));
  ExpectFailure(Def("Append", {"A", "B"}, {"C"}), "must be the same blob as input 0");
}

class AtomicAppendTest : public StateTest {
 protected:
  void SetUp() override {
    MustRun("CreateMutex", {}, {"mutex"});
    Feed("A0", Tensor::Of<float>({2}, {1, 2}));
    Feed("B0", Tensor::Of<float>({1}, {3}));
    Feed("A1", Tensor::Of<int64_t>({0}, {}));
    Feed("B1", Tensor::Of<int32_t>({1, 2}, {4, 5}));
  }
  static OperatorDef Append() {
    return Def("AtomicAppend", {"mutex", "A0", "A1", "B0", "B1"}, {"A0", "A1"});
  }
};

TEST_F(AtomicAppendTest, AppendsToEach) {
  for (int run = 0; run < 2; ++run) ASSERT_TRUE(workspace_.RunOperatorOnce(Append()).ok());
  ExpectBlob("A0", Tensor::Of<float>({4}, {1, 2, 3, 3}));
  ExpectBlob("A1", Tensor::Of<int32_t>({2, 2}, {4, 5, 4, 5}));
}

TEST_F(AtomicAppendTest, WritesElsewhereWhereThereAreNoRowsYet) {
  MustRun("AtomicAppend", {"mutex", "A1", "B1"}, {"C"});
  MustRun("AtomicAppend", {"mutex", "A1", "B1"}, {"C"});
  ExpectBlob("C", Tensor::Of<int32_t>({1, 2}, {4, 5}));
  ExpectBlob("A1", Tensor::Of<int64_t>({0}, {}));
}

TEST_F(AtomicAppendTest, LosesNoRowsOfSeveralThreads) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 100;
  OnThreads(kThreads, [&](int) {
    const auto op = CreateOperator(Append(), &workspace_);
    ASSERT_TRUE(op.ok()) << op.status();
    for (int run = 0; run < kRuns; ++run) ASSERT_TRUE((*op)->Run().ok());
  });
  EXPECT_EQ(workspace_.Fetch("A0")->dim(0), 2 + kThreads * kRuns);
  EXPECT_EQ(workspace_.Fetch("A1")->dim(0), kThreads * kRuns);
}

TEST_F(AtomicAppendTest, AppendsNothingWhereOneDoesNotFit) {
  Feed("A1", Tensor::Of<int64_t>({1}, {1}));
  ExpectFailure(Append(), "B1 int32[1,2] must have rows like those of A1 int64[1]");
  ExpectBlob("A0", Tensor::Of<float>({2}, {1, 2}));
}

TEST_F(AtomicAppendTest, RejectsRowsThatWouldBeLeftBehind) {
  ExpectFailure(Def("AtomicAppend", {"mutex", "A0", "B0"}, {"C"}), "that has rows already");
}

TEST_F(AtomicAppendTest, RejectsAnInputTooFewAndOtherInputsAsOutput) {
  ExpectFailure(Def("AtomicAppend", {"mutex", "A0", "A1", "B0"}, {"A0", "A1"}),
                "there must be 5 inputs");
  ExpectFailure(Def("AtomicAppend", {"mutex", "A0", "B0"}, {"B0"}),
                "output 0 may be input 1 only, but is input 2");
}

TEST_F(AtomicAppendTest, RejectsWhatIsNoLockAndNoTensor) {
  ExpectFailure(Def("AtomicAppend", {"B0", "A0", "B0"}, {"A0"}), "must be a lock");
  ExpectFailure(Def("AtomicAppend", {"mutex", "A0", "mutex"}, {"A0"}),
                "input 2 must be a tensor, but is \"mutex\" Mutex");
}

}  // namespace
}  // namespace doppio
