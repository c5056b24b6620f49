#ifndef DOPPIO_TESTS_SUPPORT_RANDOM_NET_H_
#define DOPPIO_TESTS_SUPPORT_RANDOM_NET_H_

// Nets drawn at random, with values for their inputs, for tests that compare two ways to run a net,
// or its gradient with finite differences:
//
//   RandomNetOptions options;
//   options.in_place = 0.5;
//   const absl::StatusOr<RandomNet> drawn = MakeRandomNet(seed, options);
//   for (const auto& [blob, value] : drawn->feeds) workspace.Feed(blob, DeepCopy(value));
//   workspace.RunNetOnce(drawn->net);
//
// Tensors are tiny. Every operator has run once while the net was drawn, so that a net always runs,
// and its values stay small and within the domains of the functions (no logarithm of 0). The same
// seed and options give the same net.

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "doppio/dtype.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"
#include "doppio/tensor.h"

namespace doppio {

// An operator with values for its inputs, which a net can take in without a recipe for it.
struct OperatorSample {
  OperatorDef def;
  std::vector<std::pair<std::string, Tensor>> feeds;  // by the names in `def`
  // The inputs that a gradient flows to. A net moves them a little, so that they depend on its
  // other blobs.
  std::vector<int> movable;
};

struct RandomNetOptions {
  int min_operators = 3;
  int max_operators = 12;
  DataType type = DataType::kDouble;  // or float
  int max_rank = 3;
  int max_size = 3;
  double ones = 0.4;       // chance that a dimension has the size 1
  double in_place = 0.25;  // chance that an operator overwrites its input where it may
  double fresh = 0.15;     // chance that an operator reads a new external input
  double clashes = 0;      // chance that a blob gets the name of another blob's gradient
  // How far every operator stays from points where its derivative jumps: Relu from 0, the operands
  // of Max from each other (tests/support/kinks.h). 0: anywhere.
  double kink_margin = 0;
  // Those to draw from, each as often as it is named; empty: all of RandomNetOperators().
  std::vector<std::string> operators;
  // Where it is set, a net has one operator that this gives, or two: their inputs are moved by what
  // other operators compute, and others read their outputs.
  std::function<OperatorSample(uint64_t seed)> sample;
};

struct RandomNet {
  NetDef net;  // names no external inputs or outputs
  std::vector<std::pair<std::string, Tensor>> feeds;
  // Feeds that a sample reads as constants, such as labels: they get no gradient.
  std::set<std::string> constants;

  // The net as text and the feeds, for messages.
  std::string ToString() const;
};

// An error where an operator refuses what was drawn for it, or an operator is not known.
absl::StatusOr<RandomNet> MakeRandomNet(uint64_t seed, const RandomNetOptions& options = {});

// The operators that can be drawn, those that should be drawn more often several times.
const std::vector<std::string>& RandomNetOperators();

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_RANDOM_NET_H_
