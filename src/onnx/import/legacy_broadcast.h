#ifndef DOPPIO_ONNX_IMPORT_LEGACY_BROADCAST_H_
#define DOPPIO_ONNX_IMPORT_LEGACY_BROADCAST_H_

#include <vector>

#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {

// Before version 7 shapes were broadcast when asked for, along an axis, as Caffe2 does it with the
// same arguments; since then always, by NumPy's rules.
inline std::vector<Argument> LegacyBroadcast(NodeImport& node) {
  if (node.opset() >= 7) return {};
  const int64_t axis = node.Int("axis", -1);  // -1: so that the shapes end together
  if (node.Int("broadcast", 0) == 0) return {};
  return {MakeArgument("broadcast", true), MakeArgument("axis", axis)};
}

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_LEGACY_BROADCAST_H_
