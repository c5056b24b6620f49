#include "src/graph/way_to_wanted.h"

#include <algorithm>

#include "doppio/check.h"

namespace doppio {

WayToWanted::WayToWanted(const NetDef& net, const Ssa& ssa, const std::vector<std::string>& wanted)
    : wanted_(wanted.begin(), wanted.end()) {
  std::set<std::string> on_way = wanted_;  // what the blobs hold so far
  const auto is_on_way = [&](const std::string& blob) { return on_way.count(blob) > 0; };
  for (const std::string& blob : wanted_) versions_.insert({blob, 0});
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& op = net.op(k);
    // Nets inside read what the operator does not list too, and may leave an output as it was.
    const OpBlobs blobs = BlobsOfOp(op);
    const bool leads =
        std::any_of(blobs.reads.begin(), blobs.reads.end(), is_on_way) ||
        (HasNets(op) && std::any_of(blobs.writes.begin(), blobs.writes.end(), is_on_way));
    ops_.push_back(leads);
    for (const auto& [blob, version] : ssa.ops[static_cast<size_t>(k)].out_version) {
      if (leads || IsWanted(blob)) {
        on_way.insert(blob);
        versions_.insert({blob, version});
      } else {
        on_way.erase(blob);
      }
    }
  }
}

}  // namespace doppio
