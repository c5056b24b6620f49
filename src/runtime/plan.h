#ifndef DOPPIO_RUNTIME_PLAN_H_
#define DOPPIO_RUNTIME_PLAN_H_

#include <functional>
#include <string>

#include "doppio/workspace.h"

namespace doppio {

// What Workspace::RunPlan does (workspace.h). `progress` is told after each iteration of a step:
// the step's name, how many iterations it took, and how many it will (0: until a blob says so); by
// one thread at a time.
absl::Status RunPlanInWorkspace(
    const PlanDef& plan, Workspace* workspace,
    const std::function<void(const std::string&, int64_t, int64_t)>& progress = nullptr);

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_PLAN_H_
