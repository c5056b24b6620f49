#include "src/graph/ssa.h"

#include <algorithm>

#include "doppio/check.h"

namespace doppio {
namespace {

// What it lists, and then what the nets in it write besides.
std::vector<std::string> WritesOf(const OperatorDef& def) {
  std::vector<std::string> writes(def.output().begin(), def.output().end());
  if (HasNets(def)) {
    std::vector<std::string> inner = BlobsOfOp(def).writes;
    std::sort(inner.begin(), inner.end());
    inner.erase(std::unique(inner.begin(), inner.end()), inner.end());
    for (std::string& blob : inner) {
      if (std::find(def.output().begin(), def.output().end(), blob) == def.output().end()) {
        writes.push_back(std::move(blob));
      }
    }
  }
  return writes;
}

}  // namespace

bool HasNets(const OperatorDef& def) {
  return std::any_of(def.arg().begin(), def.arg().end(),
                     [](const Argument& arg) { return arg.has_n() || arg.nets_size() > 0; });
}

Ssa::Ssa(const NetDef& net) {
  for (const OperatorDef& def : net.op()) {
    Op op;
    for (const std::string& input : def.input()) {
      const auto [known, is_unknown] = frontier.try_emplace(input, 0);
      if (is_unknown) from_outside.insert(input);
      const int version = known->second;
      op.in_version[input] = version;
      usages[input][version].push_back(static_cast<int>(ops.size()));
    }
    for (const std::string& output : WritesOf(def)) {
      const auto [found, is_new] = frontier.try_emplace(output, 0);
      if (!is_new) ++found->second;
      op.out_version[output] = found->second;
    }
    ops.push_back(std::move(op));
  }
}

}  // namespace doppio
