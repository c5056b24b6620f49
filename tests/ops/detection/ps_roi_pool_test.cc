#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Pool(const absl::StatusOr<Tensor>& x, const absl::StatusOr<Tensor>& rois) {
  OpTester tester("PSRoIPool");
  tester.Input("X", x).Input("rois", rois).Outputs({"Y", "argmaxes"});
  return tester;
}

TEST(PSRoIPoolTest, GivesTheDocumentedExample) {
  Pool(Tensor::Of<float>({1, 4, 1, 1}, {1, 2, 3, 4}), Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 0}))
      .Arg("group_size", 2)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 2, 2}, {1, 2, 3, 4}))
      .ExpectOutput(1, Tensor::Of<int32_t>({1, 1, 2, 2}, {0, 1, 2, 3}));
}

TEST(PSRoIPoolTest, TakesTheMeanOfWholePixels) {
  const auto map = Tensor::Of<float>({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});
  // Both corners belong to a region.
  Pool(map, Tensor::Of<float>({3, 5}, {0, 0, 0, 1, 1,  //
                                       0, 1, 0, 2, 0,  //
                                       0, 0.4f, 0.6f, 2.4f, 1}))
      .ExpectOutput(0, Tensor::Of<float>({3, 1, 1, 1}, {3, 2.5, 5}));
  // At half the scale the first pixel of the image reaches into pixel 0, the last into 1.
  Pool(map, Tensor::Of<float>({1, 5}, {0, 1, 0, 2, 1}))
      .Arg("spatial_scale", 0.5f)
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {1.5}));
}

TEST(PSRoIPoolTest, GivesZeroOutsideOfTheMapAndForNothing) {
  const auto map = Tensor::Of<float>({1, 1, 1, 1}, {5});
  Pool(map, Tensor::Of<float>({1, 5}, {0, 7, 7, 9, 9}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {0}));
  Pool(map, Tensor::Of<float>({0, 5}, {})).ExpectOutput(0, Tensor::Of<float>({0, 1, 1, 1}, {}));
}

TEST(PSRoIPoolTest, TakesARegionUpsideDownForAPoint) {
  Pool(Tensor::Of<float>({1, 1, 1, 4}, {1, 2, 3, 4}), Tensor::Of<float>({1, 5}, {0, 2, 0, -5, 0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 1}, {3}));
}

TEST(PSRoIPoolTest, RejectsChannelsThatAreNoGroups) {
  const auto map = Tensor::Of<float>({1, 3, 1, 1}, {1, 2, 3});
  const auto roi = Tensor::Of<float>({1, 5}, {0, 0, 0, 0, 0});
  Pool(map, roi).Arg("group_size", 2).ExpectError(kInvalid, "X must be [N,4,H,W]");
  Pool(map, roi).Arg("output_dim", 0).ExpectError(kInvalid, "must be at least 1");
  Pool(map, roi)
      .Arg("group_size", std::numeric_limits<int>::max())
      .Arg("output_dim", std::numeric_limits<int>::max())
      .ExpectError(absl::StatusCode::kOutOfRange, "does not fit into 64 bits");
}

TEST(PSRoIPoolTest, RejectsRegionsOfNoImageOrWithoutBounds) {
  const auto map = Tensor::Of<float>({1, 1, 1, 1}, {5});
  Pool(map, Tensor::Of<float>({1, 5}, {1, 0, 0, 0, 0}))
      .ExpectError(kInvalid, "roi 0 is of image 1");
  Pool(map, Tensor::Of<float>({1, 4}, {0, 0, 0, 0})).ExpectError(kInvalid, "must be [R,5]");
  Pool(map, Tensor::Of<float>({1, 5}, {0, 0, 0, 1e12f, 0}))
      .ExpectError(kInvalid, "must stay within");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Pool(map, Tensor::Of<float>({1, 5}, {0, 0, nan, 0, 0})).ExpectError(kInvalid, "not finite");
}

OpTester PoolGradient(const absl::StatusOr<Tensor>& argmaxes) {
  OpTester tester("PSRoIPoolGradient");
  tester.Input("X", Tensor::Of<float>({1, 1, 1, 3}, {0, 0, 0}))
      .Input("rois", Tensor::Of<float>({1, 5}, {0, 1, 0, 2, 0}))
      .Input("argmaxes", argmaxes)
      .Input("dY", Tensor::Of<float>({1, 1, 1, 1}, {6}))
      .Outputs({"dX"});
  return tester;
}

TEST(PSRoIPoolGradientTest, DividesAmongThePixels) {
  PoolGradient(Tensor::Of<int32_t>({1, 1, 1, 1}, {0}))
      .ExpectOutput(0, Tensor::Of<float>({1, 1, 1, 3}, {0, 3, 3}));
}

TEST(PSRoIPoolGradientTest, RejectsChannelsThatPSRoIPoolDoesNotGive) {
  PoolGradient(Tensor::Of<int32_t>({1, 1, 1, 1}, {1}))
      .ExpectError(kInvalid, "are not what PSRoIPool");
  PoolGradient(Tensor::Of<int64_t>({1, 1, 1, 1}, {0}))
      .ExpectError(kInvalid, "are not what PSRoIPool");
}

}  // namespace
}  // namespace doppio
