#ifndef DOPPIO_TRAINING_PLAN_WRITER_H_
#define DOPPIO_TRAINING_PLAN_WRITER_H_

#include <string>
#include <vector>

#include "doppio/net.pb.h"
#include "doppio/trainer.h"
#include "src/training/batches.h"

namespace doppio::training {

// The plan of options that were checked, with their data as Batches. `state`: the blobs that a
// checkpoint holds.
absl::StatusOr<PlanDef> WritePlan(const TrainerOptions& options, Batches data,
                                  const Batches& test_data, std::vector<std::string> state);

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_PLAN_WRITER_H_
