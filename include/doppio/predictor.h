#ifndef DOPPIO_PREDICTOR_H_
#define DOPPIO_PREDICTOR_H_

// Running a trained net, as often as one likes, from as many threads as one likes.
//
//   absl::StatusOr<NetDef> init = LoadNet("init_net.pb");
//   absl::StatusOr<NetDef> predict = LoadNet("predict_net.pb");
//   absl::StatusOr<std::unique_ptr<Predictor>> predictor =
//       Predictor::Create(*std::move(init), *std::move(predict));
//
//   absl::StatusOr<std::vector<Tensor>> results = (*predictor)->Run({image});  // by position
//   absl::StatusOr<std::map<std::string, Tensor>> named =
//       (*predictor)->Run({{"data", image}});                                  // by name
//
// or, of a file that holds everything (a MetaNetDef, a predictor database):
//
//   absl::StatusOr<Model> model = LoadModel("predictor.minidb");  // model_io.h
//   predictor = Predictor::Create(*std::move(model));
//
// Where a Workspace keeps every blob for whoever looks, a predictor only has to give its outputs,
// and so rewrites the net (optimize.h) and lets blobs share memory. Results with and without
// rewriting differ by rounding alone.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "doppio/infer.h"
#include "doppio/model.h"
#include "doppio/observer.h"
#include "doppio/status.h"
#include "doppio/workspace.h"

namespace doppio {

struct PredictorOptions {
  bool optimize = true;
  // Whether optimizing may take fewer multiplications for convolutions (optimize.h).
  bool winograd = true;
  // Which files the nets may open (workspace.h).
  FileAccess file_access = FileAccess::Within(".");
};

struct PredictorStats {
  // Of the net as it was given, and as it is run.
  int operators_before = 0;
  int operators_after = 0;
  // Of the weights that the net reads as it is run.
  int64_t weight_bytes = 0;
  // Bytes of all tensors that one run makes, without and with shared buffers, by the shapes of the
  // first run. 0 before it, without `optimize`, and where shapes are not known before a run.
  int64_t bytes_before = 0;
  int64_t bytes_after = 0;
  // As many runs have been under way at the same time; each keeps its buffers for the next run.
  int instances = 0;
  // Of expanded tensors that the last run did not write out (blob.h).
  int64_t unwritten_bytes = 0;
};

// Ownership: a predictor owns its weights and its copies of the net. Tensors are values: what is
// fed is shared, not copied, and never written to; results stay what they are when the predictor
// runs again, and outlive it.
//
// Threads: all functions but the destructor may be called from many threads at once. All runs share
// one set of weights. A run uses an instance of the net, with blobs of its own, that no other run
// is using, and makes one where there is none; so a predictor that N threads use holds N sets of
// intermediate results. Operators themselves use NumThreads() threads (parallel.h); with many
// threads that run a predictor, 1 is best.
//
// Errors leave a predictor as usable as before. A request that has a deadline runs in a scope of
// its own (cancellation.h):
//
//   const CancellationScope scope(Cancellation::After(absl::Milliseconds(50)));
//   results = predictor->Run({image});  // DeadlineExceeded where that was not enough
//
// Memory: once an instance has run, the next run on it with the same shapes allocates no tensors,
// as long as the results of the run before are gone.
class Predictor {
 public:
  // Runs the init nets, freeing each of their operators as it ran, so that the weights are never
  // twice in memory.
  //
  // Inputs are model.inputs, or else what the net reads, nothing fills and external_input names (in
  // that order; where the net names no external input, in the order of first use). If there is no
  // such blob, they are those that an init net fills with a placeholder, as Caffe2's exporters do,
  // since its predictor wanted all blobs to exist: a ConstantFill of shape [1] or [1,1], or a
  // GivenTensorFill of a single 0 of shape [1,1]. External inputs that no operator reads are
  // ignored.
  //
  // Outputs are model.outputs, or else the net's external outputs, or else what nobody reads
  // (OutputsOfNet in check.h). An input or a weight may be an output.
  //
  // Errors: what CheckNet (check.h) finds in the nets, all at once; blobs that are neither weights
  // nor inputs; an output that nobody makes (with near names); an init net that fails.
  // FailedPrecondition for a net that changes its own weights (one that trains): such a net belongs
  // into a Workspace.
  static absl::StatusOr<std::unique_ptr<Predictor>> Create(Model model,
                                                           const PredictorOptions& options = {});
  static absl::StatusOr<std::unique_ptr<Predictor>> Create(NetDef init, NetDef predict,
                                                           const PredictorOptions& options = {});
  ~Predictor();
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  const std::vector<std::string>& inputs() const;
  const std::vector<std::string>& outputs() const;

  // Results in the order of outputs(), for tensors in the order of inputs(). `observer` sees the
  // operators of this run (Profiler, for one); it may be called from several threads when the net's
  // executor is `parallel` or when it observes several runs.
  //
  // Errors: another number of inputs, an input without a value, what an operator fails with (by the
  // blobs' names in the net as it was given), an output that is no tensor or that this run did not
  // make.
  absl::StatusOr<std::vector<Tensor>> Run(absl::Span<const Tensor> inputs,
                                          NetObserver* observer = nullptr) const;
  absl::StatusOr<std::vector<Tensor>> Run(std::initializer_list<Tensor> inputs,
                                          NetObserver* observer = nullptr) const {
    return Run(absl::Span<const Tensor>(inputs.begin(), inputs.size()), observer);
  }
  // The same by name. A name that is no input, or an input that is missing, is an error.
  absl::StatusOr<std::map<std::string, Tensor>> Run(const std::map<std::string, Tensor>& inputs,
                                                    NetObserver* observer = nullptr) const;

  // The weights that net() reads, as they were prepared for it; only to be read. Some are no
  // tensors any more; WeightInfos tells the shapes of all, and the values of the others.
  const Workspace& weights() const;
  BlobInfos WeightInfos() const;
  // The net that is run. The first run may change it, when it gives blobs their memory.
  std::shared_ptr<const NetDef> net() const;
  PredictorStats Stats() const;

 private:
  struct State;
  explicit Predictor(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Runs the operators of `net` one after the other, each freed as it ran: weights that an init net
// holds are never twice in memory. An error names the operator; what ran before it stays.
absl::Status RunAndFree(NetDef net, Workspace* workspace);

}  // namespace doppio

#endif  // DOPPIO_PREDICTOR_H_
