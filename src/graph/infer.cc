#include "doppio/infer.h"

#include <limits>

#include "doppio/check.h"
#include "src/graph/infer_op.h"
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

OpInference InferOp(const OperatorDef& def, const OpSchema* schema,
                    const std::vector<TensorInfo>& inputs) {
  OpInference result;
  result.outputs.resize(def.output_size());
  // Inference functions count on what they read and write.
  if (schema == nullptr || def.input_size() < schema->min_inputs() ||
      def.input_size() > schema->max_inputs() || def.output_size() > schema->max_outputs()) {
    return result;
  }
  const bool is_well_defined = schema->Verify(def).ok();
  OperatorDef completed;
  const bool lacks_outputs = def.output_size() < schema->min_outputs();
  if (lacks_outputs) completed = def;
  while (lacks_outputs && completed.output_size() < schema->min_outputs()) {
    completed.add_output(absl::StrCat("missing output ", completed.output_size()));
  }
  absl::StatusOr<std::vector<TensorInfo>> outputs =
      schema->Infer(lacks_outputs ? completed : def, inputs);
  if (outputs.ok()) {
    result.outputs = *std::move(outputs);
    result.outputs.resize(def.output_size());
    if (is_well_defined) result.cost = schema->Cost(def, inputs, result.outputs);
  } else if (is_well_defined) {
    result.status = outputs.status();
  }
  return result;
}

absl::StatusOr<NetInference> InferNet(const NetDef& net, const BlobInfos& known) {
  const TensorInfo nothing;  // by name: gcc 12 takes a temporary for uninitialized (preset tsan)
  NetInference result;
  result.blobs = known;
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& def = net.op(k);
    NetInference::Op op;
    for (const std::string& input : def.input()) op.inputs.push_back(result.blobs[input]);
    OpInference inferred = InferOp(def, OpSchemaRegistry::Schema(def.type()), op.inputs);
    if (!inferred.status.ok()) return Annotate(inferred.status, OpPlace(net, k));
    op.outputs = std::move(inferred.outputs);
    op.cost = inferred.cost;
    // Nets inside write blobs of this one, or not; which of them run is not known.
    for (const std::string& name : BlobsOfOp(def).writes) {
      const auto found = result.blobs.find(name);
      if (found != result.blobs.end()) found->second = nothing;
    }
    for (int o = 0; o < def.output_size(); ++o) result.blobs[def.output(o)] = op.outputs[o];
    result.total += op.cost;
    result.ops.push_back(std::move(op));
  }
  return result;
}

}  // namespace doppio
