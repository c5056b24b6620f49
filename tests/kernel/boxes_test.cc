#include "src/kernel/boxes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::IsNan;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Box = std::vector<float>;

Box Decoded(const Box& box, const Box& delta, const BoxDecoding& decoding = {}) {
  Box out(box.size());
  if (box.size() == 5) {
    DecodeRotatedBox(box.data(), delta.data(), decoding, out.data());
  } else {
    DecodeBox(box.data(), delta.data(), decoding, out.data());
  }
  return out;
}

TEST(DecodeBoxTest, LeavesABoxWithoutDeltas) {
  EXPECT_THAT(Decoded({10, 20, 29, 59}, {0, 0, 0, 0}), ElementsAre(10, 20, 29, 59));
}

TEST(DecodeBoxTest, MovesByTheBoxAndGrowsByTheExponential) {
  // 20 wide and 40 high, centre 20, 40: half a width to the right, half as high.
  const Box moved = Decoded({10, 20, 29, 59}, {0.5, 0, 0, -std::log(2.0f)});
  EXPECT_THAT(moved, ElementsAre(FloatNear(20, 1e-5), FloatNear(30, 1e-5), FloatNear(39, 1e-5),
                                 FloatNear(49, 1e-5)));
}

TEST(DecodeBoxTest, DividesDeltasByTheirWeights) {
  BoxDecoding decoding;
  decoding.weights[0] = 10;
  EXPECT_THAT(Decoded({0, 0, 9, 9}, {10, 0, 0, 0}, decoding), ElementsAre(10, 0, 19, 9));
}

TEST(DecodeBoxTest, EndsOnePixelFurtherWhereItIsToldSo) {
  BoxDecoding decoding;
  decoding.ends_inside = false;
  EXPECT_THAT(Decoded({0, 0, 9, 9}, {0, 0, 0, 0}, decoding), ElementsAre(0, 0, 10, 10));
  decoding.plus_one = false;
  EXPECT_THAT(Decoded({0, 0, 9, 9}, {0, 0, 0, 0}, decoding), ElementsAre(0, 0, 9, 9));
}

TEST(DecodeBoxTest, GrowsAtMostBySixtyTwoAndAHalf) {
  const Box moved = Decoded({0, 0, 1, 1}, {0, 0, 1000, kInfinity});
  EXPECT_THAT(moved[2] - moved[0] + 1, FloatNear(125, 1e-3));
  EXPECT_THAT(moved[3] - moved[1] + 1, FloatNear(125, 1e-3));
}

TEST(DecodeBoxTest, GivesNaNForNaNAlone) {
  const Box moved = Decoded({0, 0, 9, 9}, {kNaN, 0, 0, 0});
  EXPECT_THAT(moved[0], IsNan());
  EXPECT_EQ(moved[1], 0);
}

TEST(DecodeRotatedBoxTest, TurnsByRadiansAndBringsAnglesIntoBounds) {
  const float quarter = 3.14159265f / 4;
  EXPECT_THAT(Decoded({5, 5, 10, 4, 30}, {0.5, 0.5, 0, 0, quarter}),
              ElementsAre(10, 7, 10, 4, FloatNear(75, 1e-4)));
  EXPECT_THAT(Decoded({5, 5, 10, 4, 80}, {0, 0, 0, 0, quarter})[4], FloatNear(-55, 1e-4));
  EXPECT_THAT(Decoded({5, 5, 10, 4, -80}, {0, 0, 0, 0, -quarter})[4], FloatNear(55, 1e-4));
  BoxDecoding decoding;
  decoding.bound_angle = false;
  EXPECT_THAT(Decoded({5, 5, 10, 4, 80}, {0, 0, 0, 0, quarter}, decoding)[4], FloatNear(125, 1e-4));
}

Box Clipped(Box box, float height, float width, bool plus_one = true) {
  if (box.size() == 5) {
    ClipRotatedBox(height, width, 1, plus_one, box.data());
  } else {
    ClipBox(height, width, plus_one, box.data());
  }
  return box;
}

TEST(ClipBoxTest, MovesSidesToTheLastPixels) {
  EXPECT_THAT(Clipped({-5, -kInfinity, 50, 60}, 20, 30), ElementsAre(0, 0, 29, 19));
  EXPECT_THAT(Clipped({-5, -5, 50, kInfinity}, 20, 30, false), ElementsAre(0, 0, 30, 20));
  EXPECT_THAT(Clipped({40, 5, 50, 6}, 20, 30), ElementsAre(29, 5, 29, 6));
}

TEST(ClipBoxTest, LeavesNaN) { EXPECT_THAT(Clipped({0, 0, 5, kNaN}, 20, 30)[3], IsNan()); }

TEST(ClipBoxTest, MovesRotatedBoxesOnlyWhereTheyAreAlmostUpright) {
  // From -5 to 14 in x: 0 to 14 is left, 15 pixels.
  EXPECT_THAT(Clipped({4.5, 10, 20, 5, 1}, 100, 100), ElementsAre(7, 10, 15, 5, 1));
  EXPECT_THAT(Clipped({4.5, 10, 20, 5, 2}, 100, 100), ElementsAre(4.5, 10, 20, 5, 2));
  EXPECT_THAT(Clipped({4.5, 10, 20, 5, kNaN}, 100, 100)[0], 4.5);
}

TEST(IsLargeBoxInsideTest, LooksAtSidesAndCentre) {
  const Box box = {0, 0, 9, 4};
  EXPECT_TRUE(IsLargeBoxInside(box.data(), 5, 10, 10, true));
  EXPECT_FALSE(IsLargeBoxInside(box.data(), 5.5, 10, 10, true));
  EXPECT_FALSE(IsLargeBoxInside(box.data(), 5, 10, 10, false));  // 4 high
  EXPECT_FALSE(IsLargeBoxInside(box.data(), 5, 10, 5, true));    // centre at 5
  EXPECT_FALSE(IsLargeBoxInside(box.data(), 5, 2.5, 10, true));
  const Box bad = {0, 0, 9, kNaN};
  EXPECT_FALSE(IsLargeBoxInside(bad.data(), 0, 10, 10, true));
}

float Intersection(const Box& a, const Box& b) {
  const float both = RotatedIntersection(a.data(), b.data());
  EXPECT_NEAR(both, RotatedIntersection(b.data(), a.data()), 1e-4 + 1e-5 * both);
  return both;
}

TEST(RotatedIntersectionTest, IsThatOfUprightBoxesWithoutAngles) {
  EXPECT_THAT(Intersection({5, 5, 10, 10, 0}, {10, 5, 10, 4, 0}), FloatEq(20));
  EXPECT_THAT(Intersection({5, 5, 10, 10, 0}, {10, 5, 10, 4, 180}), FloatNear(20, 1e-4));
  EXPECT_THAT(Intersection({5, 5, 10, 4, 0}, {5, 5, 4, 10, 90}), FloatNear(40, 1e-4));
}

TEST(RotatedIntersectionTest, CutsCorners) {
  // The diamond |x| + |y| <= 2 and the square from 0 to 2 have a triangle in common.
  const float side = 2 * std::sqrt(2.0f);
  EXPECT_THAT(Intersection({0, 0, side, side, 45}, {1, 1, 2, 2, 0}), FloatNear(2, 1e-5));
  // The square in the same diamond; and an octagon.
  EXPECT_THAT(Intersection({0, 0, side, side, 45}, {0, 0, 2, 2, 0}), FloatNear(4, 1e-5));
  EXPECT_THAT(Intersection({0, 0, 2, 2, 45}, {0, 0, 2, 2, 0}),
              FloatNear(8 * (std::sqrt(2.0f) - 1), 1e-5));
}

TEST(RotatedIntersectionTest, IsTheAreaOfEqualBoxes) {
  EXPECT_EQ(Intersection({7, -3, 0.3f, 1e4f, 33}, {7, -3, 0.3f, 1e4f, 33}), 0.3f * 1e4f);
}

TEST(RotatedIntersectionTest, IsTheBoxThatLiesInTheOther) {
  EXPECT_THAT(Intersection({3, 4, 10, 10, 20}, {3, 4, 2, 3, 65}), FloatNear(6, 1e-5));
  EXPECT_THAT(Intersection({3, 4, 10, 10, 20}, {4, 4, 2, 3, 200}), FloatNear(6, 1e-5));
}

TEST(RotatedIntersectionTest, IsNothingForBoxesThatOnlyTouchOrHaveNoArea) {
  EXPECT_EQ(Intersection({0, 0, 2, 2, 0}, {2, 0, 2, 2, 0}), 0);
  EXPECT_EQ(Intersection({0, 0, 2, 2, 10}, {50, 0, 2, 2, 70}), 0);
  EXPECT_EQ(Intersection({0, 0, 2, 0, 10}, {0, 0, 2, 2, 70}), 0);
  // Their corners reach as far as each other's, but not in this direction.
  EXPECT_EQ(Intersection({0, 0, 10, 1, 45}, {5, 5, 10, 1, 45}), 0);
}

TEST(RotatedIntersectionTest, IsNothingForBoxesThatAreNotFinite) {
  EXPECT_EQ(Intersection({0, 0, 2, kNaN, 0}, {0, 0, 2, 2, 0}), 0);
  EXPECT_EQ(Intersection({0, 0, 2, 2, 0}, {0, kInfinity, 2, 2, 0}), 0);
  EXPECT_EQ(Intersection({0, 0, 2, 2, -kInfinity}, {0, 0, 2, 2, 0}), 0);
}

TEST(RotatedIntersectionTest, StaysFiniteForHugeAndNegativeBoxes) {
  const float huge = 3e38f;
  EXPECT_TRUE(std::isfinite(Intersection({0, 0, 1, huge, 45}, {huge, -huge, 1, 1, 3})));
  EXPECT_THAT(Intersection({5, 5, -10, 10, 0}, {5, 5, 4, -4, 0}), FloatEq(16));
}

// Whether a point is in a box, in the box's own axes.
bool Contains(const Box& box, double x, double y) {
  const double angle = static_cast<double>(box[4]) * 3.14159265358979323846 / 180;
  const double dx = x - box[0];
  const double dy = y - box[1];
  return std::abs(std::cos(angle) * dx - std::sin(angle) * dy) <= box[2] / 2 &&
         std::abs(std::sin(angle) * dx + std::cos(angle) * dy) <= box[3] / 2;
}

TEST(RotatedIntersectionTest, IsWhatCountingPointsGives) {
  std::mt19937 generator(3);
  const auto real = [&](float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(generator);
  };
  const auto box = [&] {
    return Box{real(-3, 3), real(-3, 3), real(1, 6), real(1, 6), real(-200, 200)};
  };
  constexpr int kPoints = 200;  // along each side of the square from -8 to 8
  for (int round = 0; round < 40; ++round) {
    const Box a = box();
    const Box b = box();
    int inside = 0;
    for (int i = 0; i < kPoints * kPoints; ++i) {
      const double x = (i % kPoints + 0.5) * 16 / kPoints - 8;
      const double y = (i / kPoints + 0.5) * 16 / kPoints - 8;
      inside += static_cast<int>(Contains(a, x, y) && Contains(b, x, y));
    }
    EXPECT_NEAR(Intersection(a, b), inside * (16.0 / kPoints) * (16.0 / kPoints), 0.5)
        << testing::PrintToString(a) << " and " << testing::PrintToString(b);
  }
}

}  // namespace
}  // namespace doppio
