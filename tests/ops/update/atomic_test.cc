#include <limits>

#include "doppio/registry.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

using AtomicBoolTest = StateTest;

TEST_F(AtomicBoolTest, IsFalseUntilAConditionSetsIt) {
  Feed("yes", Tensor::Scalar(true));
  Feed("no", Tensor::Scalar(false));
  MustRun("CreateAtomicBool", {}, {"flag"});
  MustRun("CheckAtomicBool", {"flag"}, {"value"});
  ExpectBlob("value", Tensor::Of<bool>({1}, {false}));
  MustRun("ConditionalSetAtomicBool", {"flag", "no"}, {});
  MustRun("CheckAtomicBool", {"flag"}, {"value"});
  ExpectBlob("value", Tensor::Of<bool>({1}, {false}));
  MustRun("ConditionalSetAtomicBool", {"flag", "yes"}, {});
  MustRun("ConditionalSetAtomicBool", {"flag", "no"}, {});
  MustRun("CheckAtomicBool", {"flag"}, {"value"});
  ExpectBlob("value", Tensor::Of<bool>({1}, {true}));
  MustRun("CreateAtomicBool", {}, {"flag"});
  MustRun("CheckAtomicBool", {"flag"}, {"value"});
  ExpectBlob("value", Tensor::Of<bool>({1}, {false}));
}

TEST_F(AtomicBoolTest, IsReadWhileAnotherThreadSetsIt) {
  Feed("yes", Tensor::Scalar(true));
  MustRun("CreateAtomicBool", {}, {"flag"});
  const auto set =
      CreateOperator(Def("ConditionalSetAtomicBool", {"flag", "yes"}, {}), &workspace_);
  const auto check = CreateOperator(Def("CheckAtomicBool", {"flag"}, {"value"}), &workspace_);
  ASSERT_TRUE(set.ok() && check.ok());
  OnThreads(2, [&](int t) {
    if (t == 0) {
      EXPECT_TRUE((*set)->Run().ok());
      return;
    }
    do {
      ASSERT_TRUE((*check)->Run().ok());
    } while (!Scalar<bool>("value"));
  });
}

TEST_F(AtomicBoolTest, RejectsWhatIsNone) {
  Feed("flag", Tensor::Scalar(true));
  ExpectFailure(Def("CheckAtomicBool", {"flag"}, {"value"}),
                "must be a truth value that CreateAtomicBool made, but holds Tensor");
  ExpectFailure(Def("ConditionalSetAtomicBool", {"flag", "flag"}, {}), "but holds Tensor");
}

TEST_F(AtomicBoolTest, RejectsAConditionThatIsNoSingleBool) {
  MustRun("CreateAtomicBool", {}, {"flag"});
  Feed("condition", Tensor::Of<bool>({0}, {}));
  ExpectFailure(Def("ConditionalSetAtomicBool", {"flag", "condition"}, {}),
                "must be a single bool, but is \"condition\" bool[0]");
  Feed("condition", Tensor::Scalar<int32_t>(1));
  ExpectFailure(Def("ConditionalSetAtomicBool", {"flag", "condition"}, {}), "a single bool");
}

class AtomicFetchAddTest : public StateTest {
 protected:
  void SetUp() override { MustRun("CreateMutex", {}, {"mutex"}); }
  static OperatorDef Add(const std::string& fetched = "fetched") {
    return Def("AtomicFetchAdd64", {"mutex", "n", "step"}, {"n", fetched});
  }
};

TEST_F(AtomicFetchAddTest, GivesTheSumAndTheNumberBefore) {
  Feed("n", Tensor::Scalar<int32_t>(5));
  Feed("step", Tensor::Scalar<int32_t>(2));
  MustRun("AtomicFetchAdd", {"mutex", "n", "step"}, {"n", "fetched"});
  ExpectBlob("n", Tensor::Scalar<int32_t>(7));
  ExpectBlob("fetched", Tensor::Scalar<int32_t>(5));
}

TEST_F(AtomicFetchAddTest, MayLeaveTheNumberAsItIs) {
  Feed("n", Tensor::Of<int64_t>({1}, {int64_t{1} << 40}));
  Feed("step", Tensor::Scalar<int64_t>(-1));
  MustRun("AtomicFetchAdd64", {"mutex", "n", "step"}, {"sum", "fetched"});
  ExpectBlob("n", Tensor::Of<int64_t>({1}, {int64_t{1} << 40}));
  ExpectBlob("sum", Tensor::Scalar<int64_t>((int64_t{1} << 40) - 1));
  ExpectBlob("fetched", Tensor::Scalar<int64_t>(int64_t{1} << 40));
}

TEST_F(AtomicFetchAddTest, ThreadsThatAddAtTheSameTimeAddAll) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 500;
  Feed("n", Tensor::Scalar<int64_t>(0));
  Feed("step", Tensor::Scalar<int64_t>(3));
  OnThreads(kThreads, [&](int t) {
    const auto op = CreateOperator(Add(absl::StrCat("fetched", t)), &workspace_);
    ASSERT_TRUE(op.ok()) << op.status();
    for (int run = 0; run < kRuns; ++run) ASSERT_TRUE((*op)->Run().ok());
  });
  ExpectBlob("n", Tensor::Scalar<int64_t>(3 * kThreads * kRuns));
}

TEST_F(AtomicFetchAddTest, RejectsSumsBeyondTheType) {
  Feed("n", Tensor::Scalar<int32_t>(std::numeric_limits<int32_t>::max()));
  Feed("step", Tensor::Scalar<int32_t>(1));
  ExpectFailure(Def("AtomicFetchAdd", {"mutex", "n", "step"}, {"n", "fetched"}),
                "2147483647 + 1 is more than int32 holds");
  ExpectBlob("n", Tensor::Scalar<int32_t>(std::numeric_limits<int32_t>::max()));
}

TEST_F(AtomicFetchAddTest, RejectsOtherTypesAndMoreThanOneNumber) {
  Feed("step", Tensor::Scalar<int64_t>(1));
  Feed("n", Tensor::Scalar<int32_t>(1));
  ExpectFailure(Add(), "input 1 must be one int64, but is \"n\" int32[]");
  Feed("n", Tensor::Of<int64_t>({2}, {1, 2}));
  ExpectFailure(Add(), "input 1 must be one int64, but is \"n\" int64[2]");
  workspace_.CreateBlob("empty");
  ExpectFailure(Def("AtomicFetchAdd64", {"mutex", "empty", "step"}, {"empty", "fetched"}),
                "must be one int64, but is \"empty\" nothing");
}

TEST_F(AtomicFetchAddTest, RejectsWhatIsNoLock) {
  Feed("n", Tensor::Scalar<int64_t>(1));
  ExpectFailure(Def("AtomicFetchAdd64", {"n", "n", "n"}, {"n", "fetched"}),
                "must be a lock that CreateMutex made, but holds Tensor");
}

}  // namespace
}  // namespace doppio
