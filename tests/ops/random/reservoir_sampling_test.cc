#include <limits>
#include <set>

#include "doppio/registry.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

class ReservoirTest : public StateTest {
 protected:
  void SetUp() override {
    MustRun("CreateMutex", {}, {"mutex"});
    MustRun("CreateMap", {}, {"map"},
            {Arg("key_dtype", static_cast<int>(DataType::kInt64)),
             Arg("value_dtype", static_cast<int>(DataType::kInt32))});
    Feed("rows", Tensor::Of<float>({0}, {}));
    Feed("visited", Tensor::Scalar<int64_t>(0));
    Feed("objects", Tensor::Of<int64_t>({0}, {}));
  }
  static OperatorDef Sample(int wanted) {
    OperatorDef def = Def("ReservoirSampling", {"rows", "visited", "X", "mutex"},
                          {"rows", "visited"}, {Arg("num_to_collect", wanted)});
    def.mutable_device_option()->set_random_seed(5);
    return def;
  }
  static OperatorDef SampleObjects(int wanted) {
    OperatorDef def = Sample(wanted);
    for (const char* name : {"ids", "map", "objects"}) def.add_input(name);
    for (const char* name : {"map", "objects"}) def.add_output(name);
    return def;
  }
  void Must(const OperatorDef& def) {
    const absl::Status status = workspace_.RunOperatorOnce(def);
    ASSERT_TRUE(status.ok()) << status;
  }
  void FeedRows(const std::vector<int64_t>& rows) {
    Feed("X", Tensor::FromSpan<int64_t>({static_cast<int64_t>(rows.size())}, rows));
    Feed("ids", Tensor::FromSpan<int64_t>({static_cast<int64_t>(rows.size())}, rows));
  }
};

TEST_F(ReservoirTest, KeepsTheFirstRows) {
  FeedRows({1, 2});
  Must(Sample(3));
  ExpectBlob("rows", Tensor::Of<int64_t>({2}, {1, 2}));
  FeedRows({3});
  Must(Sample(3));
  ExpectBlob("rows", Tensor::Of<int64_t>({3}, {1, 2, 3}));
  ExpectBlob("visited", Tensor::Scalar<int64_t>(3));
}

TEST_F(ReservoirTest, KeepsEachRowWithTheSameProbability) {
  constexpr int64_t kRows = 20000;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < kRows; ++i) rows.push_back(i);
  FeedRows(rows);
  Must(Sample(1000));
  const absl::StatusOr<Tensor> kept = workspace_.Fetch("rows");
  ASSERT_EQ(kept->numel(), 1000);
  std::vector<int> tenths(10);
  for (int64_t row : kept->span<int64_t>()) ++tenths[row / (kRows / 10)];
  for (int count : tenths) EXPECT_NEAR(count, 100, 45);  // 4.7 standard deviations
  ExpectBlob("visited", Tensor::Scalar<int64_t>(kRows));
}

TEST_F(ReservoirTest, TakesRowsOfStringsAndOfSeveralElements) {
  Feed("X", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}));
  Must(Sample(2));
  ExpectBlob("rows", Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}));
}

TEST_F(ReservoirTest, StartsWithABlobThatHoldsNothing) {
  FeedRows({4});
  workspace_.CreateBlob("nothing");
  OperatorDef def = Sample(2);
  def.set_input(0, "nothing");
  def.set_output(0, "nothing");
  Must(def);
  ExpectBlob("nothing", Tensor::Of<int64_t>({1}, {4}));
}

TEST_F(ReservoirTest, StartsAnewWhereTheRowsWereTakenAway) {
  FeedRows({1, 2, 3});
  Must(SampleObjects(2));
  Feed("rows", Tensor::Of<int64_t>({0}, {}));
  FeedRows({3});
  Must(SampleObjects(2));
  ExpectBlob("rows", Tensor::Of<int64_t>({1}, {3}));
  ExpectBlob("visited", Tensor::Scalar<int64_t>(1));
  ExpectBlob("objects", Tensor::Of<int64_t>({1}, {3}));
}

TEST_F(ReservoirTest, OfNothingHasTypeAndShape) {
  Feed("X", Tensor::Of<int32_t>({0, 2}, {}));
  Must(Sample(2));
  ExpectBlob("rows", Tensor::Of<int32_t>({0, 2}, {}));
}

TEST_F(ReservoirTest, KeepsEachObjectOnce) {
  FeedRows({0, 5, 0});
  Must(SampleObjects(4));
  ExpectBlob("rows", Tensor::Of<int64_t>({2}, {0, 5}));
  ExpectBlob("visited", Tensor::Scalar<int64_t>(2));
  FeedRows({5, 6, 0});
  Must(SampleObjects(4));
  ExpectBlob("rows", Tensor::Of<int64_t>({3}, {0, 5, 6}));
  ExpectBlob("objects", Tensor::Of<int64_t>({3}, {0, 5, 6}));
  MustRun("MapToKeyValue", {"map"}, {"k", "v"});
  ExpectBlob("k", Tensor::Of<int64_t>({3}, {0, 5, 6}));
  ExpectBlob("v", Tensor::Of<int32_t>({3}, {0, 1, 2}));
}

TEST_F(ReservoirTest, KnowsWhereItsObjectsAreAfterManyRuns) {
  FeedRows({});
  const auto op = CreateOperator(SampleObjects(10), &workspace_);
  ASSERT_TRUE(op.ok()) << op.status();
  for (int64_t run = 0; run < 100; ++run) {
    FeedRows({run, run / 2, 3 * run});
    ASSERT_TRUE((*op)->Run().ok());
  }
  const absl::StatusOr<Tensor> rows = workspace_.Fetch("rows");
  ExpectBlob("objects", rows);
  MustRun("MapToKeyValue", {"map"}, {"k", "v"});
  const absl::StatusOr<Tensor> keys = workspace_.Fetch("k");
  const absl::StatusOr<Tensor> places = workspace_.Fetch("v");
  ASSERT_EQ(keys->numel(), 10);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(rows->data<int64_t>()[places->data<int32_t>()[i]], keys->data<int64_t>()[i]);
  }
}

TEST_F(ReservoirTest, SeveralThreadsFillOneReservoir) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 200;
  FeedRows({1, 2});
  OnThreads(kThreads, [&](int) {
    const auto op = CreateOperator(Sample(7), &workspace_);
    ASSERT_TRUE(op.ok()) << op.status();
    for (int run = 0; run < kRuns; ++run) ASSERT_TRUE((*op)->Run().ok());
  });
  ExpectBlob("visited", Tensor::Scalar<int64_t>(2 * kThreads * kRuns));
  EXPECT_EQ(workspace_.Fetch("rows")->numel(), 7);
}

TEST_F(ReservoirTest, RejectsOtherRowsAndScalars) {
  FeedRows({1, 2});
  Must(Sample(3));
  Feed("X", Tensor::Of<float>({1}, {1}));
  ExpectFailure(Sample(3), "must have rows like those of RESERVOIR \"rows\" int64[2]");
  Feed("X", Tensor::Scalar<int64_t>(1));
  ExpectFailure(Sample(3), "DATA must be at least a vector");
}

TEST_F(ReservoirTest, RejectsNumbersVisitedThatCanNotBe) {
  FeedRows({1, 2});
  Must(Sample(2));
  for (int64_t visited : {int64_t{-1}, int64_t{1}, std::numeric_limits<int64_t>::max()}) {
    Feed("visited", Tensor::Scalar<int64_t>(visited));
    ExpectFailure(Sample(2), absl::StrCat("NUM_VISITED is ", visited, ", which can not be"));
  }
  Feed("visited", Tensor::Scalar<int32_t>(2));
  ExpectFailure(Sample(2), "NUM_VISITED must be one int64");
  ExpectBlob("rows", Tensor::Of<int64_t>({2}, {1, 2}));
}

TEST_F(ReservoirTest, RejectsObjectsThatDoNotFit) {
  FeedRows({1, 2});
  Feed("ids", Tensor::Of<int64_t>({1}, {1}));
  ExpectFailure(SampleObjects(2), "OBJECT_ID must be a vector of 2 int64");
  FeedRows({1, 2});
  Must(SampleObjects(2));
  Feed("objects", Tensor::Of<int64_t>({1}, {1}));
  ExpectFailure(SampleObjects(2), "POS_TO_OBJECT must be a vector of 2 int64");
  MustRun("CreateMap", {}, {"map"});
  ExpectFailure(SampleObjects(2), "OBJECT_TO_POS_MAP must be a map from int64 to int32");
}

TEST_F(ReservoirTest, RejectsBadDefinitions) {
  FeedRows({1, 2});
  ExpectFailure(Sample(0), "num_to_collect must be at least 1, but is 0");
  OperatorDef def = Sample(1);
  def.add_input("ids");
  ExpectFailure(def, "there must be 4 inputs and 2 outputs, or 7 and 4, but there are 5 and 2");
  def = Sample(1);
  def.set_input(3, "ids");
  ExpectFailure(def, "must be a lock that CreateMutex made");
  def = Sample(1);
  def.set_input(0, "mutex");
  def.set_output(0, "mutex");
  ExpectFailure(def, "RESERVOIR must be a tensor, but is \"mutex\" Mutex");
  def = Sample(1);
  def.set_output(0, "other");
  ExpectFailure(def, "must be the same blob");
}

TEST_F(ReservoirTest, KeepsPackedRecords) {
  const auto fields = Arg("fields", std::vector<std::string>{"tags:lengths", "tags:values"});
  const auto pack = [&](const std::vector<int32_t>& lengths, const std::vector<float>& values) {
    Feed("lengths", Tensor::FromSpan<int32_t>({static_cast<int64_t>(lengths.size())}, lengths));
    Feed("values", Tensor::FromSpan<float>({static_cast<int64_t>(values.size())}, values));
    MustRun("PackRecords", {"lengths", "values"}, {"X"}, {fields});
  };
  pack({2, 1}, {1, 2, 3});
  Must(Sample(3));
  pack({0}, {});
  Must(Sample(3));
  MustRun("UnPackRecords", {"rows"}, {"kept_lengths", "kept_values"}, {fields});
  ExpectBlob("kept_lengths", Tensor::Of<int32_t>({3}, {2, 1, 0}));
  ExpectBlob("kept_values", Tensor::Of<float>({3}, {1, 2, 3}));
  ExpectBlob("visited", Tensor::Scalar<int64_t>(3));
  // Later ones take the place of some, whole.
  std::vector<int32_t> lengths(200, 2);
  std::vector<float> values;
  for (int i = 0; i < 200; ++i) values.insert(values.end(), 2, static_cast<float>(100 + i));
  pack(lengths, values);
  Must(Sample(3));
  MustRun("UnPackRecords", {"rows"}, {"kept_lengths", "kept_values"}, {fields});
  ExpectBlob("kept_lengths", Tensor::Of<int32_t>({3}, {2, 2, 2}));
  const Tensor kept = *workspace_.Fetch("kept_values");
  for (int i = 0; i < 6; i += 2) EXPECT_EQ(kept.data<float>()[i], kept.data<float>()[i + 1]);
  ExpectBlob("visited", Tensor::Scalar<int64_t>(203));
  // A tensor is no record, and the reservoir stays.
  ASSERT_TRUE(workspace_.RemoveBlob("X").ok());
  FeedRows({1, 2});
  EXPECT_EQ(workspace_.RunOperatorOnce(Sample(3)).code(), absl::StatusCode::kInvalidArgument);
  ExpectBlob("visited", Tensor::Scalar<int64_t>(203));
}

TEST_F(ReservoirTest, KeepsEachObjectOfPackedRecordsOnce) {
  const auto fields = Arg("fields", std::vector<std::string>{"value"});
  FeedRows({7, 8, 7});
  MustRun("PackRecords", {"X"}, {"packed"}, {fields});
  OperatorDef def = SampleObjects(5);
  def.set_input(2, "packed");
  Must(def);
  MustRun("UnPackRecords", {"rows"}, {"kept"}, {fields});
  ExpectBlob("kept", Tensor::Of<int64_t>({2}, {7, 8}));
}

}  // namespace
}  // namespace doppio
