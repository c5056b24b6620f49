#ifndef DOPPIO_OPTIMIZE_H_
#define DOPPIO_OPTIMIZE_H_

// Rewriting a net so that it gives the same results sooner and in less memory. Only what the caller
// asks for has to exist after a run, which is what makes it possible; Predictor (predictor.h) does
// all of this.
//
//   DOPPIO_ASSIGN_OR_RETURN(OptimizedNet optimized, OptimizeNet(net, {{"data"}, {"prob"}},
//   &weights)); weights.RunNetOnce(optimized.prepare);
//   ... create optimized.net in a workspace that sees `weights`, and run it
//
// Threads: all functions may be called from many at once, with a workspace of weights each.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/blob.h"
#include "doppio/infer.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

struct OptimizeOptions {
  // Blobs that are fed, and may have another value in every run.
  std::vector<std::string> inputs;
  // Blobs that must exist, as tensors, after a run.
  std::vector<std::string> outputs;
  // Whether convolutions of 3 x 3 may be computed by Winograd's algorithm where it is faster: less
  // than half of the multiplications, more memory for weights, and a larger rounding error
  // (docs/performance.md).
  bool winograd = true;
};

struct OptimizedNet {
  NetDef prepare;  // to be run once where the weights are, before the first run of `net`
  NetDef net;
  // Blobs that the net as it was given does not have, and the one there that each was made from.
  std::map<std::string, std::string> made_from;
};

// Rewrites `net`. Tensors of `weights` that are no inputs and that the net does not write are taken
// to be constant. What is computed from them here (a batch normalisation folded into the
// convolution before it) is put into `weights` under new names; nothing there is changed. Results
// differ by rounding alone. An operator that has side effects, or that is not known, stays what it
// is; so do all blobs that nets inside operators (If, While) use.
absl::StatusOr<OptimizedNet> OptimizeNet(const NetDef& net, const OptimizeOptions& options,
                                         BlobScope* weights);

// Those types, and what OptimizeNet may put in the place of operators of them.
std::set<std::string> TypesAfterOptimizing(std::set<std::string> types);

struct MemoryPlan {
  NetDef net;
  // Bytes of all tensors that the net makes, before and after, as far as sizes are known.
  int64_t bytes_before = 0;
  int64_t bytes_after = 0;
  // The net may fail with inputs of other shapes or types than `known` said: an operator writes in
  // place of an operand that has the shape of the result, and would not if it were broadcast.
  bool for_these_shapes = false;
};

// Gives blobs that never live at the same time one name, so that they share a buffer. `known` says
// what is known of the net's inputs and weights. Blobs of `keep` (what is fed and fetched) keep
// their names and share with nobody. `for_any_shapes` asks for a net that works with other shapes
// too; it may take more memory.
absl::StatusOr<MemoryPlan> PlanMemory(const NetDef& net, const BlobInfos& known,
                                      const std::vector<std::string>& keep,
                                      bool for_any_shapes = false);

}  // namespace doppio

#endif  // DOPPIO_OPTIMIZE_H_
