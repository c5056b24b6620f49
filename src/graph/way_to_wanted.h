#ifndef DOPPIO_GRAPH_WAY_TO_WANTED_H_
#define DOPPIO_GRAPH_WAY_TO_WANTED_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/graph/ssa.h"

namespace doppio {

// Which operators and which versions of blobs depend on the blobs whose gradients are wanted:
// gradients have to pass through these, and through no others.
class WayToWanted {
 public:
  WayToWanted(const NetDef& net, const Ssa& ssa, const std::vector<std::string>& wanted);

  bool IsWanted(const std::string& blob) const { return wanted_.count(blob) > 0; }
  bool Leads(int op) const { return ops_[static_cast<size_t>(op)]; }
  bool Leads(const std::string& blob, int version) const {
    return versions_.count({blob, version}) > 0;
  }

 private:
  std::set<std::string> wanted_;
  std::vector<bool> ops_;
  std::set<std::pair<std::string, int>> versions_;
};

}  // namespace doppio

#endif  // DOPPIO_GRAPH_WAY_TO_WANTED_H_
