#ifndef DOPPIO_OPS_SPARSE_GATHER_PLAN_H_
#define DOPPIO_OPS_SPARSE_GATHER_PLAN_H_

// Slices of a tensor along a dimension, which indices name: what Gather and BatchGather pick, and
// where the gradient is added up.

#include "doppio/arguments.h"
#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {

struct GatherArguments {
  int axis;
  bool match_outer;
  bool wrap_indices;
};

// The output is [outer, count, block]: for every index of the dimensions before the axis, `count`
// blocks of DATA [outer, size, block].
struct GatherPlan {
  int64_t outer;
  int64_t size;
  int64_t block;
  int64_t count;
  Dims output;
};

absl::StatusOr<GatherPlan> PlanGather(const GatherArguments& args, DimsView data, DimsView indices);

}  // namespace doppio

#endif  // DOPPIO_OPS_SPARSE_GATHER_PLAN_H_
