#ifndef DOPPIO_TRAINING_PLAN_WRITER_H_
#define DOPPIO_TRAINING_PLAN_WRITER_H_

#include "doppio/net.pb.h"
#include "doppio/trainer.h"
#include "src/training/batches.h"

namespace doppio::training {

// The plan of options that were checked, with their data as Batches.
absl::StatusOr<PlanDef> WritePlan(const TrainerOptions& options, Batches data,
                                  const Batches& test_data);

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_PLAN_WRITER_H_
