#include "ops/rnn/recurrent_arguments.h"

namespace doppio {

RecurrentArguments::RecurrentArguments(OperatorInit* init)
    : timestep(init->GetSingleArgument<std::string>("timestep")),
      states(init->GetRepeatedArgument<std::string>("recurrent_states")),
      initial_ids(init->GetRepeatedArgument<int64_t>("initial_recurrent_state_ids")) {
  if (states.size() != initial_ids.size()) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("there are ", states.size(), " recurrent_states, but ", initial_ids.size(),
                     " initial_recurrent_state_ids")));
    initial_ids.resize(states.size());
  }
  const auto src = init->GetRepeatedArgument<std::string>("alias_src");
  const auto dst = init->GetRepeatedArgument<std::string>("alias_dst");
  const auto offset = init->GetRepeatedArgument<int64_t>("alias_offset");
  if (src.size() != offset.size() || dst.size() != offset.size()) {
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("alias_src, alias_dst and alias_offset must be as long, but have ", src.size(),
                     ", ", dst.size(), " and ", offset.size(), " elements")));
  } else {
    for (size_t i = 0; i < src.size(); ++i) aliases.push_back({src[i], dst[i], offset[i]});
  }
  for (const Alias& alias : aliases) {
    if (alias.src == alias.dst) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("blob \"", alias.src, "\" is an alias of itself")));
    }
  }
  const Argument* backward = init->Find("backward_step_net");
  has_backward = backward != nullptr && (backward->has_n() || !backward->s().empty());
}

void StateRecurrentArguments(OpSchema& schema) {
  using Strings = std::vector<std::string>;
  using Ints = std::vector<int64_t>;
  schema.AnyArg("step_net", "the net, in `n`, or as text in `s`")
      .AnyArg("backward_step_net", "its gradient net, likewise; without one there is no gradient")
      .Arg<std::string>("timestep", "blob that holds the step's number, one int32", "timestep")
      .OptionalArg<Strings>("link_internal", "blobs of the step net")
      .OptionalArg<Strings>("link_external", "blobs outside whose rows they are")
      .OptionalArg<Ints>("link_offset", "where the rows begin, seen from the step's number")
      .OptionalArg<Ints>("link_window", "how many rows; 1 each where it is left out")
      .OptionalArg<Strings>("recurrent_states", "blobs outside that hold the states of all steps")
      .OptionalArg<Ints>("initial_recurrent_state_ids", "the inputs that states begin as")
      .OptionalArg<Strings>("alias_src", "states")
      .OptionalArg<Strings>("alias_dst", "outputs that are rows of those")
      .OptionalArg<Ints>("alias_offset", "the first of those rows")
      .OptionalArg<Ints>("outputs_with_grads", "outputs whose gradients are given")
      .OptionalArg<Ints>("param", "inputs that are parameters, and get a gradient")
      .OptionalArg<Strings>("param_grads",
                            "names of their gradients in the backward net, where they are others")
      .OptionalArg<Strings>("backward_link_internal", "as link_internal, in the backward net")
      .OptionalArg<Strings>("backward_link_external", "as link_external, in the backward net")
      .OptionalArg<Ints>("backward_link_offset", "as link_offset, in the backward net")
      .OptionalArg<Strings>("recompute_blobs_on_backward",
                            "blobs of the step net that the backward net computes once more")
      .Arg<int64_t>("num_workspaces", "workspaces of steps without a backward net", 2)
      .Arg<bool>("enable_rnn_executor",
                 "Caffe2's wish for steps side by side; results are the same, and doppio runs "
                 "them one after the other",
                 false);
}

std::vector<OperatorDef> ApplyLinks(const std::vector<Link>& links, const std::string& timestep) {
  std::vector<OperatorDef> ops;
  for (const Link& link : links) ops.push_back(MakeApplyLink(link, timestep));
  return ops;
}

void PrependOps(std::vector<OperatorDef> ops, NetDef* net) {
  ops.insert(ops.end(), net->op().begin(), net->op().end());
  net->clear_op();
  for (OperatorDef& op : ops) *net->add_op() = std::move(op);
}

}  // namespace doppio
