#ifndef DOPPIO_ONNX_IMPORT_PRODUCT_H_
#define DOPPIO_ONNX_IMPORT_PRODUCT_H_

#include <string>

#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {

// y = the product of blobs a and b by NumPy's rules. Their ranks are those of inputs 0 and
// `b_input`.
absl::Status AddMatMul(NodeImport& node, int b_input, const std::string& a, const std::string& b,
                       const std::string& y);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_PRODUCT_H_
