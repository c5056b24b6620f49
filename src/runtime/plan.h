#ifndef DOPPIO_RUNTIME_PLAN_H_
#define DOPPIO_RUNTIME_PLAN_H_

#include "doppio/workspace.h"

namespace doppio {

// Runs the execution steps of a plan in order. A step runs its nets, or its substeps, in order or
// (concurrent_substeps) side by side, as often as num_iter says; with should_stop_blob, until that
// blob, a single bool, is true after a net or substep. Nets are created when they are first used,
// and anew where the workspace has one of that name from before. The first error ends the plan;
// substeps that run beside the one that failed end at their next net.
absl::Status RunPlanInWorkspace(const PlanDef& plan, Workspace* workspace);

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PLAN_H_
