#include "ops/sparse/gather_plan.h"

namespace doppio {

absl::StatusOr<GatherPlan> PlanGather(const GatherArguments& args, DimsView data,
                                      DimsView indices) {
  DOPPIO_ASSIGN_OR_RETURN(int axis, CanonicalAxis(args.axis, static_cast<int>(data.size())));
  GatherPlan plan{SizeToDim(data, axis), data[axis], SizeFromDim(data, axis + 1),
                  SizeFromDim(indices, 0), Dims(data.begin(), data.begin() + axis)};
  if (args.match_outer) {
    if (axis == 0) return absl::InvalidArgumentError("match_outer needs an axis above 0");
    if (static_cast<int>(indices.size()) < axis ||
        indices.subspan(0, axis) != data.subspan(0, axis)) {
      return absl::InvalidArgumentError(
          absl::StrCat("with match_outer the indices ", ShapeToString(indices),
                       " must begin with the dimensions ", ShapeToString(plan.output),
                       " that DATA ", ShapeToString(data), " has before axis ", axis));
    }
    indices.remove_prefix(axis);
    plan.count = SizeFromDim(indices, 0);
  }
  if (plan.size == 0) {
    // As Caffe2: what is gathered from nothing is nothing, whatever the indices.
    plan.output.assign(data.begin(), data.end());
  } else {
    plan.output.insert(plan.output.end(), indices.begin(), indices.end());
    plan.output.insert(plan.output.end(), data.begin() + axis + 1, data.end());
  }
  DOPPIO_RETURN_IF_ERROR(NumElements(plan.output).status());
  return plan;
}

}  // namespace doppio
