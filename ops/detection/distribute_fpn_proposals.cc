#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/fpn.h"

namespace doppio {
namespace {

absl::Status CheckShapes(int64_t levels, int outputs, DimsView rois) {
  if (outputs != levels + 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there are ", outputs, " outputs, must be one for each of ", levels, " levels and one"));
  }
  if (rois.size() == 2 && (rois[1] == 4 || rois[1] == 5)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the rois must be [n,5] or [n,4], but are ", ShapeToString(rois)));
}

DOPPIO_OPERATOR_SCHEMA(DistributeFpnProposals)
    .NumInputs(1)
    .NumOutputs(2, OpSchema::kMany)
    .Doc(R"DOC(
Gives each region to the level of a feature pyramid that suits its size: of
roi_min_level to roi_max_level the one nearest to
floor(roi_canonical_level + log2(sqrt(area) / roi_canonical_scale + 1e-6)). There is an output for
the regions of each level, and a last one: where a region stands when those outputs are put one
after the other, so that BatchPermutation with it restores the order of the input.
)DOC")
    .FillUsing(StateDistributeArguments)
    .Input(0, "rois", "[n,5] of float: image, x1, y1, x2, y2; or [n,4] of image 0")
    .Output(0, "rois_fpn2, ...", "[m,5] of float for each level")
    .Output(1, "rois_idx_restore", "the last output: int32 vector of n")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const ProposalDistributor distributor(context);
      const int last = context->OutputSize() - 1;
      DOPPIO_RETURN_IF_ERROR(CheckShapes(distributor.level_count(), last + 1, context->dims(0)));
      context->SetOutput(last, DataType::kInt32, {context->dims(0)[0]});
      return absl::OkStatus();
    });

template <class Context>
class DistributeFpnProposalsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DistributeFpnProposalsOp(OperatorInit* init)
      : Operator<Context>(init), distributor_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& rois = Input(0);
    const int last = OutputSize() - 1;
    DOPPIO_RETURN_IF_ERROR(CheckShapes(distributor_.level_count(), last + 1, rois.dims()));
    if (!rois.Is<float>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the rois ", DescribeInput(0), " must be float"));
    }
    const int64_t columns = rois.dim(1);
    DOPPIO_RETURN_IF_ERROR(distributor_.Distribute(rois.data<float>(), rois.dim(0), columns));
    for (int level = 0; level < last; ++level) {
      const absl::Span<const int64_t> rows = distributor_.RowsOf(level);
      DOPPIO_ASSIGN_OR_RETURN(
          Tensor * part, Output(level, DataType::kFloat, {static_cast<int64_t>(rows.size()), 5}));
      float* out = part->mutable_data<float>();
      for (int64_t row : rows) {
        if (columns == 4) *out++ = 0;
        out = std::copy_n(rois.data<float>() + row * columns, columns, out);
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * restore, Output(last, DataType::kInt32, {rois.dim(0)}));
    distributor_.WriteRestore(restore->mutable_data<int32_t>());
    return absl::OkStatus();
  }

 private:
  ProposalDistributor distributor_;
};

DOPPIO_REGISTER_CPU_OPERATOR(DistributeFpnProposals, DistributeFpnProposalsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(DistributeFpnProposals);

}  // namespace
}  // namespace doppio
