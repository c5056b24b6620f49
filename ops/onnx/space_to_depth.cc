#include "ops/onnx/space_blocks.h"

namespace doppio {
namespace {

struct SpaceToDepthCut {
  explicit SpaceToDepthCut(ArgumentReader* args)
      : block(args->GetSingleArgument<int64_t>("blocksize")) {}

  absl::StatusOr<SpaceBlocks> operator()(DimsView x) const {
    DOPPIO_RETURN_IF_ERROR(CheckImage(x, block));
    if (x[2] % block != 0 || x[3] % block != 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "X ", ShapeToString(x), " can not be cut into blocks of ", block, " by ", block));
    }
    const int64_t height = x[2] / block;
    const int64_t width = x[3] / block;
    DOPPIO_ASSIGN_OR_RETURN(const int64_t row, CheckedProduct(x[1], block));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t channels, CheckedProduct(row, block));
    return SpaceBlocks{{x[0], x[1], height, block, width, block},
                       {0, 3, 5, 1, 2, 4},
                       {x[0], channels, height, width}};
  }

  int64_t block;
};

DOPPIO_OPERATOR_SCHEMA(SpaceToDepth)
    .Doc(R"DOC(
Makes images smaller and gives them more channels: a block of blocksize * blocksize pixels becomes one pixel,
whose channels are ordered by row in the block, column in the block, channel of X. DepthToSpace (DCR) undoes it.

Example: X [1,1,2,2] = [[[[0,1],[2,3]]]] with blocksize = 2 gives Y [1,4,1,1] = 0 1 2 3.
)DOC")
    .FillUsing(StateSpaceBlocks<SpaceToDepthCut>)
    .Output(0, "Y", "[N, C * blocksize^2, H / blocksize, W / blocksize]");

DOPPIO_REGISTER_CPU_OPERATOR(SpaceToDepth, SpaceBlocksOp<CPUContext, SpaceToDepthCut>);
DOPPIO_NO_GRADIENT(SpaceToDepth);

}  // namespace
}  // namespace doppio
