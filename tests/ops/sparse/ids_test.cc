// Ids that are merged, dealt out to shards or replaced.

#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(MergeIdListsTest, MergesTheListsOfEachExample) {
  OpTester("MergeIdLists")
      .Input("lengths_0", Tensor::Of<int32_t>({2}, {2, 1}))
      .Input("values_0", Tensor::Of<int64_t>({3}, {4, 1, 3}))
      .Input("lengths_1", Tensor::Of<int32_t>({2}, {1, 0}))
      .Input("values_1", Tensor::Of<int64_t>({1}, {4}))
      .Outputs({"lengths", "values"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {2, 1}))
      .ExpectOutput(1, Tensor::Of<int64_t>({3}, {1, 4, 3}));
}

TEST(MergeIdListsTest, MakesNothingOfNothing) {
  OpTester("MergeIdLists")
      .Input("lengths", Tensor::Of<int32_t>({2}, {0, 0}))
      .Input("values", Tensor::Of<int32_t>({0}, {}))
      .Outputs({"l", "v"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {0, 0}))
      .ExpectOutput(1, Tensor::Of<int32_t>({0}, {}));
}

TEST(MergeIdListsTest, RejectsWhatDoesNotGoTogether) {
  const auto merge = [](absl::StatusOr<Tensor> lengths, absl::StatusOr<Tensor> values) {
    OpTester tester("MergeIdLists");
    tester.Input("l0", Tensor::Of<int32_t>({1}, {1}))
        .Input("v0", Tensor::Of<int32_t>({1}, {7}))
        .Input("l1", lengths)
        .Input("v1", values)
        .Outputs({"l", "v"});
    return tester;
  };
  merge(Tensor::Of<int32_t>({2}, {1, 0}), Tensor::Of<int32_t>({1}, {7}))
      .ExpectError(kInvalid, "all lengths must be as many");
  merge(Tensor::Of<int32_t>({1}, {1}), Tensor::Of<int64_t>({1}, {7}))
      .ExpectError(kInvalid, "all values of one type");
  merge(Tensor::Of<int32_t>({1}, {2}), Tensor::Of<int32_t>({1}, {7}))
      .ExpectError(kInvalid, "lengths_1 sum to 2, but values_1 has 1");
  merge(Tensor::Of<int32_t>({1}, {-1}), Tensor::Of<int32_t>({1}, {7}))
      .ExpectError(kInvalid, "lengths_1[0] is -1");
  merge(Tensor::Of<int64_t>({1}, {1}), Tensor::Of<int32_t>({1}, {7}))
      .ExpectError(kInvalid, "lengths_1 must be a vector of int32");
  OpTester("MergeIdLists")
      .Input("l0", Tensor::Of<int32_t>({1}, {1}))
      .Input("v0", Tensor::Of<int32_t>({1}, {7}))
      .Input("l1", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"l", "v"})
      .ExpectError(kInvalid, "pairs of lengths and values, but there are 3");
}

TEST(PartitionTest, DealsOutKeysAndWhatBelongsToThem) {
  OpTester("Partition")
      .Input("keys", Tensor::Of<int32_t>({4}, {3, 4, 6, 9}))
      .Input("X", Tensor::Of<float>({4}, {1, 2, 3, 4}))
      .Outputs({"k0", "x0", "k1", "x1"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {4, 6}))
      .ExpectOutput(1, Tensor::Of<float>({2}, {2, 3}))
      .ExpectOutput(2, Tensor::Of<int32_t>({2}, {3, 9}))
      .ExpectOutput(3, Tensor::Of<float>({2}, {1, 4}));
}

TEST(PartitionTest, RoundsPackedKeysDown) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  OpTester("Partition")
      .Input("keys", Tensor::Of<int64_t>({2, 2}, {-1, 5, -4, kLeast}))
      .Arg("pack_first_input", 1)
      .Outputs({"k0", "k1", "k2"})
      .ExpectOutput(0, Tensor::Of<int64_t>({0}, {}))
      .ExpectOutput(1, Tensor::Of<int64_t>({1}, {kLeast / 3 - 1}))
      .ExpectOutput(2, Tensor::Of<int64_t>({3}, {-1, 1, -2}));
}

TEST(PartitionTest, RejectsWhatDoesNotGoTogether) {
  OpTester("Partition")
      .Input("keys", Tensor::Of<int32_t>({2}, {3, 4}))
      .Input("X", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"a", "b", "c"})
      .ExpectError(kInvalid, "there are 2 inputs and 3 outputs");
  OpTester("Partition")
      .Input("keys", Tensor::Of<int32_t>({2}, {3, 4}))
      .Input("X", Tensor::Of<float>({3}, {1, 2, 3}))
      .Outputs({"a", "b"})
      .ExpectError(kInvalid, "input 1 [3] must begin with the shape of the keys [2]");
  OpTester("Partition")
      .Input("keys", Tensor::Scalar<int32_t>(3))
      .Outputs({"a"})
      .ExpectError(kInvalid, "the keys must be at least a vector");
  OpTester("Partition")
      .Input("keys", Tensor::Of<float>({1}, {3}))
      .Outputs({"a"})
      .ExpectError(kInvalid, "float is not supported here");
}

TEST(LengthsPartitionTest, DealsOutTheLengthsToo) {
  OpTester("LengthsPartition")
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 1}))
      .Input("keys", Tensor::Of<int64_t>({3}, {3, 4, 5}))
      .Outputs({"l0", "k0", "l1", "k1"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2}, {1, 0}))
      .ExpectOutput(1, Tensor::Of<int64_t>({1}, {4}))
      .ExpectOutput(2, Tensor::Of<int32_t>({2}, {1, 1}))
      .ExpectOutput(3, Tensor::Of<int64_t>({2}, {3, 5}));
}

TEST(LengthsPartitionTest, RejectsWhatDoesNotGoTogether) {
  OpTester("LengthsPartition")
      .Input("lengths", Tensor::Of<int32_t>({2}, {2, 2}))
      .Input("keys", Tensor::Of<int64_t>({3}, {3, 4, 5}))
      .Outputs({"l", "k"})
      .ExpectError(kInvalid, "lengths sum to 4, but keys has 3");
  OpTester("LengthsPartition")
      .Input("lengths", Tensor::Of<int64_t>({1}, {1}))
      .Input("keys", Tensor::Of<int64_t>({1}, {3}))
      .Outputs({"l", "k"})
      .ExpectError(kInvalid, "the lengths must be a vector of int32");
  OpTester("LengthsPartition")
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Input("keys", Tensor::Of<int64_t>({1, 1}, {3}))
      .Outputs({"l", "k"})
      .ExpectError(kInvalid, "the keys must be a vector");
}

OpTester ByKey(absl::StatusOr<Tensor> keys) {
  OpTester tester("GatherByKey");
  tester.Input("keys", keys)
      .Input("x0", Tensor::Of<float>({2}, {2, 3}))
      .Input("x1", Tensor::Of<float>({2}, {1, 4}))
      .Outputs({"Y"});
  return tester;
}

TEST(GatherByKeyTest, PutsTogetherWhatPartitionDealtOut) {
  ByKey(Tensor::Of<int32_t>({4}, {3, 4, 6, 9}))
      .ExpectOutput(0, Tensor::Of<float>({4}, {1, 2, 3, 4}));
}

TEST(GatherByKeyTest, RejectsWhatDoesNotGoTogether) {
  ByKey(Tensor::Of<int32_t>({4}, {3, 4, 6, 8}))
      .ExpectError(kInvalid, "shard 0 has 3 keys, but its values \"x0\" float[2] have 2 rows");
  ByKey(Tensor::Of<int32_t>({3}, {3, 4, 6})).ExpectError(kInvalid, "shard 1 has 1 keys");
  ByKey(Tensor::Of<int32_t>({2, 2}, {3, 4, 6, 9})).ExpectError(kInvalid, "keys must be a vector");
  OpTester("GatherByKey")
      .Input("keys", Tensor::Of<int64_t>({2}, {0, 1}))
      .Input("x0", Tensor::Of<float>({1, 2}, {1, 2}))
      .Input("x1", Tensor::Of<float>({1, 3}, {1, 2, 3}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have the type and the rows of shard 0");
}

TEST(GatherByKeyGradientTest, IsAPartition) {
  const OperatorDef def = CreateOperatorDef("GatherByKey", "", {"keys", "a", "b"}, {"Y"});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]),
            "Partition(keys, dY) -> _a_grad_keys, a_grad, _b_grad_keys, b_grad");
}

TEST(GatherByKeyGradientTest, RejectsASparseOne) {
  const OperatorDef def = CreateOperatorDef("GatherByKey", "", {"keys", "a"}, {"Y"});
  const auto meta = GetGradientForOp(def, {GradientWrapper::Sparse("i", "v")});
  EXPECT_EQ(meta.status().code(), kInvalid) << meta.status();
}

OpTester ReplacingDropout(const std::string& type, absl::StatusOr<Tensor> lengths, float ratio) {
  OpTester tester(type);
  tester.Input("X", Tensor::Of<int64_t>({3}, {1, 2, 3}))
      .Input("lengths", lengths)
      .Arg("ratio", ratio)
      .Arg("replacement_value", -1)
      .Outputs({"Y", "output_lengths"});
  return tester;
}

OpTester ItemwiseDropout(absl::StatusOr<Tensor> lengths, float ratio) {
  return ReplacingDropout("SparseItemwiseDropoutWithReplacement", std::move(lengths), ratio);
}

TEST(SparseItemwiseDropoutTest, ReplacesAllOrNone) {
  const auto lengths = Tensor::Of<int32_t>({2}, {1, 2});
  ItemwiseDropout(lengths, 1)
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {-1, -1, -1}))
      .ExpectOutput(1, lengths);
  ItemwiseDropout(lengths, 0).ExpectOutput(0, Tensor::Of<int64_t>({3}, {1, 2, 3}));
}

TEST(SparseItemwiseDropoutTest, ReplacesAPartThatTheSeedTells) {
  constexpr int64_t kCount = 10000;
  std::vector<int64_t> ids(kCount, 7);
  const auto run = [&](uint32_t seed) {
    OpTester tester("SparseItemwiseDropoutWithReplacement");
    tester.Input("X", Tensor::FromSpan<int64_t>({kCount}, ids))
        .Input("lengths", Tensor::Of<int32_t>({1}, {kCount}))
        .Arg("ratio", 0.3f)
        .Outputs({"Y", "output_lengths"})
        .RandomSeed(seed);
    EXPECT_TRUE(tester.Run().ok());
    return tester.Output(0);
  };
  const Tensor first = run(1);
  const auto values = first.span<int64_t>();
  const auto replaced = std::count(values.begin(), values.end(), 0);
  EXPECT_EQ(replaced + std::count(values.begin(), values.end(), 7), kCount);
  EXPECT_NEAR(static_cast<double>(replaced), 0.3 * kCount, 200);
  EXPECT_TRUE(TensorEquals(run(1), first));
  EXPECT_FALSE(TensorEquals(run(2), first));
}

TEST(SparseItemwiseDropoutTest, RejectsWhatMakesNoSense) {
  const auto lengths = Tensor::Of<int32_t>({2}, {1, 2});
  ItemwiseDropout(lengths, 1.5f).ExpectError(kInvalid, "ratio must be in [0, 1], but is 1.5");
  ItemwiseDropout(lengths, -0.5f).ExpectError(kInvalid, "ratio must be in [0, 1]");
  ItemwiseDropout(Tensor::Of<int32_t>({1}, {2}), 0)
      .ExpectError(kInvalid, "Lengths sum to 2, but X has 3");
}

OpTester Dropout(absl::StatusOr<Tensor> lengths, float ratio) {
  return ReplacingDropout("SparseDropoutWithReplacement", std::move(lengths), ratio);
}

TEST(SparseDropoutTest, ReplacesAllIdsOfAnExample) {
  const auto lengths = Tensor::Of<int32_t>({3}, {1, 0, 2});
  Dropout(lengths, 1)
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {-1, -1, -1}))
      .ExpectOutput(1, Tensor::Of<int32_t>({3}, {1, 1, 1}));
  Dropout(lengths, 0).ExpectOutput(0, Tensor::Of<int64_t>({3}, {1, 2, 3})).ExpectOutput(1, lengths);
}

TEST(SparseDropoutTest, ReplacesAPartThatTheSeedTells) {
  constexpr int64_t kCount = 5000;
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < kCount; ++i) ids.insert(ids.end(), {i, i});
  const auto run = [&](uint32_t seed) {
    OpTester tester("SparseDropoutWithReplacement");
    tester.Input("X", Tensor::FromSpan<int64_t>({2 * kCount}, ids))
        .Input("lengths", Tensor::FromSpan<int32_t>({kCount}, std::vector<int32_t>(kCount, 2)))
        .Arg("ratio", 0.3f)
        .Arg("replacement_value", -1)
        .Outputs({"Y", "output_lengths"})
        .RandomSeed(seed);
    EXPECT_TRUE(tester.Run().ok());
    return std::make_pair(tester.Output(0), tester.Output(1));
  };
  const auto [y, lengths] = run(1);
  // Each example is whole, or one -1.
  int64_t at = 0, replaced = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    const int32_t length = lengths.data<int32_t>()[i];
    const int64_t* id = y.data<int64_t>() + at;
    if (length == 1) {
      ++replaced;
      ASSERT_EQ(id[0], -1);
    } else {
      ASSERT_EQ(length, 2);
      ASSERT_TRUE(id[0] == i && id[1] == i);
    }
    at += length;
  }
  EXPECT_EQ(at, y.numel());
  EXPECT_NEAR(static_cast<double>(replaced), 0.3 * kCount, 150);
  EXPECT_TRUE(TensorEquals(run(1).first, y));
  EXPECT_FALSE(TensorEquals(run(2).first, y));
}

TEST(SparseDropoutTest, RejectsWhatMakesNoSense) {
  Dropout(Tensor::Of<int32_t>({1}, {3}), 1.5f)
      .ExpectError(kInvalid, "ratio must be in [0, 1], but is 1.5");
  Dropout(Tensor::Of<int32_t>({1}, {2}), 0).ExpectError(kInvalid, "Lengths sum to 2, but X has 3");
}

}  // namespace
}  // namespace doppio
