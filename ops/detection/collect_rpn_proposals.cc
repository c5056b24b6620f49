#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/fpn.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(CollectRpnProposals)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(1)
    .Doc(R"DOC(
Puts together the proposals that GenerateProposals made at the levels of a feature pyramid, and
keeps the rpn_post_nms_topN with the largest scores, the best first. There are
rpn_max_level - rpn_min_level + 1 levels: first come the rois of each, then the scores of each.
)DOC")
    .FillUsing(StateCollectArguments)
    .Input(0, "rpn_rois_fpn2, ...", "[n,5] of float for each level: image, x1, y1, x2, y2")
    .Input(1, "rpn_roi_probs_fpn2, ...", "n scores, float, for each level")
    .Output(0, "rois", "[m,5] of float")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      std::vector<DimsView> dims;
      for (int i = 0; i < context->InputSize(); ++i) dims.push_back(context->dims(i));
      DOPPIO_ASSIGN_OR_RETURN(const int64_t count, ProposalCollector(context).Count(dims));
      context->SetOutput(0, DataType::kFloat, {count, 5});
      return absl::OkStatus();
    });

template <class Context>
class CollectRpnProposalsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CollectRpnProposalsOp(OperatorInit* init) : Operator<Context>(init), collector_(init) {}

  absl::Status RunOnDevice() override {
    inputs_.clear();
    dims_.clear();
    for (int i = 0; i < InputSize(); ++i) {
      inputs_.push_back(&Input(i));
      dims_.push_back(Input(i).dims());
    }
    DOPPIO_ASSIGN_OR_RETURN(const int64_t count, collector_.Count(dims_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * rois, Output(0, DataType::kFloat, {count, 5}));
    return collector_.Collect(inputs_, rois->mutable_data<float>());
  }

 private:
  ProposalCollector collector_;
  std::vector<const Tensor*> inputs_;  // these are kept for their memory
  std::vector<DimsView> dims_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CollectRpnProposals, CollectRpnProposalsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CollectRpnProposals);

}  // namespace
}  // namespace doppio
