#ifndef DOPPIO_OPS_ONNX_SPACE_BLOCKS_H_
#define DOPPIO_OPS_ONNX_SPACE_BLOCKS_H_

// Blocks of pixels become channels, and back: a permutation of an image's dimensions after some of
// them were cut in two.

#include <array>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/transpose.h"

namespace doppio {

struct SpaceBlocks {
  Dims cut;                 // X's elements in six dimensions
  std::array<int, 6> axes;  // their order in Y
  Dims out;                 // Y's shape
};

inline absl::Status CheckImage(DimsView x, int64_t block) {
  if (x.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " must be [N, C, H, W]"));
  }
  if (block < 1) {
    return absl::InvalidArgumentError(absl::StrCat("blocksize is ", block, ", must be 1 or more"));
  }
  return absl::OkStatus();
}

// Everything but the documentation. Cut: (ArgumentReader*, DimsView x) to StatusOr<SpaceBlocks>.
template <typename Cut>
void StateSpaceBlocks(OpSchema& schema) {
  schema.NumInputs(1)
      .NumOutputs(1)
      .RequiredArg<int64_t>("blocksize", "height and width of a block")
      .Input(0, "X", "[N, C, H, W], any numbers")
      .TensorInference([](InferenceContext* context) -> absl::Status {
        const Cut cut(context);
        DOPPIO_RETURN_IF_ERROR(context->status());
        DOPPIO_ASSIGN_OR_RETURN(const SpaceBlocks blocks, cut(context->dims(0)));
        context->SetOutput(0, context->dtype(0), blocks.out);
        return absl::OkStatus();
      });
}

template <class Context, class Cut>
class SpaceBlocksOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpaceBlocksOp(OperatorInit* init) : Operator<Context>(init), cut_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (!IsNumeric(x.dtype())) {
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(0), " must hold numbers"));
    }
    DOPPIO_ASSIGN_OR_RETURN(const SpaceBlocks blocks, cut_(x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), blocks.out));
    Transpose(DataTypeSize(x.dtype()), x.raw_data(), blocks.cut, blocks.axes, y->raw_mutable_data(),
              &context_);
    return absl::OkStatus();
  }

 private:
  const Cut cut_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_SPACE_BLOCKS_H_
