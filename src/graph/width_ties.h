#ifndef DOPPIO_GRAPH_WIDTH_TIES_H_
#define DOPPIO_GRAPH_WIDTH_TIES_H_

#include <optional>
#include <string>

#include "doppio/infer.h"

namespace doppio {

struct TiedWidth {
  int64_t channels = 0;
  std::string from;  // in words
  bool is_guess = false;
};

// How many channels output 0 of operator `op` must have for the operators of `net` that follow it,
// as far as `known` blobs tell: it is added to one, or normalised by one. Where nothing tells, a
// convolution with groups is taken to be depthwise.
std::optional<TiedWidth> FindTiedWidth(const NetDef& net, int op, const BlobInfos& known);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_WIDTH_TIES_H_
