// Random numbers.

#include <cstring>

#include "absl/strings/str_cat.h"
#include "doppio/op_def.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace onnx {
namespace {

// A seed is a float, of any size.
uint32_t Seed(float seed) {
  uint32_t bits;
  std::memcpy(&bits, &seed, sizeof(bits));
  return bits;
}

// Adds a fill, which draws floats.
void AddDrawn(NodeImport& node, absl::string_view type, const std::vector<std::string>& inputs,
              const std::string& output, const std::vector<Argument>& args) {
  OperatorDef op = CreateOperatorDef(type, node.proto().name(), inputs, {output}, args);
  if (node.HasAttribute("seed")) {
    op.mutable_device_option()->set_random_seed(Seed(node.Float("seed", 0)));
  }
  node.Add(std::move(op));
}

absl::Status AddFill(NodeImport& node, absl::string_view type,
                     const std::vector<std::string>& inputs, DataType dtype,
                     const std::vector<Argument>& args) {
  const std::string drawn = dtype == DataType::kFloat ? node.Output(0) : node.NewBlob("drawn");
  AddDrawn(node, type, inputs, drawn, args);
  if (dtype == DataType::kFloat) return absl::OkStatus();
  if (!IsFloatingPoint(dtype)) {
    return absl::InvalidArgumentError(absl::StrCat("random numbers of ", DataTypeName(dtype)));
  }
  node.Op("Cast", {drawn}, {node.Output(0)}, {MakeArgument("to", static_cast<int>(dtype))});
  return absl::OkStatus();
}

// Of the attribute, or of what the output is to be like.
absl::StatusOr<DataType> ReadType(NodeImport& node, bool is_like) {
  if (node.HasAttribute("dtype")) {
    return DataTypeFromOnnx(static_cast<int32_t>(node.Int("dtype", 0)));
  }
  if (!is_like) return DataType::kFloat;
  const DataType dtype = node.dtype(0);
  if (dtype != DataType::kUndefined) return dtype;
  return NodeImport::Unsupported("neither dtype is given, nor is the type of the input known");
}

absl::Status ImportFill(NodeImport& node, bool is_like, absl::string_view type,
                        std::vector<Argument> args) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, ReadType(node, is_like));
  if (is_like) return AddFill(node, type, {node.Input(0)}, dtype, args);
  if (!node.HasAttribute("shape")) return absl::InvalidArgumentError("shape is missing");
  args.push_back(MakeArgument("shape", node.Ints("shape")));
  return AddFill(node, type, {}, dtype, args);
}

absl::Status ImportNormal(NodeImport& node, bool is_like) {
  return ImportFill(
      node, is_like, "GaussianFill",
      {MakeArgument("mean", node.Float("mean", 0)), MakeArgument("std", node.Float("scale", 1))});
}

absl::Status ImportUniform(NodeImport& node, bool is_like) {
  return ImportFill(
      node, is_like, "UniformFill",
      {MakeArgument("min", node.Float("low", 0)), MakeArgument("max", node.Float("high", 1))});
}

absl::Status ImportRandomNormal(NodeImport& node) { return ImportNormal(node, false); }
DOPPIO_ONNX_IMPORT(RandomNormal, ImportRandomNormal);
absl::Status ImportRandomNormalLike(NodeImport& node) { return ImportNormal(node, true); }
DOPPIO_ONNX_IMPORT(RandomNormalLike, ImportRandomNormalLike);
absl::Status ImportRandomUniform(NodeImport& node) { return ImportUniform(node, false); }
DOPPIO_ONNX_IMPORT(RandomUniform, ImportRandomUniform);
absl::Status ImportRandomUniformLike(NodeImport& node) { return ImportUniform(node, true); }
DOPPIO_ONNX_IMPORT(RandomUniformLike, ImportRandomUniformLike);

// Whether a number drawn from [0, 1) is below the input.
absl::Status ImportBernoulli(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, ReadType(node, true));
  const std::string drawn = node.NewBlob("drawn");
  const std::string is_one = node.NewBlob("is_one");
  AddDrawn(node, "UniformFill", {node.Input(0)}, drawn, {});
  std::string threshold = drawn;
  if (const DataType given = node.dtype(0); given != DataType::kFloat) {
    threshold = node.NewBlob("threshold");
    node.Op("Cast", {drawn}, {threshold}, {MakeArgument("to", static_cast<int>(given))});
  }
  node.Op("LT", {threshold, node.Input(0)}, {is_one});
  node.Op("Cast", {is_one}, {node.Output(0)}, {MakeArgument("to", static_cast<int>(dtype))});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Bernoulli, ImportBernoulli);

}  // namespace
}  // namespace onnx
}  // namespace doppio
