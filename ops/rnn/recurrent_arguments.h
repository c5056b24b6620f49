#ifndef DOPPIO_OPS_RNN_RECURRENT_ARGUMENTS_H_
#define DOPPIO_OPS_RNN_RECURRENT_ARGUMENTS_H_

#include <string>
#include <vector>

#include "doppio/op_def.h"
#include "ops/rnn/step_net.h"

namespace doppio {

// Blob `dst` is the rows of `src` from `offset` on.
struct Alias {
  std::string src;
  std::string dst;
  int64_t offset;
};

// The arguments of RecurrentNetwork, which its gradient gets too.
struct RecurrentArguments {
  explicit RecurrentArguments(OperatorInit* init);

  std::string timestep;
  std::vector<std::string> states;
  std::vector<int64_t> initial_ids;  // which input each state begins as
  std::vector<Alias> aliases;
  bool has_backward;
};

// States the arguments of both.
void StateRecurrentArguments(OpSchema& schema);

// Of nets that only ever see blobs of steps that have run: what they need from outside are inputs
// of their operator.
inline OpSchema::NetView ViewOfBackwardStep() {
  OpSchema::NetView view;
  view.sees_outside = false;
  view.own_is_complete = false;
  return view;
}

std::vector<OperatorDef> ApplyLinks(const std::vector<Link>& links, const std::string& timestep);
void PrependOps(std::vector<OperatorDef> ops, NetDef* net);

}  // namespace doppio

#endif  // DOPPIO_OPS_RNN_RECURRENT_ARGUMENTS_H_
