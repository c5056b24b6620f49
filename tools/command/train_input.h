#ifndef DOPPIO_TOOLS_COMMAND_TRAIN_INPUT_H_
#define DOPPIO_TOOLS_COMMAND_TRAIN_INPUT_H_

// From a command line to what is trained: data, nets, the optimizer.

#include <map>
#include <string>
#include <vector>

#include "doppio/optimizer.h"
#include "doppio/trainer.h"
#include "tools/command/net_input.h"

namespace doppio::tools {

struct TrainInput {
  std::vector<std::string> data;
  std::vector<std::string> test_data;
  int hold_out = 0;  // every so many-th example is tested; 0: none
  std::string test_net;
  std::string loss = "loss";
  std::vector<std::string> metrics;
  std::string optimizer;
  std::string rate;
  std::vector<std::string> settings;  // NAME=VALUE
  std::vector<std::string> parameters;

  void AddOptions(Options* options);
  // Data, nets and what is measured.
  absl::Status Fill(const NetInput& input, TrainerOptions* options) const;

 private:
  absl::Status LoadData(TrainerOptions* options) const;
  absl::Status AddUpdates(const NetInput& input, TrainerOptions* options) const;
};

// What the trained net keeps, as a net that fills it: the tensors that `net` reads, without what it
// is fed.
absl::StatusOr<NetDef> FillsOf(const NetDef& net, const std::map<std::string, Tensor>& fed,
                               const Workspace& workspace);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_TRAIN_INPUT_H_
