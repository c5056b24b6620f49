#ifndef DOPPIO_ONNX_IMPORT_SLICE_H_
#define DOPPIO_ONNX_IMPORT_SLICE_H_

#include <string>

#include "src/onnx/import/ints_given.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {

// Adds what slices a blob as ONNX's Slice does: Caffe2's Slice, where that gives the same for every
// shape that it does not refuse, and else OnnxSlice. Axes and steps may be left out.
absl::Status AddSlice(NodeImport& node, const std::string& input, const IntsGiven& starts,
                      const IntsGiven& ends, const IntsGiven& axes, const IntsGiven& steps,
                      const std::string& output);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_SLICE_H_
