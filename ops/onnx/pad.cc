#include <string>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "src/kernel/pick_grid.h"

namespace doppio {
namespace {

enum class Border { kConstant, kReflect, kEdge };

Border ReadBorder(ArgumentReader* args) {
  const auto mode = args->GetSingleArgument<std::string>("mode");
  if (mode == "reflect") return Border::kReflect;
  if (mode == "edge") return Border::kEdge;
  if (mode != "constant") {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("mode must be constant, reflect or edge, but is \"", mode, "\"")));
  }
  return Border::kConstant;
}

// The borders before each dimension of x, then those behind.
absl::StatusOr<absl::Span<const int64_t>> PadsOf(DimsView x, const Tensor& pads) {
  const auto values = pads.span<int64_t>();
  if (pads.Is<int64_t>() && pads.rank() == 1 && values.size() == 2 * x.size()) return values;
  return absl::InvalidArgumentError(
      absl::StrCat("pads must be a vector of int64, two numbers for each dimension of data ",
                   ShapeToString(x), ", but are ", pads.TypeAndShape()));
}

absl::StatusOr<Dims> PaddedDims(DimsView x, absl::Span<const int64_t> pads, Border border) {
  constexpr int64_t kMost = int64_t{1} << 61;  // the sum of three fits
  Dims dims;
  for (size_t d = 0; d < x.size(); ++d) {
    const int64_t before = pads[d];
    const int64_t behind = pads[d + x.size()];
    if (before > kMost || before < -kMost || behind > kMost || behind < -kMost || x[d] > kMost) {
      return absl::InvalidArgumentError(absl::StrCat("a border of ", before, " and ", behind));
    }
    dims.push_back(before + x[d] + behind);
    if (dims[d] < 0 || (before < 0 && -before > x[d]) || (behind < 0 && -behind > x[d])) {
      return absl::InvalidArgumentError(absl::StrCat("borders of ", before, " and ", behind,
                                                     " take more away than the ", x[d],
                                                     " elements of dimension ", d));
    }
    if (border != Border::kConstant && x[d] == 0 && dims[d] > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("dimension ", d, " has no elements to make a border of"));
    }
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// Which element stands at `at`, which may be outside of [0, size); -1: none.
int64_t Inside(int64_t at, int64_t size, Border border) {
  if (at >= 0 && at < size) return at;
  if (border == Border::kConstant) return -1;
  if (border == Border::kEdge) return at < 0 ? 0 : size - 1;
  if (size == 1) return 0;
  // Mirrored at the first and the last element, which are not repeated, as often as it takes.
  const int64_t period = 2 * (size - 1);
  const int64_t place = ((at % period) + period) % period;
  return place < size ? place : period - place;
}

absl::Status CheckFill(DataType wanted, DataType dtype, DimsView dims) {
  if (dtype == wanted && SizeFromDim(dims, 0) == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("constant_value must be one ",
                                                 DataTypeName(wanted), ", as data is, but is ",
                                                 DataTypeName(dtype), ShapeToString(dims)));
}

DOPPIO_OPERATOR_SCHEMA(Pad)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's Pad: a border around a tensor. `pads` has the number of elements that come before each
dimension, then those that come behind; where they are negative, as many elements are taken away. The
border is constant_value (mode `constant`), the elements mirrored at the first and last one of the
dimension, which are not repeated (`reflect`), or the nearest element (`edge`).

Example: data = [1,2,3] and pads = [2,1] give, with mode = `reflect`, [3,2,1,2,3,2].
)DOC")
    .Arg<std::string>("mode", "constant, reflect or edge", "constant")
    .Input(0, "data", "tensor of any type")
    .Input(1, "pads", "vector of int64, of twice as many elements as data has dimensions")
    .Input(2, "constant_value", "one element of data's type; default: 0, or the empty string")
    .Output(0, "output", "tensor of data's type and rank")
    .Flops(NoOperations)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const Border border = ReadBorder(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      if (context->InputSize() > 2) {
        DOPPIO_RETURN_IF_ERROR(CheckFill(context->dtype(0), context->dtype(2), context->dims(2)));
      }
      if (context->value(1) == nullptr) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(const auto pads, PadsOf(context->dims(0), *context->value(1)));
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PaddedDims(context->dims(0), pads, border));
      context->SetOutput(0, context->dtype(0), dims);
      return absl::OkStatus();
    });

template <class Context>
class PadOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PadOp(OperatorInit* init) : Operator<Context>(init), border_(ReadBorder(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (InputSize() > 2) {
      DOPPIO_RETURN_IF_ERROR(CheckFill(x.dtype(), Input(2).dtype(), Input(2).dims()));
    }
    DOPPIO_ASSIGN_OR_RETURN(const auto pads, PadsOf(x.dims(), Input(1)));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PaddedDims(x.dims(), pads, border_));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
    if (y->numel() == 0) return absl::OkStatus();
    places_.resize(dims.size());
    for (size_t d = 0; d < dims.size(); ++d) {
      places_[d].clear();
      for (int64_t i = 0; i < dims[d]; ++i) {
        places_[d].push_back(Inside(i - pads[d], x.dims()[d], border_));
      }
    }
    return DispatchMoved(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T fill = InputSize() > 2 ? *MovedElements<T>(Input(2)) : T();
      PickGrid(MovedElements<T>(x), x.dims(), places_, fill, MovedElements<T>(y));
      return absl::OkStatus();
    });
  }

 private:
  const Border border_;
  std::vector<Places> places_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Pad, PadOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Pad);

}  // namespace
}  // namespace doppio
