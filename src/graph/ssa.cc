#include "src/graph/ssa.h"

namespace doppio {

Ssa::Ssa(const NetDef& net) {
  for (const OperatorDef& def : net.op()) {
    Op op;
    for (const std::string& input : def.input()) {
      const int version = frontier[input];
      op.in_version[input] = version;
      usages[input][version].push_back(static_cast<int>(ops.size()));
    }
    for (const std::string& output : def.output()) {
      const auto [found, is_new] = frontier.try_emplace(output, 0);
      if (!is_new) ++found->second;
      op.out_version[output] = found->second;
    }
    ops.push_back(std::move(op));
  }
}

}  // namespace doppio
