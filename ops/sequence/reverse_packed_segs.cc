#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/sequence/row_segments.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ReversePackedSegs)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Turns segments round that lie side by side (as PackRNNSequence puts them), each within its length; what
fills them up stays where it is. A recurrent net that reads the output reads backwards.

Example: data [3,2,1] = [[[1],[4]],[[2],[5]],[[3],[0]]] and lengths [3,2] give [[[3],[5]],[[2],[4]],[[1],[0]]].
)DOC")
    .Input(0, "data", "tensor of any type, [places, segments, width]")
    .Input(1, "lengths", "vector of int32 or int64: the length of each segment, in [0, places]")
    .Output(0, "reversed", "tensor of data's type and shape")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(
          CheckSideBySide(context->dims(0), "data", context->dims(1), "lengths"));
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class ReversePackedSegsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ReversePackedSegsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckSideBySide(data.dims(), "data", Input(1).dims(), "lengths"));
    DOPPIO_RETURN_IF_ERROR(segments_.Set(Input(1), "lengths"));
    if (segments_.longest() > data.dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat("the longest of lengths is ",
                                                     segments_.longest(), ", but data has ",
                                                     data.dim(0), " places for each segment"));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * reversed, Output(0, data.dtype(), data.dims()));
    const ElementCopy copy(data, reversed);
    const int64_t count = data.dim(1);
    const int64_t block = data.dim(2);
    const int64_t grain = kCopyGrain / (SizeFromDim(data.dims(), 1) + 1) + 1;
    ParallelFor(data.dim(0), grain, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        for (int64_t i = 0; i < count; ++i) {
          const int64_t from = t < segments_.length(i) ? segments_.length(i) - 1 - t : t;
          copy((from * count + i) * block, (t * count + i) * block, block);
        }
      }
    });
    return absl::OkStatus();
  }

 private:
  RowSegments segments_;
};

class GetReversePackedSegsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ReversePackedSegs", "", {GO(0), I(1)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ReversePackedSegs, ReversePackedSegsOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ReversePackedSegs, GetReversePackedSegsGradient);

}  // namespace
}  // namespace doppio
