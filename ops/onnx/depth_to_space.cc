#include "ops/onnx/space_blocks.h"

namespace doppio {
namespace {

// Channels are [blocksize, blocksize, rest] (DCR) or [rest, blocksize, blocksize] (CRD).
struct DepthToSpaceCut {
  explicit DepthToSpaceCut(ArgumentReader* args)
      : block(args->GetSingleArgument<int64_t>("blocksize")) {
    const std::string mode = args->GetSingleArgument<std::string>("mode");
    rest_first = mode == "CRD";
    if (!rest_first && mode != "DCR") {
      args->Fail(
          absl::InvalidArgumentError(absl::StrCat("mode is \"", mode, "\", must be DCR or CRD")));
    }
  }

  absl::StatusOr<SpaceBlocks> operator()(DimsView x) const {
    DOPPIO_RETURN_IF_ERROR(CheckImage(x, block));
    const absl::StatusOr<int64_t> square = CheckedProduct(block, block);
    if (!square.ok() || x[1] % *square != 0) {
      return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x), " has ", x[1],
                                                     " channels, which blocks of ", block, " by ",
                                                     block, " do not divide"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const int64_t height, CheckedProduct(x[2], block));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t width, CheckedProduct(x[3], block));
    const int64_t rest = x[1] / *square;
    const Dims out = {x[0], rest, height, width};
    if (rest_first)
      return SpaceBlocks{{x[0], rest, block, block, x[2], x[3]}, {0, 1, 4, 2, 5, 3}, out};
    return SpaceBlocks{{x[0], block, block, rest, x[2], x[3]}, {0, 3, 4, 1, 5, 2}, out};
  }

  int64_t block;
  bool rest_first;
};

DOPPIO_OPERATOR_SCHEMA(DepthToSpace)
    .Doc(R"DOC(
Makes images larger and gives them fewer channels: a pixel becomes a block of blocksize * blocksize pixels,
whose elements were channels. Channels are ordered by row in the block, column in the block, channel of Y
(mode DCR), or by channel of Y, row, column (CRD, which is PyTorch's PixelShuffle).

Example: X [1,4,1,1] = 0 1 2 3 with blocksize = 2 gives Y [1,1,2,2] = [[[[0,1],[2,3]]]].
)DOC")
    .FillUsing(StateSpaceBlocks<DepthToSpaceCut>)
    .Arg<std::string>("mode", "DCR or CRD", "DCR")
    .Output(0, "Y", "[N, C / blocksize^2, H * blocksize, W * blocksize]");

DOPPIO_REGISTER_CPU_OPERATOR(DepthToSpace, SpaceBlocksOp<CPUContext, DepthToSpaceCut>);
DOPPIO_NO_GRADIENT(DepthToSpace);

}  // namespace
}  // namespace doppio
