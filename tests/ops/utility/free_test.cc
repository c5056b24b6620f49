#include "tests/support/state_test.h"

namespace doppio {
namespace {

using FreeTest = StateTest;

TEST_F(FreeTest, DropsWhatBlobsOfAnyTypeHold) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  MustRun("CreateMutex", {}, {"mutex"});
  MustRun("Free", {"X", "mutex"}, {"X", "mutex"});
  EXPECT_TRUE(workspace_.FindBlob("X")->IsEmpty());
  EXPECT_TRUE(workspace_.FindBlob("mutex")->IsEmpty());
  EXPECT_EQ(workspace_.Stats().live_bytes, 0);
  MustRun("Free", {"X"}, {"X"});
}

TEST_F(FreeTest, LeavesNothingToRead) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  MustRun("Free", {"X"}, {"X"});
  ExpectFailure(Def("Copy", {"X"}, {"Y"}), "has no value yet");
}

TEST_F(FreeTest, LeavesAFetchedTensorAlone) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  const absl::StatusOr<Tensor> fetched = workspace_.Fetch("X");
  MustRun("Free", {"X"}, {"X"});
  EXPECT_TRUE(TensorEquals(*fetched, Tensor::Of<float>({2}, {1, 2})));
}

TEST_F(FreeTest, RejectsOtherOutputs) {
  Feed("X", Tensor::Of<float>({2}, {1, 2}));
  Feed("Y", Tensor::Of<float>({2}, {1, 2}));
  ExpectFailure(Def("Free", {"X"}, {"Y"}), "must be the same blob");
  ExpectFailure(Def("Free", {"X", "Y"}, {"X"}), "there must be as many outputs as inputs");
}

}  // namespace
}  // namespace doppio
