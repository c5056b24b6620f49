#ifndef DOPPIO_TRAINING_EARLY_STOP_NETS_H_
#define DOPPIO_TRAINING_EARLY_STOP_NETS_H_

// Early stopping as operators: what a Trainer does with numbers of double, to the bit.

#include <string>

#include "doppio/net_builder.h"

namespace doppio::training {

class EarlyStopNets {
 public:
  // The metric `watch` is a blob of one number that each run of the test net makes; the blobs of
  // these nets begin with `prefix`.
  EarlyStopNets(std::string prefix, std::string watch, bool larger_is_better)
      : prefix_(std::move(prefix)), watch_(std::move(watch)), larger_is_better_(larger_is_better) {}

  // What is known before the first evaluation, of `examples` in all.
  void AddStart(int64_t examples, int64_t patience, NetBuilder* net) const;
  // The weight of a run of the test net, with `name` in its name.
  void AddWeight(const std::string& name, int64_t examples, NetBuilder* net) const;

  void AddBegin(NetBuilder* net) const;                             // before an evaluation
  void AddTally(const std::string& weight, NetBuilder* net) const;  // after a run of the test net
  void AddJudge(NetBuilder* net) const;                             // after an evaluation

  // A bool: the watched metric was not better for `patience` evaluations.
  std::string should_stop() const { return prefix_ + "should_stop"; }

 private:
  const std::string prefix_;
  const std::string watch_;
  const bool larger_is_better_;
};

// Operators that make `blob` one int64.
void AddInteger(const std::string& blob, int64_t value, NetBuilder* net);

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_EARLY_STOP_NETS_H_
