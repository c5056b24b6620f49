#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/fpn.h"

namespace doppio {
namespace {

absl::Status CheckOutputs(int64_t levels, int outputs) {
  if (outputs == levels + 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "there are ", outputs, " outputs, must be one for each of ", levels, " levels and two"));
}

DOPPIO_OPERATOR_SCHEMA(CollectAndDistributeFpnRpnProposals)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(3, OpSchema::kMany)
    .Doc(R"DOC(
CollectRpnProposals and DistributeFpnProposals in one: puts together the proposals of all levels of
a feature pyramid, keeps those with the largest scores, and gives each to the level that suits its
size. The numbers of inputs and outputs follow from the levels that the arguments state.
)DOC")
    .FillUsing(StateCollectArguments)
    .FillUsing(StateDistributeArguments)
    .Input(0, "rpn_rois_fpn2, ...", "[n,5] of float for each level: image, x1, y1, x2, y2")
    .Input(1, "rpn_roi_probs_fpn2, ...", "n scores, float, for each level")
    .Output(0, "rois", "[m,5] of float: all that are kept, the best first")
    .Output(1, "rois_fpn2, ...", "[k,5] of float for each level")
    .Output(2, "rois_idx_restore",
            "the last output, int32 vector of m: where each of `rois` stands when those of the "
            "levels are put one after the other")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      std::vector<DimsView> dims;
      for (int i = 0; i < context->InputSize(); ++i) dims.push_back(context->dims(i));
      DOPPIO_ASSIGN_OR_RETURN(const int64_t count, ProposalCollector(context).Count(dims));
      const int outputs = context->OutputSize();
      DOPPIO_RETURN_IF_ERROR(CheckOutputs(ProposalDistributor(context).level_count(), outputs));
      context->SetOutput(0, DataType::kFloat, {count, 5});
      context->SetOutput(outputs - 1, DataType::kInt32, {count});
      return absl::OkStatus();
    });

template <class Context>
class CollectAndDistributeFpnRpnProposalsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CollectAndDistributeFpnRpnProposalsOp(OperatorInit* init)
      : Operator<Context>(init), collector_(init), distributor_(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckOutputs(distributor_.level_count(), OutputSize()));
    inputs_.clear();
    dims_.clear();
    for (int i = 0; i < InputSize(); ++i) {
      inputs_.push_back(&Input(i));
      dims_.push_back(Input(i).dims());
    }
    DOPPIO_ASSIGN_OR_RETURN(const int64_t count, collector_.Count(dims_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * rois, Output(0, DataType::kFloat, {count, 5}));
    DOPPIO_RETURN_IF_ERROR(collector_.Collect(inputs_, rois->mutable_data<float>()));
    DOPPIO_RETURN_IF_ERROR(distributor_.Distribute(rois->data<float>(), count, 5));
    const int last = OutputSize() - 1;
    for (int level = 0; level < last - 1; ++level) {
      const absl::Span<const int64_t> rows = distributor_.RowsOf(level);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * part, Output(level + 1, DataType::kFloat,
                                                    {static_cast<int64_t>(rows.size()), 5}));
      float* out = part->mutable_data<float>();
      for (int64_t row : rows) out = std::copy_n(rois->data<float>() + row * 5, 5, out);
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * restore, Output(last, DataType::kInt32, {count}));
    distributor_.WriteRestore(restore->mutable_data<int32_t>());
    return absl::OkStatus();
  }

 private:
  ProposalCollector collector_;
  ProposalDistributor distributor_;
  std::vector<const Tensor*> inputs_;  // these are kept for their memory
  std::vector<DimsView> dims_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CollectAndDistributeFpnRpnProposals,
                             CollectAndDistributeFpnRpnProposalsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CollectAndDistributeFpnRpnProposals);

}  // namespace
}  // namespace doppio
