#include "doppio/infer.h"

#include <limits>

#include "doppio/check.h"
#include "src/graph/net_text.h"

namespace doppio {
namespace {

void AddTo(int64_t* total, int64_t more) {
  if (__builtin_add_overflow(*total, more, total)) *total = std::numeric_limits<int64_t>::max();
}

}  // namespace

OpCost& operator+=(OpCost& total, const OpCost& more) {
  AddTo(&total.flops, more.flops);
  AddTo(&total.bytes_read, more.bytes_read);
  AddTo(&total.bytes_written, more.bytes_written);
  AddTo(&total.multiply_adds, more.multiply_adds);
  return total;
}

absl::StatusOr<NetInference> InferNet(const NetDef& net, const BlobInfos& known) {
  NetInference result;
  result.blobs = known;
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& def = net.op(k);
    NetInference::Op op;
    for (const std::string& input : def.input()) op.inputs.push_back(result.blobs[input]);
    op.outputs.resize(def.output_size());
    const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
    if (schema != nullptr) {
      absl::StatusOr<std::vector<TensorInfo>> outputs = schema->Infer(def, op.inputs);
      if (!outputs.ok()) return Annotate(outputs.status(), OpPlace(net, k));
      op.outputs = *std::move(outputs);
      op.cost = schema->Cost(def, op.inputs, op.outputs);
    }
    // Nets inside write blobs of this one, or not; which of them run is not known.
    for (const std::string& name : BlobsOfOp(def).writes) {
      const auto found = result.blobs.find(name);
      if (found != result.blobs.end()) found->second = TensorInfo();
    }
    for (int o = 0; o < def.output_size(); ++o) result.blobs[def.output(o)] = op.outputs[o];
    result.total += op.cost;
    result.ops.push_back(std::move(op));
  }
  return result;
}

}  // namespace doppio
