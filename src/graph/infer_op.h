#ifndef DOPPIO_GRAPH_INFER_OP_H_
#define DOPPIO_GRAPH_INFER_OP_H_

#include <vector>

#include "doppio/schema.h"

namespace doppio {

// What inference tells about the outputs of one operator of a net. An operator that does not exist,
// or whose definition breaks its schema's rules, leaves unknown what can not be told all the same:
// CheckNet has something to say about it, and it must not end the inference of the whole net.
struct OpInference {
  std::vector<TensorInfo> outputs;
  absl::Status status;  // of an operator that is well defined: what does not go together
  OpCost cost;
};
OpInference InferOp(const OperatorDef& def, const OpSchema* schema,
                    const std::vector<TensorInfo>& inputs);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_INFER_OP_H_
