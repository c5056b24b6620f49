#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/window_lists.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

// The shape in which places are counted.
absl::StatusOr<Dims> CountedShape(const WindowSettings& settings, DimsView x) {
  DOPPIO_ASSIGN_OR_RETURN(const Window window, PlaceTransposedWindow(settings, x));
  Dims dims = ImageDims(window.batch, window.channels, window.in, false);
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// Y's shape: that, or the one that is given.
absl::StatusOr<Dims> OutputShape(const Dims& counted, const Tensor* given) {
  if (given == nullptr) return counted;
  const absl::Span<const int64_t> sizes = given->span<int64_t>();
  Dims dims(sizes.begin(), sizes.end());
  const bool fits = given->Is<int64_t>() && given->rank() == 1 && dims.size() == counted.size() &&
                    dims[0] == counted[0] && dims[1] == counted[1];
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("output_shape is ", given->TypeAndShape(), " ", ShapeToString(dims),
                     ", must be int64 with the batch and channels of ", ShapeToString(counted)));
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(MaxUnpool)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
Puts the maxima that a pool found back where they stood, and 0 elsewhere. Each spatial size of Y is
(size of X - 1) stride + kernel - pads, unless the third input says otherwise; places are counted in that shape
even then, and stay at their coordinates. Of values for one place the last one stays.

Example: X [1,1,2] = 5 6, I = 1 3 and kernels = [2] with strides = [2] give Y [1,1,4] = 0 5 0 6.
)DOC")
    .FillUsing([](OpSchema& schema) { StateWindowLists(schema, false); })
    .Input(0, "X", "[N, C, spatial...], of any numbers")
    .Input(1, "I", "int64 of X's shape: places, as the second output of OnnxMaxPool has them")
    .Input(2, "output_shape", "int64: Y's shape; may be left out")
    .Output(0, "Y", "image of X's type, batch and channels")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const WindowSettings settings = ReadWindowLists(context, false);
      DOPPIO_ASSIGN_OR_RETURN(const Dims counted, CountedShape(settings, context->dims(0)));
      const Tensor* given = context->InputSize() > 2 ? context->value(2) : nullptr;
      if (context->InputSize() > 2 && given == nullptr) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OutputShape(counted, given));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class MaxUnpoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MaxUnpoolOp(OperatorInit* init)
      : Operator<Context>(init), settings_(ReadWindowLists(init, false)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& places = Input(1);
    if (!places.Is<int64_t>() || places.dims() != x.dims()) {
      return absl::InvalidArgumentError(absl::StrCat("I must be int64 of X's shape, but there are ",
                                                     DescribeInput(0), " and ", DescribeInput(1)));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Dims counted, CountedShape(settings_, x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                            OutputShape(counted, InputSize() > 2 ? &Input(2) : nullptr));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
    SetToZero(y);
    const ElementCopy copy(x, y);
    const int64_t count = SizeFromDim(counted, 0);
    const int64_t* place = places.data<int64_t>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      if (place[i] < 0 || place[i] >= count) {
        return absl::InvalidArgumentError(absl::StrCat(
            "I has ", place[i], ", but there are ", count, " places in ", ShapeToString(counted)));
      }
      DOPPIO_ASSIGN_OR_RETURN(const int64_t to, PlaceIn(dims, counted, place[i]));
      copy(i, to, 1);
    }
    return absl::OkStatus();
  }

 private:
  // Where the element at `place` of the shape `counted` stands in the shape `dims`.
  static absl::StatusOr<int64_t> PlaceIn(const Dims& dims, const Dims& counted, int64_t place) {
    int64_t to = 0;
    int64_t stride = 1;
    for (size_t d = dims.size(); d-- > 0;) {
      const int64_t index = place % counted[d];
      if (index >= dims[d]) {
        return absl::InvalidArgumentError(absl::StrCat("I has a place in ", ShapeToString(counted),
                                                       " that ", ShapeToString(dims), " has not"));
      }
      to += index * stride;
      stride *= dims[d];
      place /= counted[d];
    }
    return to;
  }

  const WindowSettings settings_;
};

DOPPIO_REGISTER_CPU_OPERATOR(MaxUnpool, MaxUnpoolOp<CPUContext>);
DOPPIO_NO_GRADIENT(MaxUnpool);

}  // namespace
}  // namespace doppio
