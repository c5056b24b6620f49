#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/shape/copying.h"
#include "ops/shape/dims_argument.h"

namespace doppio {
namespace {

// x without `dims`, which are sorted and must have size 1.
absl::StatusOr<Dims> WithoutDims(DimsView x, const std::vector<int64_t>& dims) {
  if (dims.back() >= static_cast<int64_t>(x.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot squeeze dimension ", dims.back(), " of ", ShapeToString(x)));
  }
  Dims result;
  auto removed = dims.begin();
  for (size_t i = 0; i < x.size(); ++i) {
    if (removed == dims.end() || *removed != static_cast<int64_t>(i)) {
      result.push_back(x[i]);
      continue;
    }
    if (x[i] != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot squeeze ", ShapeToString(x), ": dimension ", i, " is ", x[i], ", must be 1"));
    }
    ++removed;
  }
  return result;
}

DOPPIO_OPERATOR_SCHEMA(Squeeze)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Removes dimensions of size 1 from a shape; the elements stay as they are. The reverse of ExpandDims
with the same `dims`. In place nothing is copied.

Example: X [1,3,4,5,1] and dims = [0,4] give Y [3,4,5].
)DOC")
    .RequiredArg<std::vector<int64_t>>("dims", "the dimensions of the input to remove")
    .Input(0, "X", "tensor of any type that has `dims` of size 1")
    .Output(0, "Y", "X's elements, of X's rank less the number of `dims`")
    .Flops(NoFlops)
    .TakesPhantoms({0})
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const std::vector<int64_t> dims = ReadDimsArgument(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_ASSIGN_OR_RETURN(const Dims y, WithoutDims(context->dims(0), dims));
      context->SetOutput(0, context->dtype(0), y);
      return absl::OkStatus();
    });

template <class Context>
class SqueezeOp final : public CopyingOperator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SqueezeOp(OperatorInit* init)
      : CopyingOperator<Context>(init), dims_(ReadDimsArgument(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const Dims y, WithoutDims(InputOperand(0).dims, dims_));
    return this->CopyReshaped(y);
  }

 private:
  std::vector<int64_t> dims_;
};

class GetSqueezeGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("ExpandDims", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Squeeze, SqueezeOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(Squeeze, GetSqueezeGradient);

}  // namespace
}  // namespace doppio
