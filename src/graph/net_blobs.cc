// Which blobs a net reads, writes and is asked for.

#include <algorithm>
#include <deque>

#include "absl/container/flat_hash_set.h"
#include "doppio/check.h"
#include "doppio/schema.h"
#include "src/graph/ssa.h"

namespace doppio {
namespace {

using Names = std::vector<absl::string_view>;

bool ReadsAll(const OpSchema* schema) { return schema != nullptr && schema->reads_all_blobs(); }

// One pass over a net and the nets in it, so that deep nesting costs no more than its size.
struct NetBlobs {
  explicit NetBlobs(const NetDef& net) {
    seen_.reserve(static_cast<size_t>(net.op_size()));
    for (const std::string& input : net.external_input()) AddRead(input);
    for (const OperatorDef& op : net.op()) {
      if (HasNets(op)) {
        inner_.push_back(BlobsOfOp(op));
        Add(inner_.back().reads, inner_.back().writes);
        reads_all |= inner_.back().reads_all;
      } else {
        Add(op.input(), op.output());
        reads_all |= ReadsAll(OpSchemaRegistry::Schema(op.type()));
      }
    }
  }

  Names reads;
  Names writes;
  bool reads_all = false;

 private:
  void AddRead(absl::string_view name) {
    if (seen_.insert(name).second) reads.push_back(name);
  }

  template <typename Strings>
  void Add(const Strings& names_read, const Strings& names_written) {
    for (const std::string& name : names_read) AddRead(name);
    seen_.insert(names_written.begin(), names_written.end());
    writes.insert(writes.end(), names_written.begin(), names_written.end());
  }

  absl::flat_hash_set<absl::string_view> seen_;
  std::deque<OpBlobs> inner_;  // they own names
};

}  // namespace

OpBlobs BlobsOfOp(const OperatorDef& op) {
  OpBlobs blobs;
  blobs.reads.assign(op.input().begin(), op.input().end());
  blobs.writes.assign(op.output().begin(), op.output().end());
  const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
  blobs.reads_all = ReadsAll(schema);
  for (const Argument& arg : op.arg()) {
    if (!arg.has_n() && arg.nets_size() == 0) continue;
    const auto view = schema == nullptr ? OpSchema::NetView() : schema->ViewOfNet(op, arg);
    if (!view.sees_outside) continue;
    const absl::flat_hash_set<std::string> own(view.own.begin(), view.own.end());
    const auto add_net = [&](const NetDef& net) {
      const NetBlobs inner(net);
      for (const absl::string_view name : inner.reads) {
        if (!own.contains(name)) blobs.reads.emplace_back(name);
      }
      for (const absl::string_view name : inner.writes) blobs.writes.emplace_back(name);
      blobs.reads_all |= inner.reads_all;
    };
    if (arg.has_n()) add_net(arg.n());
    for (const NetDef& net : arg.nets()) add_net(net);
  }
  return blobs;
}

std::vector<std::string> InputsOfNet(const NetDef& net) {
  const NetBlobs blobs(net);
  return {blobs.reads.begin(), blobs.reads.end()};
}

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
