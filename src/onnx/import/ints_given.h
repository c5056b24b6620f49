#ifndef DOPPIO_ONNX_IMPORT_INTS_GIVEN_H_
#define DOPPIO_ONNX_IMPORT_INTS_GIVEN_H_

#include <optional>
#include <string>
#include <vector>

#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {

// Whole numbers that old versions of an operator have as an attribute, and new ones as an input.
struct IntsGiven {
  // Not given: no values, and no blob.
  static IntsGiven Of(NodeImport& node, absl::string_view attribute, int input) {
    if (node.HasAttribute(attribute)) return {true, node.Ints(attribute), ""};
    if (!node.HasInput(input)) return {};
    return {true, node.KnownInts(input), node.Input(input)};
  }
  // The blob of the input; one that holds the attribute's values; "" where an input is missing.
  std::string Blob(NodeImport& node, absl::string_view purpose) const {
    return blob.empty() && values.has_value() ? node.ConstantInts(purpose, *values) : blob;
  }

  bool is_given = false;
  std::optional<std::vector<int64_t>> values;  // where they are known before the net runs
  std::string blob;
};

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_INTS_GIVEN_H_
