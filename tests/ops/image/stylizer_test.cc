#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr char kPreprocess[] = "PackedInt8BGRANHWCToNCHWCStylizerPreprocess";
constexpr char kDeprocess[] = "BRGNCHWCToPackedInt8BGRAStylizerDeprocess";

absl::StatusOr<Tensor> Mean() { return Tensor::Of<float>({3}, {1, 2, 3}); }

TEST(StylizerTest, UnpacksPixelsAndSubtractsTheMean) {
  OpTester(kPreprocess)
      .Input("X", Tensor::Of<uint8_t>({1, 1, 2, 4}, {10, 20, 30, 40, 50, 60, 70, 80}))
      .Input("mean", Mean())
      .Arg("noise_std", 0.0f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 3, 1, 2}, {9, 49, 18, 58, 27, 67}));
}

TEST(StylizerTest, DealsOutNoiseAsCaffe2Does) {
  constexpr int64_t kPixels = 9000;  // more than one block of work
  constexpr int64_t kNoise = 7;
  absl::StatusOr<Tensor> x = Tensor::Create(DataType::kUInt8, {2, 1, kPixels, 4});
  std::fill_n(x->mutable_data<uint8_t>(), x->numel(), uint8_t{100});
  OpTester tester(kPreprocess);
  tester.Input("X", x)
      .Input("mean", Mean())
      .Arg("noise_std", 5.0f)
      .Arg("noise_size", kNoise)
      .RandomSeed(3)
      .Outputs({"Y"});
  ASSERT_TRUE(tester.Run().ok());
  std::mt19937 generator(3);
  std::normal_distribution<float> normal(0.0f, 5.0f);
  float noise[kNoise];
  for (float& number : noise) number = normal(generator);
  const float* y = tester.Output(0).data<float>();
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < kPixels; ++i) {
        ASSERT_FLOAT_EQ(y[(n * 3 + c) * kPixels + i],
                        100.0f - static_cast<float>(c + 1) + noise[(3 * i + c) % kNoise]);
      }
    }
  }
}

TEST(StylizerTest, PacksPixelsAndCutsThemOff) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  OpTester(kDeprocess)
      .Input("X", Tensor::Of<float>({1, 3, 1, 2}, {8.9f, -5, 1000, -INFINITY, nan, 252.5f}))
      .Input("mean", Mean())
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<uint8_t>({1, 1, 2, 4}, {9, 255, 0, 255, 0, 0, 255, 255}));
}

TEST(StylizerTest, MayNotStandOnThePathOfAGradient) {
  EXPECT_EQ(GradientRegistry::Kind(kPreprocess), GradientKind::kForbidden);
  EXPECT_EQ(GradientRegistry::Kind(kDeprocess), GradientKind::kForbidden);
}

TEST(StylizerTest, RejectsPixelsThatAreNotOfFourBytes) {
  OpTester(kPreprocess)
      .Input("X", Tensor::Of<uint8_t>({1, 1, 1, 3}, {1, 2, 3}))
      .Input("mean", Mean())
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X must be [N,H,W,4], but is [1,1,1,3]");
  OpTester(kDeprocess)
      .Input("X", Tensor::Of<float>({1, 4, 1, 1}, {1, 2, 3, 4}))
      .Input("mean", Mean())
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X must be [N,3,H,W], but is [1,4,1,1]");
}

TEST(StylizerTest, RejectsAMeanThatIsNotOfThreeFloats) {
  const auto x = Tensor::Of<uint8_t>({1, 1, 1, 4}, {1, 2, 3, 4});
  OpTester(kPreprocess)
      .Input("X", x)
      .Input("mean", Tensor::Of<float>({2}, {1, 2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "mean must have 3 elements");
  OpTester(kPreprocess)
      .Input("X", x)
      .Input("mean", Tensor::Of<double>({3}, {1, 2, 3}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "X must be uint8 and mean float");
}

TEST(StylizerTest, RejectsNoiseThatIsNone) {
  OpTester tester(kPreprocess);
  tester.Input("X", Tensor::Of<uint8_t>({1, 1, 1, 4}, {1, 2, 3, 4}))
      .Input("mean", Mean())
      .Outputs({"Y"});
  OpTester(tester).Arg("noise_size", 0).ExpectError(kInvalid, "noise_size must be from 1");
  OpTester(tester).Arg("noise_std", -1.0f).ExpectError(kInvalid, "noise_std must be 0 or more");
}

}  // namespace
}  // namespace doppio
