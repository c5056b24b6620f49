#include <set>

#include "doppio/serialize.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

class IndexTest : public StateTest {
 protected:
  void Create(int max_elements = 10) {
    MustRun("LongIndexCreate", {}, {"index"}, {Arg("max_elements", max_elements)});
  }
  void FeedKeys(const std::vector<int64_t>& keys) {
    Feed("keys", Tensor::FromSpan<int64_t>({static_cast<int64_t>(keys.size())}, keys));
  }
  std::vector<int64_t> Get(const std::vector<int64_t>& keys) {
    FeedKeys(keys);
    MustRun("IndexGet", {"index", "keys"}, {"numbers"});
    const absl::StatusOr<Tensor> numbers = workspace_.Fetch("numbers");
    if (!numbers.ok()) return {};
    return {numbers->span<int64_t>().begin(), numbers->span<int64_t>().end()};
  }
  int64_t Size() {
    MustRun("IndexSize", {"index"}, {"size"});
    return Scalar<int64_t>("size");
  }
  using Numbers = std::vector<int64_t>;
};

TEST_F(IndexTest, NumbersKeysInTheOrderInWhichTheyCome) {
  Create();
  EXPECT_EQ(Size(), 1);
  EXPECT_EQ(Get({7, 5, 7}), Numbers({1, 2, 1}));
  EXPECT_EQ(Size(), 3);
  EXPECT_EQ(Get({5, -1}), Numbers({2, 3}));
  MustRun("IndexStore", {"index"}, {"stored"});
  ExpectBlob("stored", Tensor::Of<int64_t>({3}, {7, 5, -1}));
}

TEST_F(IndexTest, FrozenGivesZeroForKeysThatItDoesNotKnow) {
  Create();
  Get({7, 5});
  MustRun("IndexFreeze", {"index"}, {"index"});
  EXPECT_EQ(Get({5, 6}), Numbers({2, 0}));
  EXPECT_EQ(Size(), 3);
}

TEST_F(IndexTest, LoadsKeysInPlaceOfItsOwn) {
  Create();
  Get({1, 2, 3});
  FeedKeys({7, 5});
  MustRun("IndexLoad", {"index", "keys"}, {"index"});
  EXPECT_EQ(Get({5, 1}), Numbers({2, 3}));
  FeedKeys({0, 8, 9});
  MustRun("IndexLoad", {"index", "keys"}, {"index"}, {Arg("skip_first_entry", 1)});
  EXPECT_EQ(Get({9, 8}), Numbers({2, 1}));
  EXPECT_EQ(Size(), 3);
}

TEST_F(IndexTest, TakesInt32AndStringsOfAnyShape) {
  MustRun("IntIndexCreate", {}, {"index"});
  Feed("keys", Tensor::Of<int32_t>({2, 1}, {4, 3}));
  MustRun("IndexGet", {"index", "keys"}, {"numbers"});
  ExpectBlob("numbers", Tensor::Of<int64_t>({2, 1}, {1, 2}));
  MustRun("StringIndexCreate", {}, {"index"});
  Feed("keys", Tensor::Of<std::string>({3}, {"b", "", "b"}));
  MustRun("IndexGet", {"index", "keys"}, {"numbers"});
  ExpectBlob("numbers", Tensor::Of<int64_t>({3}, {1, 2, 1}));
  MustRun("IndexStore", {"index"}, {"stored"});
  ExpectBlob("stored", Tensor::Of<std::string>({2}, {"b", ""}));
  Feed("keys", Tensor::Scalar<std::string>("c"));
  MustRun("IndexGet", {"index", "keys"}, {"numbers"});
  ExpectBlob("numbers", Tensor::Scalar<int64_t>(3));
}

TEST_F(IndexTest, OfNothingIsNothing) {
  Create();
  EXPECT_EQ(Get({}), Numbers());
  MustRun("IndexStore", {"index"}, {"stored"});
  ExpectBlob("stored", Tensor::Of<int64_t>({0}, {}));
  MustRun("IndexLoad", {"index", "keys"}, {"index"});
  EXPECT_EQ(Size(), 1);
}

TEST_F(IndexTest, GivesAllThreadsTheSameNumbers) {
  constexpr int kThreads = 4;
  constexpr int64_t kKeys = 1000;
  MustRun("LongIndexCreate", {}, {"index"});
  OnThreads(kThreads, [&](int t) {
    const std::string keys = absl::StrCat("keys", t);
    for (int64_t i = 0; i < kKeys; ++i) {
      Feed(keys, Tensor::Scalar<int64_t>(t % 2 == 0 ? i : kKeys - 1 - i));
      MustRun("IndexGet", {"index", keys}, {absl::StrCat("numbers", t)});
    }
  });
  EXPECT_EQ(Size(), kKeys + 1);
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < kKeys; ++i) keys.push_back(i);
  const std::vector<int64_t> numbers = Get(keys);
  const std::set<int64_t> different(numbers.begin(), numbers.end());
  EXPECT_EQ(different.size(), static_cast<size_t>(kKeys));
  EXPECT_EQ(*different.begin(), 1);
  EXPECT_EQ(*different.rbegin(), kKeys);
}

TEST_F(IndexTest, IsFrozenWhileAnotherThreadAsks) {
  MustRun("LongIndexCreate", {}, {"index"});
  FeedKeys({1, 2, 3});
  OnThreads(2, [&](int t) {
    for (int run = 0; run < 50; ++run) {
      if (t == 0) {
        MustRun("IndexFreeze", {"index"}, {"index"});
      } else {
        MustRun("IndexGet", {"index", "keys"}, {"numbers"});
      }
    }
  });
  EXPECT_LE(Size(), 4);
}

TEST_F(IndexTest, IsWrittenAndReadAsCaffe2Does) {
  Create();
  Get({7, 5});
  MustRun("IndexFreeze", {"index"}, {"index"});
  const absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("index"), "index");
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->type(), "std::unique_ptr<caffe2::IndexBase>");
  EXPECT_EQ(proto->content(), "10 1");
  EXPECT_EQ(proto->tensor().int64_data_size(), 2);
  MustRun("Free", {"index"}, {"index"});
  const absl::Status status = BlobFromProto(*proto, workspace_.FindBlob("index").get());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Get({5, 6}), Numbers({2, 0}));
}

TEST_F(IndexTest, RejectsFilesThatHoldNoIndex) {
  Create();
  Get({7, 5});
  const absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("index"), "index");
  ASSERT_TRUE(proto.ok()) << proto.status();
  for (const char* content : {"", "10", "x 0", "10 2", "2 0", "10 0 0"}) {
    BlobProto bad = *proto;
    bad.set_content(content);
    EXPECT_FALSE(BlobFromProto(bad, workspace_.FindBlob("index").get()).ok()) << content;
  }
  BlobProto twice = *proto;
  twice.mutable_tensor()->set_int64_data(1, 7);
  EXPECT_FALSE(BlobFromProto(twice, workspace_.FindBlob("index").get()).ok());
  EXPECT_EQ(Get({5}), Numbers({2}));
}

TEST_F(IndexTest, RejectsMoreKeysThanElements) {
  Create(3);
  FeedKeys({7, 5, 6});
  ExpectFailure(Def("IndexGet", {"index", "keys"}, {"numbers"}),
                "the index has 3 elements, as many as max_elements allows, and not the key 6");
  ExpectFailure(Def("IndexLoad", {"index", "keys"}, {"index"}),
                "there are 3 keys, with the element 0 more than max_elements, 3");
  EXPECT_EQ(Get({5, 7}), Numbers({2, 1}));
}

TEST_F(IndexTest, RejectsKeysOfAnotherType) {
  Create();
  Feed("keys", Tensor::Of<int32_t>({1}, {1}));
  for (const char* type : {"IndexGet", "IndexLoad"}) {
    ExpectFailure(Def(type, {"index", "keys"}, {type == std::string("IndexGet") ? "n" : "index"}),
                  "keys are of int32, but the index is one of int64");
  }
  Feed("keys", Tensor::Of<float>({1}, {1}));
  ExpectFailure(Def("IndexGet", {"index", "keys"}, {"n"}), "float");
}

TEST_F(IndexTest, RejectsToLoadWhatIsNoListOfKeys) {
  Create();
  Get({1});
  FeedKeys({7, 5, 7});
  ExpectFailure(Def("IndexLoad", {"index", "keys"}, {"index"}), "the key 7 comes twice");
  Feed("keys", Tensor::Of<int64_t>({1, 1}, {1}));
  ExpectFailure(Def("IndexLoad", {"index", "keys"}, {"index"}), "items must be a vector");
  FeedKeys({});
  ExpectFailure(Def("IndexLoad", {"index", "keys"}, {"index"}, {Arg("skip_first_entry", 1)}),
                "there are no items");
  EXPECT_EQ(Get({1}), Numbers({1}));
}

TEST_F(IndexTest, RejectsWhatIsNoIndexAndNoRoom) {
  FeedKeys({7});
  ExpectFailure(Def("IndexGet", {"keys", "keys"}, {"n"}),
                "input 0 \"keys\" must be an index that IntIndexCreate or its kin made, but holds");
  ExpectFailure(Def("IndexSize", {"keys"}, {"n"}), "must be an index");
  ExpectFailure(Def("IndexFreeze", {"keys"}, {"other"}), "must be the same blob");
  ExpectFailure(Def("LongIndexCreate", {}, {"index"}, {Arg("max_elements", 0)}),
                "max_elements must be at least 1, but is 0");
}

}  // namespace
}  // namespace doppio
