#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

// A seen as [planes, height, width], of which [planes, new_height, new_width] are left.
struct NarrowSizes {
  int64_t planes;
  int64_t height;
  int64_t width;
  int64_t new_height;
  int64_t new_width;
  Dims dims;  // of C
};

absl::StatusOr<NarrowSizes> SizesOf(DimsView a, DimsView b) {
  const size_t rank = a.size();
  const size_t b_rank = b.size();
  const bool has_ranks = (rank == 3 || rank == 4) && (b_rank == 3 || b_rank == rank);
  const bool fits = has_ranks && a[0] == b[0] && (b_rank != 4 || a[1] == b[1]) &&
                    b[b_rank - 2] <= a[rank - 2] && b[b_rank - 1] <= a[rank - 1];
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "A must be [N,C,H,W] or [N,H,W], and B the same with lower or equal height ",
        "and width, or without C, but they are ", ShapeToString(a), " and ", ShapeToString(b)));
  }
  NarrowSizes sizes{SizeToDim(a, static_cast<int>(rank) - 2),
                    a[rank - 2],
                    a[rank - 1],
                    b[b_rank - 2],
                    b[b_rank - 1],
                    Dims(a.begin(), a.end())};
  sizes.dims[rank - 2] = sizes.new_height;
  sizes.dims[rank - 1] = sizes.new_width;
  return sizes;
}

DOPPIO_OPERATOR_SCHEMA(SpatialNarrowAs)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
The upper left part of the images A that is as high and as wide as B: rows are left out at the
bottom and columns at the right.

Example: A [1,2,3] = [[[1,2,3],[4,5,6]]] and B [1,1,2] = [[[0,0]]] give C [1,1,2] = [[[1,2]]].
)DOC")
    .Input(0, "A", "[N,C,H,W] or [N,H,W], of any type")
    .Input(1, "B", "[N,C,H1,W1] or [N,H1,W1], of which only the shape is used")
    .Output(0, "C", "of A's type, [N,C,H1,W1] or [N,H1,W1] as A is")
    .ShapeOnly({1})
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const NarrowSizes sizes, SizesOf(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), sizes.dims);
      return absl::OkStatus();
    });

DOPPIO_OPERATOR_SCHEMA(SpatialNarrowAsGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc("The gradient of SpatialNarrowAs for A: dC, with zeros below and at the right.")
    .Input(0, "A", "first input of SpatialNarrowAs, of which only the shape is used")
    .Input(1, "B", "its second input, likewise")
    .Input(2, "dC", "gradient of its output")
    .Output(0, "dA", "gradient of A, of A's shape and dC's type")
    .ShapeOnly({0, 1})
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(SizesOf(context->dims(0), context->dims(1)).status());
      context->SetOutput(0, context->dtype(2), context->dims(0));
      return absl::OkStatus();
    });

// Calls copy(place in A, place in C, count) for each row that is left.
template <typename F>
void ForEachRow(const NarrowSizes& sizes, F copy) {
  for (int64_t plane = 0; plane < sizes.planes; ++plane) {
    for (int64_t h = 0; h < sizes.new_height; ++h) {
      copy((plane * sizes.height + h) * sizes.width,
           (plane * sizes.new_height + h) * sizes.new_width, sizes.new_width);
    }
  }
}

template <class Context>
class SpatialNarrowAsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpatialNarrowAsOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& a = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const NarrowSizes sizes, SizesOf(a.dims(), Input(1).dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * c, Output(0, a.dtype(), sizes.dims));
    const ElementCopy copy(a, c);
    ForEachRow(sizes, [&](int64_t wide, int64_t narrow, int64_t n) { copy(wide, narrow, n); });
    return absl::OkStatus();
  }
};

template <class Context>
class SpatialNarrowAsGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SpatialNarrowAsGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dc = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(const NarrowSizes sizes, SizesOf(Input(0).dims(), Input(1).dims()));
    if (dc.dims() != DimsView(sizes.dims)) {
      return absl::InvalidArgumentError(
          absl::StrCat("dC ", DescribeInput(2), " is not what SpatialNarrowAs makes of A ",
                       DescribeInput(0), " and B ", DescribeInput(1)));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * da, Output(0, dc.dtype(), Input(0).dims()));
    SetToZero(da);
    const ElementCopy copy(dc, da);
    ForEachRow(sizes, [&](int64_t wide, int64_t narrow, int64_t n) { copy(narrow, wide, n); });
    return absl::OkStatus();
  }
};

class GetSpatialNarrowAsGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("SpatialNarrowAsGradient", "", {I(0), I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SpatialNarrowAs, SpatialNarrowAsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SpatialNarrowAsGradient, SpatialNarrowAsGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SpatialNarrowAs, GetSpatialNarrowAsGradient);

}  // namespace
}  // namespace doppio
