#include "doppio/shape.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kHuge = int64_t{1} << 40;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

TEST(ShapeTest, PrintsAsAList) {
  EXPECT_EQ(ShapeToString({2, 3, 4}), "[2,3,4]");
  EXPECT_EQ(ShapeToString({}), "[]");
}

TEST(NumElementsTest, MultipliesTheSizes) {
  EXPECT_EQ(*NumElements({2, 3, 4}), 24);
  EXPECT_EQ(*NumElements({}), 1);
  EXPECT_EQ(*NumElements({5, 0, 3}), 0);
  EXPECT_EQ(*NumElements({kMost}), kMost);
}

TEST(NumElementsTest, RefusesNegativeSizes) {
  const absl::Status status = NumElements({2, -1}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("[2,-1] has a negative size"));
  EXPECT_FALSE(NumElements({0, -1}).ok());
  EXPECT_FALSE(NumElements({std::numeric_limits<int64_t>::min()}).ok());
}

TEST(NumElementsTest, RefusesAProductThatDoesNotFit) {
  EXPECT_EQ(NumElements({kHuge, kHuge}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(NumElements({kMost, 2}).ok());
  EXPECT_FALSE(NumElements({kHuge, kHuge, kHuge}).ok());
}

// Parts of such a shape are multiplied too: sizes after an axis, strides.
TEST(NumElementsTest, RefusesAnEmptyShapeWhoseOtherSizesDoNotFit) {
  EXPECT_FALSE(NumElements({0, kHuge, kHuge}).ok());
  EXPECT_FALSE(NumElements({kHuge, kHuge, 0}).ok());
  EXPECT_EQ(*NumElements({0, kHuge}), 0);
}

TEST(NumElementsTest, RefusesMoreDimensionsThanTheLimit) {
  EXPECT_EQ(*NumElements(Dims(kMaxRank, 1)), 1);
  const absl::Status status = NumElements(Dims(kMaxRank + 1, 1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("rank 33"));
}

TEST(CheckedProductTest, SaysWhenItDoesNotFit) {
  EXPECT_EQ(*CheckedProduct(kMost, 1), kMost);
  EXPECT_EQ(*CheckedProduct(kMost, 0), 0);
  EXPECT_EQ(CheckedProduct(kMost, 2).status().code(), absl::StatusCode::kOutOfRange);
}

TEST(SizeTest, MultipliesPartOfAShape) {
  const Dims dims = {2, 3, 4};
  EXPECT_EQ(SizeToDim(dims, 0), 1);
  EXPECT_EQ(SizeToDim(dims, 2), 6);
  EXPECT_EQ(SizeFromDim(dims, 1), 12);
  EXPECT_EQ(SizeFromDim(dims, 3), 1);
  EXPECT_EQ(SizeBetween(dims, 1, 2), 3);
}

TEST(CanonicalAxisTest, CountsNegativeAxesFromTheBack) {
  EXPECT_EQ(*CanonicalAxis(1, 3), 1);
  EXPECT_EQ(*CanonicalAxis(-1, 3), 2);
  EXPECT_EQ(*CanonicalAxis(-3, 3), 0);
}

TEST(CanonicalAxisTest, RefusesWhatIsNoAxis) {
  for (int64_t axis : {int64_t{3}, int64_t{-4}, kMost, std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(CanonicalAxis(axis, 3).status().code(), absl::StatusCode::kInvalidArgument) << axis;
  }
  EXPECT_FALSE(CanonicalAxis(0, 0).ok());
}

TEST(BroadcastShapesTest, AlignsAtTheLastDimension) {
  EXPECT_THAT(*BroadcastShapes({3, 1}, {2, 1, 4}), ElementsAre(2, 3, 4));
  EXPECT_THAT(*BroadcastShapes({}, {2}), ElementsAre(2));
  EXPECT_THAT(*BroadcastShapes({}, {}), IsEmpty());
  EXPECT_THAT(*BroadcastShapes({1}, {0}), ElementsAre(0));
  EXPECT_THAT(*BroadcastShapes({0, 3}, {1, 1}), ElementsAre(0, 3));
}

TEST(BroadcastShapesTest, NamesTheDimensionThatDoesNotFit) {
  const absl::Status status = BroadcastShapes({2, 3}, {4, 1, 2}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot broadcast [2,3] with [4,1,2]: dimension 2 of the result is 3 and "
                        "2"));
  EXPECT_FALSE(BroadcastShapes({0}, {2}).ok());
}

TEST(ContiguousStridesTest, AreRowMajor) {
  EXPECT_THAT(ContiguousStrides({2, 3, 4}), ElementsAre(12, 4, 1));
  EXPECT_THAT(ContiguousStrides({2, 0, 4}), ElementsAre(4, 4, 1));
  EXPECT_THAT(ContiguousStrides({}), IsEmpty());
}

}  // namespace
}  // namespace doppio
