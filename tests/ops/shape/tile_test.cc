#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

const absl::StatusOr<Tensor> kX = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});

TEST(TileTest, CopiesAlongTheAxis) {
  OpTester("Tile")
      .Input("X", kX)
      .Arg("tiles", 2)
      .Arg("axis", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}));
  OpTester("Tile")
      .Input("X", kX)
      .Arg("tiles", 2)
      .Arg("axis", -2)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4, 2}, {1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(TileTest, InputsTakeThePlaceOfArguments) {
  OpTester("Tile")
      .Input("X", kX)
      .Input("tiles", Tensor::Of<int64_t>({1}, {2}))
      .Arg("tiles", 3)
      .Arg("axis", 1)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}));
  OpTester("Tile")
      .Input("X", kX)
      .Input("tiles", Tensor::Of<int32_t>({1}, {2}))
      .Input("axis", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({4, 2}, {1, 2, 3, 4, 1, 2, 3, 4}));
}

TEST(TileTest, NoTilesAreNothing) {
  OpTester("Tile")
      .Input("X", kX)
      .Arg("tiles", 0)
      .Arg("axis", 0)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({0, 2}, {}));
}

TEST(TileTest, RejectsWhatIsMissingOrNegative) {
  OpTester("Tile").Input("X", kX).Arg("axis", 0).Outputs({"Y"}).ExpectError(
      kInvalid, "\"tiles\" is given neither as an argument nor as an input");
  OpTester("Tile")
      .Input("X", kX)
      .Arg("tiles", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "\"axis\" is given neither as an argument nor as an input");
  OpTester("Tile")
      .Input("X", kX)
      .Arg("tiles", -1)
      .Arg("axis", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "tiles is -1, but must not be negative");
  OpTester("Tile")
      .Input("X", kX)
      .Arg("tiles", 1)
      .Arg("axis", 2)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "axis 2 is out of range");
}

TEST(TileTest, RejectsSizesThatOverflow) {
  OpTester("Tile")
      .Input("X", kX)
      .Input("tiles", Tensor::Of<int64_t>({1}, {std::numeric_limits<int64_t>::max()}))
      .Arg("axis", 0)
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kOutOfRange, "");
  OpTester("Tile")
      .Input("X", kX)
      .Input("tiles", Tensor::Of<int64_t>({1}, {int64_t{1} << 50}))
      .Arg("axis", 0)
      .Outputs({"Y"})
      .ExpectError(absl::StatusCode::kResourceExhausted, "");
}

TEST(TileGradientTest, RejectsWhatIsNotMadeOfTiles) {
  OpTester("TileGradient")
      .Input("dY", Tensor::Of<float>({3}, {1, 2, 3}))
      .Arg("tiles", 2)
      .Arg("axis", 0)
      .Outputs({"dX"})
      .ExpectError(kInvalid, "dimension 0 of dY [3] is not made of 2 tiles");
}

TEST(NumpyTileTest, CopiesAlongEveryDimension) {
  OpTester("NumpyTile")
      .Input("X", Tensor::Of<int32_t>({1, 2}, {1, 2}))
      .Input("repeats", Tensor::Of<int64_t>({2}, {2, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int32_t>({2, 4}, {1, 2, 1, 2, 1, 2, 1, 2}));
}

TEST(NumpyTileTest, RejectsRepeatsThatDoNotFit) {
  OpTester("NumpyTile")
      .Input("X", kX)
      .Input("repeats", Tensor::Of<int64_t>({1}, {2}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "repeats has 1 elements, but X [2,2] has 2 dimensions");
  OpTester("NumpyTile")
      .Input("X", kX)
      .Input("repeats", Tensor::Of<int64_t>({2}, {2, -1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "repeats[1] is -1");
  OpTester("NumpyTile")
      .Input("X", kX)
      .Input("repeats", Tensor::Of<int32_t>({2}, {1, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "repeats must be int64");
}

}  // namespace
}  // namespace doppio
