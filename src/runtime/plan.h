#ifndef DOPPIO_RUNTIME_PLAN_H_
#define DOPPIO_RUNTIME_PLAN_H_

#include "doppio/workspace.h"

namespace doppio {

// What Workspace::RunPlan does (workspace.h).
absl::Status RunPlanInWorkspace(const PlanDef& plan, Workspace* workspace);

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PLAN_H_
