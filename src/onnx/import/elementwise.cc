// Elements one by one, with the shapes that NumPy broadcasts.

#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status ImportRelu(NodeImport& node) { return ImportAs(node, "Relu"); }
DOPPIO_ONNX_IMPORT(Relu, ImportRelu);

// Before version 7 shapes were broadcast when asked for, along an axis.
absl::Status ImportAdd(NodeImport& node) {
  return ImportAs(node, "Add",
                  node.opset() < 7 ? std::vector<std::string>{"broadcast", "axis"}
                                   : std::vector<std::string>{});
}
DOPPIO_ONNX_IMPORT(Add, ImportAdd);

}  // namespace
}  // namespace onnx
}  // namespace doppio
