#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "ops/shape/dims_argument.h"

namespace doppio {
namespace {

// x with a 1 at each place of `dims`, which are sorted and count in the result.
absl::StatusOr<Dims> WithDims(DimsView x, const std::vector<int64_t>& dims) {
  const int64_t rank = static_cast<int64_t>(x.size() + dims.size());
  if (rank > kMaxRank) {
    return absl::InvalidArgumentError(absl::StrCat("cannot add ", dims.size(), " dimensions to ",
                                                   ShapeToString(x), ": the limit is rank ",
                                                   kMaxRank));
  }
  if (dims.back() >= rank) {
    return absl::InvalidArgumentError(absl::StrCat("cannot add dimension ", dims.back(), " to ",
                                                   ShapeToString(x), ": the result has rank ",
                                                   rank));
  }
  Dims result;
  auto added = dims.begin();
  auto kept = x.begin();
  for (int64_t i = 0; i < rank; ++i) {
    const bool is_new = added != dims.end() && *added == i;
    result.push_back(is_new ? 1 : *kept++);
    if (is_new) ++added;
  }
  return result;
}

DOPPIO_OPERATOR_SCHEMA(ExpandDims)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Adds dimensions of size 1 to a shape; the elements stay as they are. `dims` says where they are in
the output. In place nothing is copied.

Example: X [3,4,5] and dims = [0,4] give Y [1,3,4,5,1].
)DOC")
    .RequiredArg<std::vector<int64_t>>("dims", "places of the new dimensions in the output's shape")
    .Input(0, "X", "tensor of any type and shape")
    .Output(0, "Y", "X's elements, of X's rank plus the number of `dims`")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const std::vector<int64_t> dims = ReadDimsArgument(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const Dims y, WithDims(context->dims(0), dims));
      context->SetOutput(0, context->dtype(0), y);
      return absl::OkStatus();
    });

template <class Context>
class ExpandDimsOp final : public CopyingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ExpandDimsOp(OperatorInit* init)
      : CopyingOperator<Context>(init), dims_(ReadDimsArgument(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims y, WithDims(InputOperand(0).dims, dims_));
    return this->CopyReshaped(y);
  }

 private:
  std::vector<int64_t> dims_;
};

class GetExpandDimsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("Squeeze", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ExpandDims, ExpandDimsOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(ExpandDims, GetExpandDimsGradient);

}  // namespace
}  // namespace doppio
