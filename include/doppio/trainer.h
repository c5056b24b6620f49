#ifndef DOPPIO_TRAINER_H_
#define DOPPIO_TRAINER_H_

// The loop of a training: batches, steps, evaluations, checkpoints.
//
//   TrainerOptions options;
//   options.inits = {init, training->init};          // optimizer.h
//   options.train = training->net;
//   options.data = {{"data", pictures}, {"label", labels}};   // examples in the first dimension
//   options.epochs = 5;
//   options.checkpoints = "run";                     // a folder
//   Workspace workspace;
//   absl::StatusOr<std::unique_ptr<Trainer>> trainer = Trainer::Create(options, &workspace);
//   absl::Status status = (*trainer)->Run();         // the parameters are in the workspace
//
// Stopped and resumed is the same as never stopped, to the bit: a checkpoint holds all tensors that
// the nets keep from step to step (parameters, what the optimizer keeps, counters), the place in
// the data, the state of every random operator, and what early stopping knows. Of operators that
// read examples themselves (TensorProtosDBInput, ImageInput, TextFileReaderRead) it holds how many
// they took; resuming skips as many. What it can not hold is an error when the trainer is made: a
// reader that several operators read, a queue or another blob that no file can take, and operators
// with side effects in nets inside operators, since those may draw random numbers.
//
// Checkpoints are databases (minidb) that Caffe2's Load reads too; a last record,
// doppio_checkpoint, says what training they belong to and holds a checksum over all. They are
// written in one step, and the last two are kept, so that there is always a whole one.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "doppio/net.pb.h"
#include "doppio/workspace.h"

namespace doppio {

struct TrainStep {
  int64_t iteration = 0;   // of this step, from 1 on
  int64_t iterations = 0;  // of the whole training
  int64_t epoch = 0;       // from 1 on; 0 where the net reads its own data
  int64_t examples = 0;    // of this step; 0 as above
  double loss = 0;
  std::map<std::string, double> metrics;  // of TrainerOptions::metrics, those that the net makes
};

struct Evaluation {
  int64_t iteration = 0;
  int64_t epoch = 0;
  int64_t examples = 0;
  std::map<std::string, double> metrics;  // means over the test data; the loss is among them
  bool is_best = false;                   // so far, by TrainerOptions::watch
};

struct TrainerOptions {
  std::vector<NetDef> inits;  // run in this order, before all else
  NetDef train;               // one step
  NetDef test;                // where it has operators, it is run over the test data

  // What the nets are fed, by blob: cut in batches along the first dimension. Without any, the
  // train net finds its data itself. Examples that do not fill a batch are left out of an epoch
  // (of the test data none are).
  std::map<std::string, Tensor> data;
  std::map<std::string, Tensor> test_data;
  // Every so many-th example of `data` is not trained with, but is test data; 0: none.
  int64_t hold_out = 0;
  int64_t batch = 32;
  bool shuffle = true;  // another order in each epoch, by
  uint64_t seed = 1;

  // How long: one of them.
  int64_t epochs = 0;
  int64_t iterations = 0;

  std::string loss = "loss";         // blobs of one float each, after a step
  std::vector<std::string> metrics;  // and after a run of the test net

  int64_t evaluate_every = 0;  // iterations; 0: after each epoch. And at the end.
  int64_t test_runs = 1;       // of the test net in an evaluation, where it finds its data itself
  // Stops when this metric of the test was not better for `patience` evaluations; 0: never.
  int64_t patience = 0;
  std::string watch = "loss";
  bool larger_is_better = false;

  std::string checkpoints;       // the folder; empty: none
  int64_t checkpoint_every = 0;  // iterations; 0: after each epoch. And at the end.

  // Asked after each step: true ends the training there, with a checkpoint. (What ends runs inside
  // a step (cancellation.h, interrupt.h) ends the training without one: half a step is no state.)
  std::function<bool()> should_stop;
  std::function<absl::Status(const TrainStep&)> on_step;
  std::function<absl::Status(const Evaluation&)> on_evaluation;
  std::function<void(const std::string& path)> on_checkpoint;
};

class Trainer {
 public:
  virtual ~Trainer() = default;

  // Runs the init nets and makes the others. The workspace must outlive the trainer. Errors: data
  // whose numbers of examples differ or that do not fill a batch; options that contradict each
  // other; blobs that a checkpoint can not hold.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(TrainerOptions options,
                                                         Workspace* workspace);

  // Goes on where the newest whole checkpoint of the folder ends. Where a newer one is damaged,
  // `damaged` gets what is wrong with it, and its name gets the ending .damaged. Errors: NotFound
  // without any; DataLoss where all are damaged; FailedPrecondition for one of another training:
  // another net, other blobs, shapes or types, other data, batch or seed. Then nothing has changed.
  // FailedPrecondition too where operators that read examples have run already in this trainer.
  virtual absl::Status Resume(std::vector<std::string>* damaged = nullptr) = 0;

  // Cancelled where should_stop said so. FailedPrecondition where the folder has a checkpoint of a
  // later iteration than this training has reached.
  virtual absl::Status Run() = 0;

  virtual int64_t iteration() const = 0;   // steps that were taken
  virtual int64_t iterations() const = 0;  // of the whole training
  virtual bool stopped_early() const = 0;
  // Evaluates now; empty metrics without a test net.
  virtual absl::StatusOr<Evaluation> Evaluate() = 0;
  // Writes a checkpoint now, and returns its path.
  virtual absl::StatusOr<std::string> Save() = 0;
};

// Runs a plan (Workspace::RunPlan), and says after each iteration of a step how far that step is:
// its name, how many iterations it took, and how many it will (0: until a blob says so). Called by
// one thread at a time.
using PlanProgress =
    std::function<void(const std::string& step, int64_t iteration, int64_t iterations)>;
absl::Status RunPlan(const PlanDef& plan, Workspace* workspace, const PlanProgress& progress);

}  // namespace doppio

#endif  // DOPPIO_TRAINER_H_
