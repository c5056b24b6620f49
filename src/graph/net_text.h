#ifndef DOPPIO_GRAPH_NET_TEXT_H_
#define DOPPIO_GRAPH_NET_TEXT_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "doppio/op_def.h"

namespace doppio {

// How error messages name places: `net "demo"`, and `net "demo", op 0 Expand(X, shape) -> Y`.
inline std::string NetPlace(const NetDef& net) { return absl::StrCat("net \"", net.name(), "\""); }

// Without its index where that is -1.
inline std::string OpPlace(const NetDef& net, int index, const OperatorDef& op) {
  return absl::StrCat(NetPlace(net), ", op ", index < 0 ? "" : absl::StrCat(index, " "),
                      op.name().empty() ? "" : absl::StrCat("\"", op.name(), "\" "),
                      OpToString(op));
}

inline std::string OpPlace(const NetDef& net, int index) {
  return OpPlace(net, index, net.op(index));
}

}  // namespace doppio

#endif  // DOPPIO_GRAPH_NET_TEXT_H_
