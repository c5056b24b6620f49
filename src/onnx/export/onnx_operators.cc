// Operators that are ONNX's own (ops/onnx), which a net has that was read from ONNX.

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "doppio/op_def.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

// An operator whose inputs, outputs and arguments are those of a node.
struct OwnOperator {
  const char* type;
  const char* node;
  int since;  // the first opset that has the node with all of its types
  const char* late_argument = "";
  int late_since = 0;  // that has this argument
};
constexpr OwnOperator kOwn[] = {
    {"BitShift", "BitShift", 11},
    {"Compress", "Compress", 11},
    {"CumSum", "CumSum", 11},
    {"Det", "Det", 11},
    {"Einsum", "Einsum", 12},
    {"GatherElements", "GatherElements", 11},
    {"GatherND", "GatherND", 12},
    {"GridSample", "GridSample", 16},
    {"Hardmax", "Hardmax", 13},
    {"IsInf", "IsInf", 10},
    {"LogSoftmax", "LogSoftmax", 13},
    {"NonZero", "NonZero", 9},
    {"OnnxGather", "Gather", 11},
    {"OnnxMax", "Max", 12},
    {"OnnxMin", "Min", 12},
    {"OnnxMod", "Mod", 10},
    {"OnnxSoftmax", "Softmax", 13},
    {"OnnxWhere", "Where", 9},
    {"ReverseSequence", "ReverseSequence", 10},
    {"ScatterElements", "ScatterElements", 11, "reduction", 16},
    {"ScatterND", "ScatterND", 11, "reduction", 16},
    {"Shrink", "Shrink", 9},
    {"Trilu", "Trilu", 14},
};

// Those that are given and are not the default.
absl::StatusOr<std::vector<AttributeProto>> AttributesOf(OpExport& op) {
  const OpSchema* schema = OpSchemaRegistry::Schema(op.def().type());
  std::vector<AttributeProto> attributes;
  for (const OpSchema::ArgSpec& spec : schema->args()) {
    if (!op.Has(spec.name)) continue;
    const Argument* fallback = spec.fallback.has_value() ? &*spec.fallback : nullptr;
    switch (spec.type) {
      case OpSchema::ArgType::kInt:
      case OpSchema::ArgType::kBool: {
        const int64_t value = op.Int(spec.name);
        if (fallback != nullptr && fallback->i() == value) break;
        attributes.push_back(MakeAttribute(spec.name, value));
        break;
      }
      case OpSchema::ArgType::kFloat: {
        const float value = op.Float(spec.name);
        if (fallback != nullptr && fallback->f() == value) break;
        attributes.push_back(MakeAttribute(spec.name, value));
        break;
      }
      case OpSchema::ArgType::kString: {
        const std::string value = op.Text(spec.name);
        if (fallback != nullptr && fallback->s() == value) break;
        attributes.push_back(MakeAttribute(spec.name, value));
        break;
      }
      default:
        return op.Unsupported(absl::StrCat("the argument \"", spec.name, "\""));
    }
  }
  return attributes;
}

absl::Status ExportOwn(OpExport& op) {
  const auto own = std::find_if(std::begin(kOwn), std::end(kOwn), [&](const OwnOperator& some) {
    return op.def().type() == some.type;
  });
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<AttributeProto> attributes, AttributesOf(op));
  int since = own->since;
  for (const AttributeProto& attribute : attributes) {
    if (attribute.name() == own->late_argument) since = own->late_since;
  }
  if (op.opset() < since) {
    return op.Unsupported(absl::StrCat("ONNX has it so from opset ", since, " on"));
  }
  std::vector<std::string> inputs = op.inputs();
  if (absl::EndsWith(own->node, "ND")) {  // ONNX's indices are of one type there
    DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(1));
    if (dtype != DataType::kInt64) inputs[1] = Cast(op, inputs[1], DataType::kInt64);
  }
  op.Node(own->node, inputs, attributes, op.Outputs());
  return absl::OkStatus();
}

[[maybe_unused]] const bool own_are_registered = [] {
  for (const OwnOperator& own : kOwn) RegisterOpExporter(own.type, ExportOwn);
  return true;
}();

// What an input has to be stands where the graph declares it.
absl::Status ExportEnforceShape(OpExport& op) {
  op.Arguments({"dtype", "shape"});
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(EnforceShape, ExportEnforceShape);

}  // namespace
}  // namespace onnx
}  // namespace doppio
