#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckShapes(DimsView x, DataType label_type, DimsView labels) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(x, "X"));
  DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(label_type, labels, "labels"));
  if (labels[0] == x[0]) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("X ", ShapeToString(x), " takes ", x[0], " labels, but there are ", labels[0]));
}

// The shape of those rows of X whose label is above 0.
Dims SampledShape(DimsView x, absl::Span<const int32_t> labels) {
  Dims dims(x.begin(), x.end());
  dims[0] = std::count_if(labels.begin(), labels.end(), [](int32_t label) { return label > 0; });
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(SampleAs)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The rows of X whose label is above 0, in their order: of regions of interest those in which there is
something, for the mask head of Mask R-CNN.

Example: X [3,2] = [[1,2],[3,4],[5,6]] and labels [3] = [7,0,1] give Y [2,2] = [[1,2],[5,6]].
)DOC")
    .Input(0, "X", "tensor of any type, at least a vector")
    .Input(1, "labels", "vector of int32, one for each row of X")
    .Output(0, "Y", "tensor of X's type")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .NeedsValue(1)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dtype(1), context->dims(1)));
      context->SetOutput(0, context->dtype(0),
                         SampledShape(context->dims(0), context->value(1)->span<int32_t>()));
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SampleAsGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc("The gradient of SampleAs for X: rows of dY stand where they came from, among zeros.")
    .Input(0, "X", "first input of SampleAs, of which only the shape is used")
    .Input(1, "labels", "its second input")
    .Input(2, "dY", "gradient of its output")
    .Output(0, "dX", "gradient of X, of X's shape and dY's type")
    .ShapeOnly({0})
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->dims(0), context->dtype(1), context->dims(1)));
      context->SetOutput(0, context->dtype(2), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class SampleAsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SampleAsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), Input(1).dtype(), Input(1).dims()));
    const auto labels = Input(1).template span<int32_t>();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), SampledShape(x.dims(), labels)));
    const ElementCopy copy(x, y);
    const int64_t block = SizeFromDim(x.dims(), 1);
    int64_t to = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] <= 0) continue;
      copy(static_cast<int64_t>(i) * block, to, block);
      to += block;
    }
    return absl::OkStatus();
  }
};

template <class Context>
class SampleAsGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SampleAsGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), Input(1).dtype(), Input(1).dims()));
    const auto labels = Input(1).template span<int32_t>();
    if (dy.dims() != DimsView(SampledShape(x.dims(), labels))) {
      return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(2),
                                                     " is not what SampleAs makes of X ",
                                                     DescribeInput(0), " and the labels"));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
    SetToZero(dx);
    const ElementCopy copy(dy, dx);
    const int64_t block = SizeFromDim(x.dims(), 1);
    int64_t from = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] <= 0) continue;
      copy(from, static_cast<int64_t>(i) * block, block);
      from += block;
    }
    return absl::OkStatus();
  }
};

class GetSampleAsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SampleAsGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SampleAs, SampleAsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SampleAsGradient, SampleAsGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SampleAs, GetSampleAsGradient);

}  // namespace
}  // namespace doppio
