// Which blobs a net reads, writes and is asked for.

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_set.h"
#include "doppio/check.h"
#include "doppio/schema.h"
#include "src/graph/ssa.h"

namespace doppio {
namespace {

void AddUnique(const std::string& name, absl::flat_hash_set<std::string>* seen,
               std::vector<std::string>* names) {
  if (seen->insert(name).second) names->push_back(name);
}

// One pass over a net and the nets in it, so that deep nesting costs no more than its size.
OpBlobs BlobsOfNet(const NetDef& net) {
  OpBlobs blobs;
  absl::flat_hash_set<std::string> seen;
  for (const std::string& input : net.external_input()) AddUnique(input, &seen, &blobs.reads);
  const auto add = [&](const auto& reads, const auto& writes) {
    for (const std::string& input : reads) AddUnique(input, &seen, &blobs.reads);
    seen.insert(writes.begin(), writes.end());
    blobs.writes.insert(blobs.writes.end(), writes.begin(), writes.end());
  };
  for (const OperatorDef& op : net.op()) {
    if (HasNets(op)) {
      const OpBlobs inner = BlobsOfOp(op);
      add(inner.reads, inner.writes);
    } else {
      add(op.input(), op.output());
    }
  }
  return blobs;
}

}  // namespace

OpBlobs BlobsOfOp(const OperatorDef& op) {
  OpBlobs blobs;
  blobs.reads.assign(op.input().begin(), op.input().end());
  blobs.writes.assign(op.output().begin(), op.output().end());
  const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
  for (const Argument& arg : op.arg()) {
    if (!arg.has_n() && arg.nets_size() == 0) continue;
    const auto view = schema == nullptr ? OpSchema::NetView() : schema->ViewOfNet(op, arg);
    if (!view.sees_outside) continue;
    const absl::flat_hash_set<std::string> own(view.own.begin(), view.own.end());
    const auto add_net = [&](const NetDef& net) {
      const OpBlobs inner = BlobsOfNet(net);
      std::copy_if(inner.reads.begin(), inner.reads.end(), std::back_inserter(blobs.reads),
                   [&](const std::string& name) { return !own.contains(name); });
      blobs.writes.insert(blobs.writes.end(), inner.writes.begin(), inner.writes.end());
    };
    if (arg.has_n()) add_net(arg.n());
    for (const NetDef& net : arg.nets()) add_net(net);
  }
  return blobs;
}

std::vector<std::string> InputsOfNet(const NetDef& net) { return BlobsOfNet(net).reads; }

namespace {

// What an operator makes beside its result, for its gradient or because Caffe2 wants a name for it.
bool IsByProduct(const OperatorDef& op, int output) {
  if (op.type() == "Concat" || op.type() == "DepthConcat") return output == 1;
  const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
  return schema != nullptr && schema->max_outputs() != OpSchema::kMany &&
         output >= std::max(schema->min_outputs(), 1);
}

}  // namespace

std::vector<std::string> OutputsOfNet(const NetDef& net) {
  if (net.external_output_size() > 0) {
    return {net.external_output().begin(), net.external_output().end()};
  }
  // From the end: what is read there is read after the writes that come next.
  absl::flat_hash_set<std::string> from_outside;
  for (const std::string& input : InputsOfNet(net)) from_outside.insert(input);
  absl::flat_hash_set<std::string> taken;  // read later, or written again
  std::vector<std::string> outputs;
  for (int k = net.op_size() - 1; k >= 0; --k) {
    const OperatorDef& op = net.op(k);
    const bool is_last = k == net.op_size() - 1;
    for (int o = op.output_size() - 1; o >= 0; --o) {
      const std::string& blob = op.output(o);
      if (!taken.insert(blob).second) continue;
      if (is_last || (!IsByProduct(op, o) && !from_outside.contains(blob))) outputs.push_back(blob);
    }
    const OpBlobs blobs = BlobsOfOp(op);
    taken.insert(blobs.reads.begin(), blobs.reads.end());
  }
  std::reverse(outputs.begin(), outputs.end());
  return outputs;
}

}  // namespace doppio
