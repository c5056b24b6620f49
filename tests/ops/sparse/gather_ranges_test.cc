#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(GatherRangesTest, PutsRangesOneBehindTheOther) {
  OpTester("GatherRanges")
      .Input("data", Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6}))
      .Input("ranges", Tensor::Of<int32_t>({2, 2, 2}, {0, 1, 2, 2, 4, 1, 5, 1}))
      .Outputs({"Y", "lengths"})
      .ExpectOutput(0, Tensor::Of<float>({5}, {1, 3, 4, 5, 6}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {3, 2}));
}

TEST(GatherRangesTest, LeavesOutEmptyRangesWhereverTheyStart) {
  OpTester("GatherRanges")
      .Input("data", Tensor::Of<std::string>({2}, {"a", "b"}))
      .Input("ranges", Tensor::Of<int64_t>({2, 2, 2}, {-7, 0, 9, 0, 0, 2, 2, 0}))
      .Outputs({"Y", "lengths"})
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a", "b"}))
      .ExpectOutput(1, Tensor::Of<int32_t>({2}, {0, 2}));
}

TEST(GatherRangesTest, RejectsRangesThatDoNotLieInTheData) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr std::pair<int64_t, int64_t> kRanges[] = {{1, 2}, {-1, 1},    {0, -1},
                                                     {3, 1}, {1, kMost}, {kMost, 1}};
  for (const auto& [start, length] : kRanges) {
    OpTester("GatherRanges")
        .Input("data", Tensor::Of<float>({2}, {1, 2}))
        .Input("ranges", Tensor::Of<int64_t>({1, 1, 2}, {start, length}))
        .Outputs({"Y", "lengths"})
        .ExpectError(kInvalid, absl::StrCat("range 0 starts at ", start, " and has the length ",
                                            length, ", but DATA has 2 elements"));
  }
}

TEST(GatherRangesTest, RejectsMoreElementsThanLengthsCanSay) {
  std::vector<int32_t> ranges;
  for (int i = 0; i < 2200; ++i) ranges.insert(ranges.end(), {0, 1000000});
  OpTester("GatherRanges")
      .Input("data", Tensor::Create(DataType::kUInt8, {1000000}))
      .Input("ranges", Tensor::FromSpan<int32_t>({1, 2200, 2}, ranges))
      .Outputs({"Y", "lengths"})
      .ExpectError(kInvalid, "the ranges of example 0 have more elements than LENGTHS");
}

TEST(GatherRangesTest, RejectsOtherShapesAndTypes) {
  OpTester("GatherRanges")
      .Input("data", Tensor::Of<float>({2, 1}, {1, 2}))
      .Input("ranges", Tensor::Of<int32_t>({1, 1, 2}, {0, 1}))
      .Outputs({"Y", "lengths"})
      .ExpectError(kInvalid, "DATA must be a vector");
  OpTester("GatherRanges")
      .Input("data", Tensor::Of<float>({2}, {1, 2}))
      .Input("ranges", Tensor::Of<int32_t>({1, 0, 2}, {}))
      .Outputs({"Y", "lengths"})
      .ExpectError(kInvalid, "but has [1,0,2]");
  OpTester("GatherRanges")
      .Input("data", Tensor::Of<float>({2}, {1, 2}))
      .Input("ranges", Tensor::Of<float>({1, 1, 2}, {0, 1}))
      .Outputs({"Y", "lengths"})
      .ExpectError(kInvalid, "float is not supported here");
}

OpTester ToDense() {
  OpTester tester("GatherRangesToDense");
  tester.Input("data", Tensor::Of<float>({8}, {1, 2, 3, 4, 5, 6, 7, 8}))
      .Input("ranges", Tensor::Of<int32_t>({2, 2, 2}, {2, 4, 0, 2, 0, 0, 6, 2}));
  return tester;
}

TEST(GatherRangesToDenseTest, MakesRowsOfRanges) {
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4, 2})
      .Outputs({"Y0", "Y1"})
      .ExpectOutput(0, Tensor::Of<float>({2, 4}, {3, 4, 5, 6, 0, 0, 0, 0}))
      .ExpectOutput(1, Tensor::Of<float>({2, 2}, {1, 2, 7, 8}));
}

TEST(GatherRangesToDenseTest, SortsThemByTheirKeys) {
  ToDense()
      .Input("key", Tensor::Of<int64_t>({8}, {0, 1, 3, 2, 1, 1, 1, 0}))
      .Arg("lengths", std::vector<int64_t>{4, 2})
      .Outputs({"Y0", "Y1"})
      .ExpectOutput(0, Tensor::Of<float>({2, 4}, {5, 6, 4, 3, 0, 0, 0, 0}))
      .ExpectOutput(1, Tensor::Of<float>({2, 2}, {1, 2, 8, 7}));
}

TEST(GatherRangesToDenseTest, RejectsTooManyRangesOfAnotherLength) {
  // Both ranges of the second output; the tester runs it twice.
  const auto with = [](float ratio, int64_t observations) {
    OpTester tester = ToDense();
    tester.Arg("lengths", std::vector<int64_t>{4, 1})
        .Arg("max_mismatched_ratio", ratio)
        .Arg("min_observation", observations)
        .Outputs({"Y0", "Y1"});
    return tester;
  };
  EXPECT_TRUE(with(1, 1).Run().ok());
  EXPECT_TRUE(with(0.5f, 8).Run().ok());
  with(0.5f, 1).ExpectError(kInvalid, "2 of the 2 ranges so far of output 1 are of another length");
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4, 2})
      .Arg("max_empty_ratio", 0.4f)
      .Arg("min_observation", 1)
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "1 of the 2 ranges so far of output 0 are empty");
}

TEST(GatherRangesToDenseTest, CountsThemOverAllRuns) {
  MapScope scope;
  *scope.CreateBlob("data")->GetMutable<Tensor>() = *Tensor::Of<float>({2}, {1, 2});
  *scope.CreateBlob("ranges")->GetMutable<Tensor>() = *Tensor::Of<int32_t>({1, 1, 2}, {0, 2});
  const OperatorDef def = CreateOperatorDef("GatherRangesToDense", "", {"data", "ranges"}, {"Y"},
                                            {MakeArgument<std::vector<int64_t>>("lengths", {1}),
                                             MakeArgument<int64_t>("min_observation", 4),
                                             MakeArgument<float>("max_mismatched_ratio", 0.5f)});
  const auto op = CreateOperator(def, &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  EXPECT_TRUE((*op)->Run().ok());
  EXPECT_TRUE((*op)->Run().ok());
  EXPECT_EQ((*op)->Run().code(), kInvalid);
}

TEST(GatherRangesToDenseTest, RejectsArgumentsThatMakeNoSense) {
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4})
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "a length for each of the 2 outputs, but there are 1");
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4, 0})
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "lengths must be at least 1, but one is 0");
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4, 2})
      .Arg("min_observation", 0)
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "min_observation is 0");
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4, 2})
      .Arg("max_empty_ratio", -1.0f)
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "max_empty_ratio is -1");
}

TEST(GatherRangesToDenseTest, RejectsWhatDoesNotGoTogether) {
  ToDense()
      .Arg("lengths", std::vector<int64_t>{4})
      .Outputs({"Y0"})
      .ExpectError(kInvalid, "must have a range for each of the 1 outputs");
  ToDense()
      .Input("key", Tensor::Of<int64_t>({1}, {0}))
      .Arg("lengths", std::vector<int64_t>{4, 2})
      .Outputs({"Y0", "Y1"})
      .ExpectError(kInvalid, "must be as long as DATA");
  OpTester("GatherRangesToDense")
      .Input("data", Tensor::Of<float>({2}, {1, 2}))
      .Input("ranges", Tensor::Of<int32_t>({1, 1, 2}, {1, 2}))
      .Arg("lengths", std::vector<int64_t>{2})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "range 0 starts at 1 and has the length 2");
}

}  // namespace
}  // namespace doppio
