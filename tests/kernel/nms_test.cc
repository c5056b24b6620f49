#include "src/kernel/nms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "doppio/cancellation.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::IsEmpty;
using Decay = NonMaximumSuppression::Decay;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<int64_t> Numbers(size_t count) {
  std::vector<int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  return numbers;
}

std::vector<int64_t> Hard(const std::vector<float>& boxes, float threshold, int64_t most = -1,
                          int size = 4, bool plus_one = false) {
  const BoxRows rows{boxes.data(), size, size, plus_one};
  NonMaximumSuppression nms;
  std::vector<int64_t> kept;
  const size_t count = boxes.size() / static_cast<size_t>(size);
  EXPECT_TRUE(nms.Hard(rows, Numbers(count), threshold, most, &kept).ok());
  return kept;
}

TEST(OverlapTest, IsIntersectionOverUnion) {
  const std::vector<float> boxes = {0, 0, 2, 2, 1, 0, 3, 2, 5, 5, 6, 6};
  const BoxRows rows{boxes.data(), 4, 4, false};
  EXPECT_FLOAT_EQ(Overlap(rows, 0, 1), 2.0f / 6);
  EXPECT_FLOAT_EQ(Overlap(rows, 0, 2), 0);
  EXPECT_FLOAT_EQ(Overlap(rows, 1, 1), 1);
  // With pixels: 3 by 3 each, 2 by 3 in common.
  const BoxRows pixels{boxes.data(), 4, 4, true};
  EXPECT_FLOAT_EQ(Overlap(pixels, 0, 1), 6.0f / 12);
}

TEST(HardSuppressionTest, KeepsTheFirstOfBoxesThatOverlap) {
  const std::vector<float> boxes = {0, 0, 2, 2, 1, 0, 3, 2, 2, 0, 4, 2};
  EXPECT_THAT(Hard(boxes, 0.3f), ElementsAre(0, 2));
  EXPECT_THAT(Hard(boxes, 0.34f), ElementsAre(0, 1, 2));
  EXPECT_THAT(Hard(boxes, 0.34f, 2), ElementsAre(0, 1));
  EXPECT_THAT(Hard(boxes, 0.34f, 0), IsEmpty());
}

TEST(HardSuppressionTest, KeepsEqualBoxesAtAThresholdOfOne) {
  EXPECT_THAT(Hard({0, 0, 2, 2, 0, 0, 2, 2}, 1), ElementsAre(0, 1));
  EXPECT_THAT(Hard({0, 0, 2, 2, 33, 0, 0, 2, 2, 33}, 1, -1, 5), ElementsAre(0, 1));
  EXPECT_THAT(Hard({0, 0, 2, 2, 33, 0, 0, 2, 2, 33}, 0.99f, -1, 5), ElementsAre(0));
}

TEST(HardSuppressionTest, GivesNothingForNothing) { EXPECT_THAT(Hard({}, 0.5f), IsEmpty()); }

TEST(HardSuppressionTest, DropsWhatHasNoOverlapThatIsANumber) {
  EXPECT_THAT(Hard({0, 0, 2, 2, kNaN, 0, 1, 1}, 0.5f), ElementsAre(0));
  EXPECT_THAT(Hard({0, 0, 0, 0, 0, 0, 0, 0}, 0.5f), ElementsAre(0));
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Hard({0, 0, infinity, infinity, 0, 0, 1, 1}, 0.5f), ElementsAre(0, 1));
}

std::vector<float> RandomBoxes(std::mt19937* generator, int count, bool rotated) {
  std::uniform_real_distribution<float> place(0, 30);
  std::uniform_real_distribution<float> side(1, 12);
  std::vector<float> boxes;
  for (int i = 0; i < count; ++i) {
    const float x = place(*generator);
    const float y = place(*generator);
    const float w = side(*generator);
    const float h = side(*generator);
    if (rotated) {
      boxes.insert(boxes.end(), {x, y, w, h, place(*generator) * 10});
    } else {
      boxes.insert(boxes.end(), {x, y, x + w, y + h});
    }
  }
  return boxes;
}

TEST(HardSuppressionTest, IsWhatCrossingOutGives) {
  std::mt19937 generator(1);
  for (int count : {1, 2, 15, 16, 17, 33, 300}) {
    for (bool rotated : {false, true}) {
      const std::vector<float> boxes = RandomBoxes(&generator, count, rotated);
      const int size = rotated ? 5 : 4;
      const BoxRows rows{boxes.data(), size, size, false};
      std::vector<int64_t> expected;
      std::vector<int64_t> rest = Numbers(static_cast<size_t>(count));
      while (!rest.empty()) {
        const int64_t best = rest.front();
        expected.push_back(best);
        rest.erase(std::remove_if(
                       rest.begin(), rest.end(),
                       [&](int64_t i) { return i == best || !(Overlap(rows, best, i) <= 0.4f); }),
                   rest.end());
      }
      EXPECT_EQ(Hard(boxes, 0.4f, -1, size), expected) << count << " boxes";
    }
  }
}

TEST(SuppressionTest, EndsWithItsRun) {
  std::vector<float> boxes;
  for (int i = 0; i < 1000; ++i) {
    const auto x = static_cast<float>(2 * i);
    boxes.insert(boxes.end(), {x, 0, x + 1, 1});
  }
  std::vector<float> scores(1000, 0.5f);
  const BoxRows rows{boxes.data(), 4, 4, false};
  const Cancellation cancellation;
  const CancellationScope scope(cancellation);
  cancellation.Cancel();
  NonMaximumSuppression nms;
  std::vector<int64_t> kept;
  EXPECT_TRUE(absl::IsCancelled(nms.Hard(rows, Numbers(1000), 0.5f, -1, &kept)));
  EXPECT_TRUE(absl::IsCancelled(nms.Soft(rows, Numbers(1000), {}, scores.data(), &kept)));
  EXPECT_THAT(kept, IsEmpty());
}

class SoftSuppressionTest : public testing::Test {
 protected:
  std::vector<int64_t> Run(Decay decay, float threshold, float min_score) {
    const BoxRows rows{boxes_.data(), 4, 4, false};
    std::vector<int64_t> kept;
    NonMaximumSuppression::SoftOptions options;
    options.decay = decay;
    options.threshold = threshold;
    options.min_score = min_score;
    NonMaximumSuppression nms;
    EXPECT_TRUE(nms.Soft(rows, Numbers(scores_.size()), options, scores_.data(), &kept).ok());
    return kept;
  }

  // The first two overlap by a third.
  std::vector<float> boxes_ = {0, 0, 2, 2, 1, 0, 3, 2, 10, 10, 12, 12};
  std::vector<float> scores_ = {0.6f, 0.9f, 0.7f};
};

TEST_F(SoftSuppressionTest, TakesTheOverlapFromTheScore) {
  EXPECT_THAT(Run(Decay::kLinear, 0.3f, 0.001f), ElementsAre(1, 2, 0));
  EXPECT_THAT(scores_, ElementsAre(FloatNear(0.4f, 1e-6), 0.9f, 0.7f));
}

TEST_F(SoftSuppressionTest, LeavesScoresBelowTheThreshold) {
  EXPECT_THAT(Run(Decay::kLinear, 0.4f, 0.001f), ElementsAre(1, 2, 0));
  EXPECT_THAT(scores_, ElementsAre(0.6f, 0.9f, 0.7f));
}

TEST_F(SoftSuppressionTest, FallsByAGaussian) {
  EXPECT_THAT(Run(Decay::kGaussian, 1, 0.001f), ElementsAre(1, 2, 0));
  EXPECT_THAT(scores_[0], FloatNear(0.6f * std::exp(-2.0f / 9), 1e-6));
}

TEST_F(SoftSuppressionTest, TakesAllByTheHardMethod) {
  EXPECT_THAT(Run(Decay::kHard, 0.3f, 0.001f), ElementsAre(1, 2));
  EXPECT_EQ(scores_[0], 0);
}

TEST_F(SoftSuppressionTest, DropsWhatFallsBelowTheLeastScore) {
  EXPECT_THAT(Run(Decay::kLinear, 0.3f, 0.41f), ElementsAre(1, 2));
}

TEST(ScoreBeforeTest, PutsNaNLastAndEqualScoresInOrder) {
  std::vector<float> scores = {1, kNaN, 3, 3, -std::numeric_limits<float>::infinity(), kNaN};
  std::vector<int64_t> order = {5, 4, 3, 2, 1, 0};
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return ScoreBefore(scores[static_cast<size_t>(a)], a, scores[static_cast<size_t>(b)], b);
  });
  EXPECT_THAT(order, ElementsAre(2, 3, 0, 4, 1, 5));
}

}  // namespace
}  // namespace doppio
