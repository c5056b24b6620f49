#ifndef DOPPIO_TRAINING_PLAN_H_
#define DOPPIO_TRAINING_PLAN_H_

// A training as a plan: one file that RunPlan (or Caffe2) runs to the bits of a Trainer.
//
// Threads: all functions may be called from many at once.

#include "doppio/net.pb.h"
#include "doppio/trainer.h"

namespace doppio {

// The plan of these options. Its nets are the init nets, one that fills the data, one that takes a
// batch of it, the train net and the test net; its steps say how often. Data, and the order of the
// examples in all epochs, stand in it, so that small data can be given so; a net that finds its
// data itself leaves it small.
//
// After RunPlan the workspace has the blobs that Trainer::Run would have left there, and those of
// the plan itself, whose names begin with "training_plan/". It stops early where the Trainer would.
// The numbers of an evaluation are those of each run of the test net, not their means, but for what
// early stopping watches. Functions (on_step, ...) are not called.
//
// Checkpoints are written by the operator Checkpoint, into the folder `checkpoints`, which must be
// there when the plan runs: step_00000100.minidb and so on, all of which are kept. They hold the
// blobs that a Trainer's hold, for Load, and not what a Trainer needs besides to go on to the bit.
//
// Errors: those of Trainer::Create; Unimplemented for what no plan says: checkpoints of nets that
// find their data themselves, and data of types that no init net fills.
absl::StatusOr<PlanDef> MakeTrainingPlan(const TrainerOptions& options);

}  // namespace doppio

#endif  // DOPPIO_TRAINING_PLAN_H_
