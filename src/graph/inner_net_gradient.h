#ifndef DOPPIO_GRAPH_INNER_NET_GRADIENT_H_
#define DOPPIO_GRAPH_INNER_NET_GRADIENT_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/gradient.h"

namespace doppio {

// The gradient of a net that an operator runs: what the maker of that operator's gradient builds
// its own net of.
struct NetGradient {
  // The gradient operators, which run where the net has run. They write to no blob of that net,
  // scopes excepted, nor to a gradient that was given.
  std::vector<OperatorDef> ops;
  // Of the values that blobs had before the net, as far as the targets depend on them.
  std::map<std::string, GradientWrapper> before;
  // Blobs that the net may leave as they were although no operator in it lists them as inputs: the
  // gradient of what they hold afterwards is one of what they held before too, and is not in
  // `before`.
  std::set<std::string> kept;
  // Blobs that `ops` read before they write them and that must hold what the net left there, or
  // what was given. Other inputs of theirs are there for the names' sake.
  std::set<std::string> reads;
  // Scopes that `ops` give back as the net found them.
  std::set<std::string> restored;
};

// The rule and the errors of AddGradientOperators. Targets come with their gradients.
absl::StatusOr<NetGradient> GradientOfInnerNet(const NetDef& net,
                                               const std::vector<GradientTarget>& targets);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_INNER_NET_GRADIENT_H_
