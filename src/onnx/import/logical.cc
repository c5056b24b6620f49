// Truth values, comparisons, bits and types.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/legacy_broadcast.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/import/wider_type.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

absl::Status ImportPair(NodeImport& node, absl::string_view type) {
  const std::vector<Argument> args = LegacyBroadcast(node);
  node.Op(type, {node.Input(0), node.Input(1)}, {node.Output(0)}, args);
  return absl::OkStatus();
}
absl::Status ImportAnd(NodeImport& node) { return ImportPair(node, "And"); }
absl::Status ImportOr(NodeImport& node) { return ImportPair(node, "Or"); }
absl::Status ImportXor(NodeImport& node) { return ImportPair(node, "Xor"); }
absl::Status ImportEqual(NodeImport& node) { return ImportPair(node, "EQ"); }
absl::Status ImportLess(NodeImport& node) { return ImportPair(node, "LT"); }
absl::Status ImportLessOrEqual(NodeImport& node) { return ImportPair(node, "LE"); }
absl::Status ImportGreater(NodeImport& node) { return ImportPair(node, "GT"); }
absl::Status ImportGreaterOrEqual(NodeImport& node) { return ImportPair(node, "GE"); }
DOPPIO_ONNX_IMPORT(And, ImportAnd);
DOPPIO_ONNX_IMPORT(Or, ImportOr);
DOPPIO_ONNX_IMPORT(Xor, ImportXor);
DOPPIO_ONNX_IMPORT(Equal, ImportEqual);
DOPPIO_ONNX_IMPORT(Less, ImportLess);
DOPPIO_ONNX_IMPORT(LessOrEqual, ImportLessOrEqual);
DOPPIO_ONNX_IMPORT(Greater, ImportGreater);
DOPPIO_ONNX_IMPORT(GreaterOrEqual, ImportGreaterOrEqual);

absl::Status ImportNot(NodeImport& node) { return ImportAs(node, "Not"); }
DOPPIO_ONNX_IMPORT(Not, ImportNot);

// NaN alone differs from itself. (Caffe2's IsNaN gives numbers.)
absl::Status ImportIsNaN(NodeImport& node) {
  node.Op("NE", {node.Input(0), node.Input(0)}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(IsNaN, ImportIsNaN);

absl::Status ImportIsInf(NodeImport& node) {
  return ImportAs(node, "IsInf", {"detect_negative", "detect_positive"});
}
DOPPIO_ONNX_IMPORT(IsInf, ImportIsInf);

absl::Status ImportBitShift(NodeImport& node) {
  node.Op("BitShift", {node.Input(0), node.Input(1)}, {node.Output(0)},
          {MakeArgument("direction", node.String("direction", ""))});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(BitShift, ImportBitShift);

absl::Status ImportWhere(NodeImport& node) {
  bool has_one_shape = true;
  for (int i = 0; i < 3; ++i) {
    const std::optional<Dims>& dims = node.Info(node.Input(i)).dims;
    has_one_shape = has_one_shape && dims.has_value() && dims == node.Info(node.Input(0)).dims;
  }
  node.Op(has_one_shape ? "Where" : "OnnxWhere", node.Inputs(), {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Where, ImportWhere);

absl::Status AddCast(NodeImport& node, DataType to) {
  if (node.dtype(0) == DataType::kString || to == DataType::kString) {
    if (node.dtype(0) == to) {
      node.Op("Copy", {node.Input(0)}, {node.Output(0)});
      return absl::OkStatus();
    }
    return node.Unsupported("casts from and to strings");
  }
  node.Op("Cast", {node.Input(0)}, {node.Output(0)}, {CastTo(to)});
  return absl::OkStatus();
}

absl::Status ImportCast(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType to,
                          DataTypeFromOnnx(static_cast<int32_t>(node.Int("to", 0))));
  return AddCast(node, to);
}
DOPPIO_ONNX_IMPORT(Cast, ImportCast);

absl::Status ImportCastLike(NodeImport& node) {
  const DataType to = node.dtype(1);
  if (to == DataType::kUndefined) {
    return node.Unsupported("the type of input 1 is not known before the net runs");
  }
  return AddCast(node, to);
}
DOPPIO_ONNX_IMPORT(CastLike, ImportCastLike);

}  // namespace
}  // namespace onnx
}  // namespace doppio
