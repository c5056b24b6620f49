#ifndef DOPPIO_GRAPH_SSA_H_
#define DOPPIO_GRAPH_SSA_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/net.pb.h"

namespace doppio {

// Whether the operator has nets in its arguments.
bool HasNets(const OperatorDef& def);

// The versions of blobs: which write of a blob each operator of a net reads and makes. A blob that
// is read before it is written has version 0 then; a blob that is first seen as an output has
// version 0 after that write. What nets inside an operator write, and the operator does not list,
// counts as its outputs do.
struct Ssa {
  explicit Ssa(const NetDef& net);

  struct Op {
    std::map<std::string, int> in_version;
    std::map<std::string, int> out_version;
  };
  std::vector<Op> ops;
  std::map<std::string, int> frontier;  // the last version of each blob
  // Whether version 0 of a blob is what it held before the net.
  bool IsFromOutside(const std::string& blob) const { return from_outside.count(blob) > 0; }
  std::set<std::string> from_outside;
  // Operators that read a version of a blob, in order, once for each time it is among their inputs.
  std::map<std::string, std::map<int, std::vector<int>>> usages;
};

}  // namespace doppio

#endif  // DOPPIO_GRAPH_SSA_H_
