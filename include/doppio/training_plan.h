#ifndef DOPPIO_TRAINING_PLAN_H_
#define DOPPIO_TRAINING_PLAN_H_

// A training as a plan: one file that RunPlan (or Caffe2) runs to the bits of a Trainer.

#include "doppio/net.pb.h"
#include "doppio/trainer.h"

namespace doppio {

// The plan of these options. Its nets are the init nets, one that fills the data, one that takes a
// batch of it, the train net and the test net; its steps say how often. Data, and the order of the
// examples in all epochs, stand in it, so that small data can be given so; a net that finds its
// data itself leaves it small.
//
// After RunPlan the workspace has the blobs that Trainer::Run would have left there, and those of
// the plan itself, whose names begin with "training_plan/". The numbers of an evaluation are those
// of each run of the test net, not their means. Functions (on_step, ...) are not called.
//
// Errors: those of Trainer::Create; Unimplemented for what no plan says: early stopping (patience),
// checkpoints, and data of types that no init net fills.
absl::StatusOr<PlanDef> MakeTrainingPlan(const TrainerOptions& options);

}  // namespace doppio

#endif  // DOPPIO_TRAINING_PLAN_H_
