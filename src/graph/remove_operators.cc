#include <algorithm>

#include "src/graph/rewriting.h"

namespace doppio {
namespace {

bool IsUnread(const Rewriting& net, const std::string& blob) {
  return net.IsInternal(blob) && net.Readers(blob).empty();
}

bool IsDead(const Rewriting& net, const OperatorDef& op) {
  const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
  if (schema == nullptr || schema->has_side_effects() || op.output_size() == 0) return false;
  for (const Argument& arg : op.arg()) {
    if (arg.has_n() || arg.nets_size() > 0) return false;  // its nets may write anything
  }
  return std::all_of(op.output().begin(), op.output().end(),
                     [&net](const std::string& output) { return IsUnread(net, output); });
}

}  // namespace

bool IsIdentity(const OperatorDef& op) {
  if (op.type() == "StopGradient" || op.type() == "Alias" || op.type() == "EnsureCPUOutput") {
    return true;
  }
  if (op.type() != "Dropout") return false;
  return ArgumentReader(op, OpSchemaRegistry::Schema(op.type())).GetSingleArgument<bool>("is_test");
}

absl::Status RemoveIdentities(Rewriting* net) {
  for (OperatorDef& op : net->ops) {
    if (!IsIdentity(op) || op.input_size() != 1 || op.output_size() == 0) continue;
    const std::string& from = op.input(0);
    const std::string& to = op.output(0);
    // A pinned input may be written again before the output is read.
    bool removable = net->IsInternal(to) && !net->IsPinned(from);
    for (int o = 1; o < op.output_size(); ++o) removable &= IsUnread(*net, op.output(o));
    if (!removable) continue;
    for (int reader : net->Readers(to)) {
      for (std::string& input : *net->ops[reader].mutable_input()) {
        if (input == to) input = from;
      }
    }
    op.clear_type();
  }
  net->Compact();
  return absl::OkStatus();
}

absl::Status RemoveDeadOperators(Rewriting* net) {
  for (bool found = true; found; net->Compact()) {
    found = false;
    for (OperatorDef& op : net->ops) {
      if (!IsDead(*net, op)) continue;
      op.clear_type();
      found = true;
    }
  }
  return absl::OkStatus();
}

}  // namespace doppio
