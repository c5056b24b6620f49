#include "ops/reduce/reduce_axes.h"

namespace doppio {

absl::StatusOr<ReduceAxes::Shapes> ReduceAxes::Of(DimsView x) const {
  const int rank = static_cast<int>(x.size());
  absl::InlinedVector<bool, 8> reduced(x.size(), axes_.empty());
  for (const int64_t axis : axes_) {
    DOPPIO_ASSIGN_OR_RETURN(const int i, CanonicalAxis(axis, rank));
    if (reduced[i]) {
      return absl::InvalidArgumentError(
          absl::StrCat("axes names dimension ", i, " of X ", ShapeToString(x), " twice"));
    }
    reduced[i] = true;
  }
  Shapes shapes;
  for (int i = 0; i < rank; ++i) {
    shapes.kept.push_back(reduced[i] ? 1 : x[i]);
    if (!reduced[i]) shapes.pruned.push_back(x[i]);
  }
  return shapes;
}

absl::Status InferReduce(InferenceContext* context) {
  const ReduceAxes axes(context);
  DOPPIO_RETURN_IF_ERROR(context->status());
  DOPPIO_ASSIGN_OR_RETURN(const ReduceAxes::Shapes shapes, axes.Of(context->dims(0)));
  context->SetOutput(0, context->dtype(0), axes.OutputDims(shapes));
  return absl::OkStatus();
}

absl::Status CheckReducedShape(DimsView dy, const ReduceAxes::Shapes& shapes) {
  if (dy == DimsView(shapes.kept) || dy == DimsView(shapes.pruned)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("dY ", ShapeToString(dy), " must have the shape ",
                                                 ShapeToString(shapes.kept), " or ",
                                                 ShapeToString(shapes.pruned)));
}

}  // namespace doppio
