#include <algorithm>
#include <map>
#include <thread>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/serialize.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

using Names = std::vector<std::string>;

template <typename T>
Tensor Vector(const std::vector<T>& values) {
  return *Tensor::FromSpan<T>({static_cast<int64_t>(values.size())}, absl::MakeConstSpan(values));
}

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  return std::vector<T>(tensor.span<T>().begin(), tensor.span<T>().end());
}

class DatasetTest : public testing::Test {
 protected:
  absl::Status Run(absl::string_view type, const Names& inputs, const Names& outputs,
                   const std::vector<Argument>& args = {}) {
    return workspace_.RunOperatorOnce(CreateOperatorDef(type, "", inputs, outputs, args));
  }
  std::string Error(absl::string_view type, const Names& inputs, const Names& outputs,
                    const std::vector<Argument>& args = {}) {
    return std::string(Run(type, inputs, outputs, args).message());
  }
  void Cursor(const Names& fields) {
    EXPECT_EQ(Error("CreateTreeCursor", {}, {"cursor"}, {MakeArgument("fields", fields)}), "");
  }
  template <typename T>
  void Feed(const std::string& name, const std::vector<T>& values) {
    ASSERT_TRUE(workspace_.Feed(name, Vector<T>(values)).ok());
  }
  template <typename T>
  std::vector<T> Fetch(const std::string& name) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    EXPECT_TRUE(tensor.ok()) << tensor.status();
    return tensor.ok() ? Values<T>(*tensor) : std::vector<T>();
  }
  // Two records: [1,2] and [3].
  void FeedTags() {
    Cursor({"tags:lengths", "tags:values"});
    Feed<int32_t>("l", {2, 1});
    Feed<float>("v", {1, 2, 3});
  }
  std::string Read(int64_t batch_size, bool enforce = false) {
    return Error("ReadNextBatch", {"cursor", "l", "v"}, {"bl", "bv"},
                 {MakeArgument<int64_t>("batch_size", batch_size),
                  MakeArgument<bool>("enforce_batch_size", enforce)});
  }

  Workspace workspace_;
};

TEST_F(DatasetTest, ReadsRecordsUntilNoneAreLeft) {
  Cursor({"tags:lengths", "tags:values"});
  Feed<int32_t>("l", {2, 1, 0});
  Feed<float>("v", {1, 2, 3});
  EXPECT_EQ(Read(2), "");
  EXPECT_EQ(Fetch<int32_t>("bl"), (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(Read(2), "");
  EXPECT_EQ(Fetch<int32_t>("bl"), (std::vector<int32_t>{0}));
  EXPECT_EQ(workspace_.Fetch("bv")->TypeAndShape(), "float[0]");
  EXPECT_EQ(Read(2), "");
  EXPECT_EQ(workspace_.Fetch("bl")->TypeAndShape(), "int32[0]");
  EXPECT_EQ(workspace_.FindBlob("cursor")->TypeName(), "TreeCursor");
}

TEST_F(DatasetTest, TheCursorTellsWhereItStands) {
  FeedTags();
  EXPECT_EQ(Error("GetCursorOffset", {"cursor"}, {"offsets"}), "");
  EXPECT_EQ(workspace_.Fetch("offsets")->TypeAndShape(), "int32[0]");
  EXPECT_EQ(Read(1), "");
  EXPECT_EQ(Error("GetCursorOffset", {"cursor"}, {"offsets"}), "");
  EXPECT_EQ(Fetch<int32_t>("offsets"), (std::vector<int32_t>{1, 2}));
}

TEST_F(DatasetTest, AResetCursorBeginsAnew) {
  FeedTags();
  EXPECT_EQ(Read(2), "");
  EXPECT_EQ(Error("ResetCursor", {"cursor"}, {}), "");
  EXPECT_EQ(Read(1), "");
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{1, 2}));
}

TEST_F(DatasetTest, LengthsOfLengthsAreFollowed) {
  // Record 0 has the lists [1,2] and []; record 1 none; record 2 the list [3,4,5].
  Cursor({"id", "a:lengths", "a:b:lengths", "a:b:values"});
  Feed<std::string>("id", {"x", "y", "z"});
  Feed<int32_t>("a", {2, 0, 1});
  Feed<int32_t>("b", {2, 0, 3});
  ASSERT_TRUE(
      workspace_.Feed("v", Tensor::Of<int64_t>({5, 2}, {1, 1, 2, 2, 3, 3, 4, 4, 5, 5})).ok());
  const Names in = {"cursor", "id", "a", "b", "v"};
  const Names out = {"bid", "ba", "bb", "bv"};
  EXPECT_EQ(Error("ReadNextBatch", in, out), "");
  EXPECT_EQ(Fetch<std::string>("bid"), (std::vector<std::string>{"x"}));
  EXPECT_EQ(Fetch<int32_t>("bb"), (std::vector<int32_t>{2, 0}));
  EXPECT_EQ(workspace_.Fetch("bv")->TypeAndShape(), "int64[2,2]");
  EXPECT_EQ(Error("ReadNextBatch", in, out, {MakeArgument<int64_t>("batch_size", 5)}), "");
  EXPECT_EQ(Fetch<std::string>("bid"), (std::vector<std::string>{"y", "z"}));
  EXPECT_EQ(Fetch<int32_t>("ba"), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(Fetch<int32_t>("bb"), (std::vector<int32_t>{3}));
  EXPECT_EQ(Fetch<int64_t>("bv"), (std::vector<int64_t>{3, 3, 4, 4, 5, 5}));
}

TEST_F(DatasetTest, AnEnforcedBatchSizeGivesNoneInPlaceOfFewer) {
  FeedTags();
  EXPECT_EQ(Read(3, true), "");
  EXPECT_EQ(workspace_.Fetch("bl")->TypeAndShape(), "int32[0]");
  EXPECT_EQ(workspace_.Fetch("bv")->TypeAndShape(), "float[0]");
}

TEST_F(DatasetTest, EachRecordIsGivenToOneThread) {
  constexpr int kThreads = 4;
  constexpr int kRecords = 1001;
  Cursor({"tags:lengths", "tags:values"});
  std::vector<int32_t> lengths;
  std::vector<int32_t> values;  // record i has i % 3 times the value i
  for (int i = 0; i < kRecords; ++i) {
    lengths.push_back(i % 3);
    values.insert(values.end(), i % 3, i);
  }
  Feed<int32_t>("l", lengths);
  Feed<int32_t>("v", values);
  std::vector<std::vector<int32_t>> seen(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    const std::string bl = absl::StrCat("bl", t);
    const std::string bv = absl::StrCat("bv", t);
    NetBuilder net(absl::StrCat("read", t));
    net.Op("ReadNextBatch", {"cursor", "l", "v"}, {bl, bv},
           {MakeArgument<int64_t>("batch_size", 7)});
    const absl::StatusOr<Net*> made = workspace_.CreateNet(net.def());
    ASSERT_TRUE(made.ok()) << made.status();
    threads.emplace_back([this, net = *made, bl, bv, out = &seen[t]] {
      while (true) {
        ASSERT_TRUE(net->Run().ok());
        if (workspace_.Fetch(bl)->numel() == 0) return;
        const std::vector<int32_t> more = Values<int32_t>(*workspace_.Fetch(bv));
        out->insert(out->end(), more.begin(), more.end());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int32_t> all;
  for (const std::vector<int32_t>& some : seen) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, values);
}

TEST_F(DatasetTest, ACursorGoesToAFileAndBack) {
  FeedTags();
  const absl::StatusOr<BlobProto> fresh = BlobToProto(*workspace_.FindBlob("cursor"), "cursor");
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_EQ(fresh->type(), "std::unique_ptr<TreeCursor>");
  EXPECT_EQ(fresh->content(), "tags:lengths tags:values ");
  EXPECT_FALSE(fresh->has_tensor());
  EXPECT_EQ(Read(1), "");
  const absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("cursor"), "cursor");
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(Read(1), "");
  ASSERT_TRUE(BlobFromProto(*proto, workspace_.CreateBlob("cursor").get()).ok());
  EXPECT_EQ(Read(1), "");
  EXPECT_EQ(Fetch<float>("bv"), std::vector<float>({3}));
}

TEST_F(DatasetTest, RejectsCursorsThatNoFileCanHold) {
  Cursor({"a name"});
  EXPECT_THAT(std::string(BlobToProto(*workspace_.FindBlob("cursor"), "cursor").status().message()),
              HasSubstr("a space"));
  BlobProto proto;
  proto.set_name("cursor");
  proto.set_type("std::unique_ptr<TreeCursor>");
  proto.set_content("tags:values tags:lengths ");
  Blob blob;
  EXPECT_FALSE(BlobFromProto(proto, &blob).ok());
  proto.set_content("tags:lengths tags:values ");
  for (const std::vector<int64_t>& offsets : {std::vector<int64_t>({1}), {1, -1}, {1, 2, 3}}) {
    *proto.mutable_tensor() = *TensorToProto(Vector<int64_t>(offsets));
    EXPECT_THAT(std::string(BlobFromProto(proto, &blob).message()), HasSubstr("offset"));
  }
  EXPECT_TRUE(blob.IsEmpty());
}

TEST_F(DatasetTest, RejectsLengthsThatAreNone) {
  FeedTags();
  Feed<int32_t>("l", {2, 2});
  EXPECT_THAT(Read(2), HasSubstr("field 0 \"tags:lengths\" asks for rows 0 to 0 + 4 of the fields "
                                 "that it counts, but they have 3"));
  Feed<int32_t>("l", {2, -1});
  EXPECT_THAT(Read(2), HasSubstr("[1] is -1, but a length is not negative"));
  Feed<int64_t>("l", {2, 1});
  EXPECT_THAT(Read(2), HasSubstr("must be a vector of int32, but is int64[2]"));
  Feed<int32_t>("l", {2, 1});  // the cursor stays where it was
  EXPECT_EQ(Read(2), "");
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{1, 2, 3}));
}

TEST_F(DatasetTest, RejectsFieldsThatBecameShorter) {
  FeedTags();
  EXPECT_EQ(Read(2), "");
  Feed<int32_t>("l", {2});
  EXPECT_THAT(Read(2), HasSubstr("the cursor stands at record 2, but there are only 1"));
  EXPECT_EQ(Error("ResetCursor", {"cursor"}, {}), "");
  EXPECT_EQ(Read(1), "");
  Feed<int32_t>("l", {2, 1});
  Feed<float>("v", {1});
  EXPECT_THAT(Read(1), HasSubstr("asks for rows 2 to 2 + 1"));
}

TEST_F(DatasetTest, RejectsOtherFieldsThanTheCursorHas) {
  FeedTags();
  EXPECT_THAT(Error("ReadNextBatch", {"cursor", "l"}, {"bl"}),
              HasSubstr("there are 2 names of fields, but 1 tensors"));
  EXPECT_THAT(Error("ReadNextBatch", {"cursor", "l", "v"}, {"bl"}),
              HasSubstr("there must be an output for each field"));
  ASSERT_TRUE(workspace_.Feed("v", Tensor::Scalar<float>(1)).ok());
  EXPECT_THAT(Read(1), HasSubstr("\"tags:values\" must be at least a vector, but is a scalar"));
  EXPECT_THAT(Read(0), HasSubstr("batch_size is 0, must be at least 1"));
}

TEST_F(DatasetTest, RejectsLengthsBehindWhatTheyCount) {
  EXPECT_THAT(Error("CreateTreeCursor", {}, {"cursor"},
                    {MakeArgument("fields", Names{"a:values", "a:lengths"})}),
              HasSubstr("field 0 \"a:values\" stands before its lengths, field 1 \"a:lengths\""));
}

TEST_F(DatasetTest, RejectsWhatIsNoCursor) {
  Feed<int32_t>("cursor", {0});
  EXPECT_THAT(Error("ResetCursor", {"cursor"}, {}),
              HasSubstr("must be a cursor that CreateTreeCursor made, but holds Tensor"));
}

TEST_F(DatasetTest, OffsetsTellWhereEachRecordBegins) {
  FeedTags();
  EXPECT_EQ(Error("ComputeOffset", {"cursor", "l", "v"}, {"offsets"}), "");
  EXPECT_TRUE(
      TensorEquals(*workspace_.Fetch("offsets"), Tensor::Of<int64_t>({3, 2}, {0, 0, 1, 2, 2, 3})));
  Feed<int32_t>("l", {2, 7});
  EXPECT_THAT(Error("ComputeOffset", {"cursor", "l", "v"}, {"offsets"}),
              HasSubstr("asks for rows 2 to 2 + 7"));
}

class RandomBatchTest : public DatasetTest {
 protected:
  void SetUp() override {
    FeedTags();
    Feed<int64_t>("idx", {1, 0});
    ASSERT_TRUE(workspace_.Feed("offsets", Tensor::Of<int64_t>({3, 2}, {0, 0, 1, 2, 2, 3})).ok());
  }
  std::string ReadRandom(int64_t batch_size, bool enforce = false, bool loop = false) {
    return Error(
        "ReadRandomBatch", {"cursor", "idx", "offsets", "l", "v"}, {"bl", "bv"},
        {MakeArgument<int64_t>("batch_size", batch_size),
         MakeArgument<bool>("enforce_batch_size", enforce), MakeArgument<bool>("loop_over", loop)});
  }
};

TEST_F(RandomBatchTest, ReadsInTheOrderGiven) {
  EXPECT_EQ(ReadRandom(2), "");
  EXPECT_EQ(Fetch<int32_t>("bl"), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{3, 1, 2}));
  EXPECT_EQ(ReadRandom(2), "");
  EXPECT_EQ(workspace_.Fetch("bl")->TypeAndShape(), "int32[0]");
}

TEST_F(RandomBatchTest, BeginsAnewWhereItLoops) {
  Feed<int64_t>("idx", {1, 0, 1});
  EXPECT_EQ(ReadRandom(2, false, true), "");
  EXPECT_EQ(ReadRandom(2, false, true), "");
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{3}));
  EXPECT_EQ(ReadRandom(2, false, true), "");
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{3, 1, 2}));
}

TEST_F(RandomBatchTest, AnEnforcedBatchIsWholeOrEmpty) {
  Feed<int64_t>("idx", {1, 0, 1});
  EXPECT_EQ(ReadRandom(2, true), "");
  EXPECT_EQ(ReadRandom(2, true), "");
  EXPECT_EQ(workspace_.Fetch("bl")->numel(), 0);
  EXPECT_EQ(ReadRandom(2, true, true), "");
  EXPECT_EQ(Fetch<float>("bv"), (std::vector<float>{3, 1, 2}));
  EXPECT_EQ(ReadRandom(4, true, true), "");
  EXPECT_EQ(workspace_.Fetch("bl")->numel(), 0);
}

TEST_F(RandomBatchTest, RejectsRecordsThatAreNotThere) {
  Feed<int64_t>("idx", {2});
  EXPECT_THAT(ReadRandom(1), HasSubstr("idx has 2, but offsetsmat [3,2] is of records 0 to 1"));
  Feed<int64_t>("idx", {-1});
  EXPECT_EQ(Error("ResetCursor", {"cursor"}, {}), "");
  EXPECT_THAT(ReadRandom(1), HasSubstr("idx has -1"));
  Feed<int32_t>("idx", {0});
  EXPECT_THAT(ReadRandom(1), HasSubstr("idx must be a vector of int64, but is int32[1]"));
}

TEST_F(RandomBatchTest, RejectsOffsetsThatAreNone) {
  ASSERT_TRUE(workspace_.Feed("offsets", Tensor::Of<int64_t>({3, 2}, {0, 0, 1, 2, 2, 9})).ok());
  EXPECT_THAT(ReadRandom(2),
              HasSubstr("record 1 has rows 2 to 9 in column 1, but the fields have 3"));
  ASSERT_TRUE(workspace_.Feed("offsets", Tensor::Of<int64_t>({3, 2}, {0, 0, 1, 2, 2, 1})).ok());
  EXPECT_EQ(Error("ResetCursor", {"cursor"}, {}), "");
  EXPECT_THAT(ReadRandom(2), HasSubstr("record 1 has rows 2 to 1 in column 1"));
  ASSERT_TRUE(workspace_.Feed("offsets", Tensor::Of<int64_t>({3, 1}, {0, 1, 2})).ok());
  EXPECT_THAT(ReadRandom(2), HasSubstr("must be a matrix of int64 with 2 columns"));
  EXPECT_THAT(ReadRandom(0), HasSubstr("batch_size is 0"));
}

TEST_F(DatasetTest, SortsAndShufflesInBatches) {
  Cursor({"key", "x"});
  std::vector<int32_t> keys;
  for (int i = 0; i < 13; ++i) keys.push_back(100 - i);
  Feed<int32_t>("key", keys);
  Feed<float>("x", std::vector<float>(13));
  OperatorDef def = CreateOperatorDef(
      "SortAndShuffle", "", {"cursor", "key", "x"}, {"order"},
      {MakeArgument<int64_t>("sort_by_field_idx", 0), MakeArgument<int64_t>("batch_size", 2),
       MakeArgument<int64_t>("shuffle_size", 3)});
  def.mutable_device_option()->set_random_seed(5);
  ASSERT_TRUE(workspace_.RunOperatorOnce(def).ok());
  const std::vector<int64_t> order = Fetch<int64_t>("order");
  ASSERT_EQ(order.size(), 13U);
  EXPECT_EQ(order[12], 0);  // the largest key has no batch
  for (int i = 0; i < 12; i += 2) {
    EXPECT_EQ((12 - order[i]) / 6, (12 - order[i + 1]) / 6) << "a batch is of one run";
  }
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < 13; ++i) EXPECT_EQ(sorted[i], i);
  ASSERT_TRUE(workspace_.RunOperatorOnce(def).ok());
  EXPECT_EQ(Fetch<int64_t>("order"), order) << "one seed, one order";
}

TEST_F(DatasetTest, WithoutASeedTheFirstRunIsShuffledAsInCaffe2) {
  Cursor({"key"});
  Feed<int32_t>("key", {2, 0, 1});
  EXPECT_EQ(Error("SortAndShuffle", {"cursor", "key"}, {"order"},
                  {MakeArgument<int64_t>("sort_by_field_idx", 0),
                   MakeArgument<int64_t>("batch_size", 2)}),
            "");
  EXPECT_EQ(Fetch<int64_t>("order"), (std::vector<int64_t>{2, 1, 0}));
}

TEST_F(DatasetTest, RecordsBehindTheLastBatchStayWhereTheyAre) {
  Cursor({"x"});
  Feed<float>("x", std::vector<float>(3));
  EXPECT_EQ(Error("SortAndShuffle", {"cursor", "x"}, {"order"},
                  {MakeArgument<int64_t>("sort_by_field_idx", -1),
                   MakeArgument<int64_t>("batch_size", 5)}),
            "");
  EXPECT_EQ(Fetch<int64_t>("order"), (std::vector<int64_t>{0, 1, 2}));  // no whole batch
}

TEST_F(DatasetTest, RejectsKeysThatAreNone) {
  FeedTags();
  const auto sort = [this](int64_t field, int64_t batch_size) {
    return Error("SortAndShuffle", {"cursor", "l", "v"}, {"order"},
                 {MakeArgument<int64_t>("sort_by_field_idx", field),
                  MakeArgument<int64_t>("batch_size", batch_size)});
  };
  EXPECT_THAT(sort(2, 1), HasSubstr("sort_by_field_idx is 2, but there are 2 fields"));
  EXPECT_THAT(sort(1, 1), HasSubstr("records are not sorted by it"));
  EXPECT_THAT(sort(-2, 1), HasSubstr("must be at least -1"));
  EXPECT_THAT(sort(0, 0), HasSubstr("batch_size is 0"));
}

TEST_F(DatasetTest, PackedRecordsAreUnpackedAgain) {
  FeedTags();
  const std::vector<Argument> fields = {
      MakeArgument("fields", Names{"tags:lengths", "tags:values"})};
  EXPECT_EQ(Error("PackRecords", {"l", "v"}, {"packed"}, fields), "");
  EXPECT_EQ(workspace_.FindBlob("packed")->TypeName(), "PackedRecords");
  Feed<float>("v", {9, 9, 9});  // the records have copies
  EXPECT_EQ(Error("UnPackRecords", {"packed"}, {"ul", "uv"}, fields), "");
  EXPECT_EQ(Fetch<int32_t>("ul"), (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(Fetch<float>("uv"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(Error("UnPackRecords", {"packed", "l", "v"}, {"ul", "uv"}, fields), "");
  EXPECT_EQ(Fetch<float>("uv"), (std::vector<float>{1, 2, 3}));
}

TEST_F(DatasetTest, PrototypesTellTheShapesOfNoRecords) {
  Feed<int32_t>("l", {});
  ASSERT_TRUE(workspace_.Feed("v", Tensor::Create(DataType::kFloat, {0, 3})).ok());
  const std::vector<Argument> fields = {
      MakeArgument("fields", Names{"tags:lengths", "tags:values"})};
  EXPECT_EQ(Error("PackRecords", {"l", "v"}, {"packed"}, fields), "");
  EXPECT_THAT(Error("UnPackRecords", {"packed"}, {"ul", "uv"}, fields),
              HasSubstr("there are no records, and no prototypes"));
  EXPECT_EQ(Error("UnPackRecords", {"packed", "l", "v"}, {"ul", "uv"}, fields), "");
  EXPECT_EQ(workspace_.Fetch("uv")->TypeAndShape(), "float[0,3]");
}

TEST_F(DatasetTest, ATensorIsUnpackedToACopy) {
  Feed<float>("x", {1, 2});
  EXPECT_EQ(Error("UnPackRecords", {"x"}, {"y"}), "");
  EXPECT_EQ(Fetch<float>("y"), (std::vector<float>{1, 2}));
  EXPECT_THAT(Error("UnPackRecords", {"x"}, {"y", "z"}), HasSubstr("copied to a single output"));
}

TEST_F(DatasetTest, RejectsRecordsThatDoNotFit) {
  FeedTags();
  const Argument fields = MakeArgument("fields", Names{"tags:lengths", "tags:values"});
  Feed<int32_t>("l", {2, 3});
  EXPECT_THAT(Error("PackRecords", {"l", "v"}, {"packed"}, {fields}),
              HasSubstr("asks for rows 2 to 2 + 3"));
  Feed<int32_t>("l", {2, 1});
  EXPECT_EQ(Error("PackRecords", {"l", "v"}, {"packed"}, {fields}), "");
  EXPECT_THAT(Error("UnPackRecords", {"packed"}, {"a"}, {MakeArgument("fields", Names{"a"})}),
              HasSubstr("a record has 2 fields, but there are 1 names"));
  EXPECT_THAT(Error("UnPackRecords", {"packed"}, {"a"}, {fields}),
              HasSubstr("there must be as many outputs"));
  EXPECT_THAT(Error("UnPackRecords", {"packed", "v", "v"}, {"a", "b"}, {fields}),
              HasSubstr("field 0 of a record is int32[1], but should be float[3]"));
}

TEST_F(DatasetTest, ConsistentRecordsPass) {
  FeedTags();
  const Argument fields = MakeArgument("fields", Names{"tags:lengths", "tags:values"});
  EXPECT_EQ(Error("CheckDatasetConsistency", {"l", "v"}, {}, {fields}), "");
  Feed<float>("v", {1, 2});
  EXPECT_THAT(Error("CheckDatasetConsistency", {"l", "v"}, {}, {fields}),
              HasSubstr("asks for rows 0 to 0 + 3"));
  Feed<float>("v", {1, 2, 3, 4});
  EXPECT_THAT(Error("CheckDatasetConsistency", {"l", "v"}, {}, {fields}),
              HasSubstr("\"tags:lengths\" sums to 3, but field 1 \"tags:values\" has 4 rows"));
  EXPECT_THAT(
      Error("CheckDatasetConsistency", {"l", "v"}, {}, {MakeArgument("fields", Names{"a", "b"})}),
      HasSubstr("field 1 \"b\" has 4 rows, but field 0 \"a\" of the same level has 2"));
}

TEST_F(DatasetTest, TrimsToAMultiple) {
  Feed<int32_t>("l", {2, 1, 1});
  Feed<float>("v", {1, 2, 3, 4});
  const Argument fields = MakeArgument("fields", Names{"tags:lengths", "tags:values"});
  EXPECT_EQ(Error("TrimDataset", {"l", "v"}, {"l", "v"},
                  {fields, MakeArgument<int64_t>("multiple_of", 2)}),
            "");
  EXPECT_EQ(Fetch<int32_t>("l"), (std::vector<int32_t>{2, 1}));
  EXPECT_EQ(Fetch<float>("v"), (std::vector<float>{1, 2, 3}));
  Feed<int32_t>("l", {2, 5, 1});
  EXPECT_THAT(Error("TrimDataset", {"l", "v"}, {"l", "v"},
                    {fields, MakeArgument<int64_t>("multiple_of", 2)}),
              HasSubstr("asks for rows 0 to 0 + 7"));
  EXPECT_THAT(Error("TrimDataset", {"l", "v"}, {"l", "v"},
                    {fields, MakeArgument<int64_t>("multiple_of", 0)}),
              HasSubstr("multiple_of is 0, must be at least 1"));
  EXPECT_FALSE(Run("TrimDataset", {"l", "v"}, {"l", "w"}, {fields}).ok());
}

}  // namespace
}  // namespace doppio
