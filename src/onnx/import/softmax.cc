// Softmax and its relatives. Until version 12 they work on the rows of a matrix, all dimensions
// from `axis` on; since then along one dimension.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

struct Axis {
  int64_t axis;
  bool is_last;  // known to be: then both rules are one
};

absl::StatusOr<Axis> ReadAxis(NodeImport& node) {
  const int64_t axis = node.Int("axis", node.opset() < 13 ? 1 : -1);
  const std::optional<int> rank = node.Rank(0);
  if (!rank.has_value()) return Axis{axis, axis == -1};
  if (axis < -*rank || axis >= *rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("axis is ", axis, ", but the input has ", *rank, " dimensions"));
  }
  return Axis{axis < 0 ? axis + *rank : axis, axis == -1 || axis == *rank - 1};
}

absl::Status ImportSoftmax(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  DOPPIO_ASSIGN_OR_RETURN(const Axis axis, ReadAxis(node));
  node.Op(axis.is_last || node.opset() < 13 ? "Softmax" : "OnnxSoftmax", {node.Input(0)},
          {node.Output(0)}, {MakeArgument("axis", axis.axis)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Softmax, ImportSoftmax);

// `type` works along one dimension.
absl::Status ImportAlongAxis(NodeImport& node, absl::string_view type) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  DOPPIO_ASSIGN_OR_RETURN(const Axis axis, ReadAxis(node));
  if (axis.is_last || node.opset() >= 13) {
    node.Op(type, {node.Input(0)}, {node.Output(0)}, {MakeArgument("axis", axis.axis)});
    return absl::OkStatus();
  }
  if (axis.axis < 0) return NodeImport::Unsupported("an axis from the back of an unknown rank");
  const std::string matrix = node.NewBlob("matrix");
  const std::string rows = node.NewBlob("rows");
  node.Op("Flatten", {node.Input(0)}, {matrix}, {MakeArgument("axis", axis.axis)});
  node.Op(type, {matrix}, {rows});
  node.Op("ResizeLike", {rows, node.Input(0)}, {node.Output(0)});
  return absl::OkStatus();
}

absl::Status ImportLogSoftmax(NodeImport& node) { return ImportAlongAxis(node, "LogSoftmax"); }
DOPPIO_ONNX_IMPORT(LogSoftmax, ImportLogSoftmax);

absl::Status ImportHardmax(NodeImport& node) { return ImportAlongAxis(node, "Hardmax"); }
DOPPIO_ONNX_IMPORT(Hardmax, ImportHardmax);

}  // namespace
}  // namespace onnx
}  // namespace doppio
