#ifndef DOPPIO_INFER_H_
#define DOPPIO_INFER_H_

// Shapes and types of all blobs of a net, without running it.
//
// Threads: all functions may be called from many at once.

#include <map>
#include <string>
#include <vector>

#include "doppio/schema.h"

namespace doppio {

using BlobInfos = std::map<std::string, TensorInfo>;

struct NetInference {
  BlobInfos blobs;  // after the last operator; what is not known is left unknown
  struct Op {
    std::vector<TensorInfo> inputs;
    std::vector<TensorInfo> outputs;
    OpCost cost;
  };
  std::vector<Op> ops;
  OpCost total;
};

// Totals of nets that nobody could run stop at the largest number.
OpCost& operator+=(OpCost& total, const OpCost& more);

// `known` says what is known of the net's inputs; values of constant inputs help (Expand needs
// `shape`). Blobs filled by init nets are known when those nets were inferred first and their
// `blobs` are given here. Errors: shapes that can not go together, with the operator's place.
// Operators that do not exist, or that CheckNet (check.h) would refuse, leave unknown what can not
// be told all the same.
absl::StatusOr<NetInference> InferNet(const NetDef& net, const BlobInfos& known);

}  // namespace doppio

#endif  // DOPPIO_INFER_H_
