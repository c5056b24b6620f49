#include "src/kernel/pick_grid.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace doppio {
namespace {

std::vector<uint32_t> Pick(const Dims& dims, const std::vector<Places>& places) {
  std::vector<uint32_t> x(static_cast<size_t>(SizeFromDim(dims, 0)));
  std::iota(x.begin(), x.end(), 0);
  size_t size = 1;
  for (const Places& each : places) size *= each.size();
  std::vector<uint32_t> y(size, 77);
  PickGrid<uint32_t>(x.data(), dims, places, 99, y.data());
  return y;
}

using Picked = std::vector<uint32_t>;

TEST(PickGridTest, TakesWhatStandsWherePlacesCross) {
  EXPECT_EQ(Pick({3, 4}, {{2, 0}, {1, 1, 3}}), Picked({9, 9, 11, 1, 1, 3}));
  EXPECT_EQ(Pick({4}, {{3, 2, 1, 0}}), Picked({3, 2, 1, 0}));
  EXPECT_EQ(Pick({}, {}), Picked({0}));
}

TEST(PickGridTest, CopiesBlocksOfDimensionsThatAreWhole) {
  EXPECT_EQ(Pick({3, 2}, {{1, 1}, {0, 1}}), Picked({2, 3, 2, 3}));
  EXPECT_EQ(Pick({2, 1, 2}, {{1}, {0}, {0, 1}}), Picked({2, 3}));
  EXPECT_EQ(Pick({2, 2}, {{0, 1}, {0, 1}}), Picked({0, 1, 2, 3}));
}

TEST(PickGridTest, FillsWhereOnePlaceIsNone) {
  EXPECT_EQ(Pick({2, 2}, {{-1, 1}, {0, -1, 1}}), Picked({99, 99, 99, 2, 99, 3}));
  EXPECT_EQ(Pick({2, 2}, {{-1, 0}, {0, 1}}), Picked({99, 99, 0, 1}));
  EXPECT_EQ(Pick({0}, {{-1, -1}}), Picked({99, 99}));
}

TEST(PickGridTest, PicksNothing) {
  EXPECT_EQ(Pick({3, 2}, {{}, {0}}), Picked({}));
  EXPECT_EQ(Pick({3, 0}, {{1, 2}, {}}), Picked({}));
}

TEST(PickGridTest, PicksStrings) {
  const std::string x[] = {"a", "b"};
  std::string y[3];
  const std::vector<Places> places = {{1, -1, 0}};
  PickGrid<std::string>(x, {2}, places, "z", y);
  EXPECT_EQ(y[0] + y[1] + y[2], "bza");
}

}  // namespace
}  // namespace doppio
