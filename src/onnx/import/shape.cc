// Elements that change their place or get another shape.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "src/onnx/import/ints_given.h"
#include "src/onnx/import/node_import.h"
#include "src/onnx/import/slice.h"
#include "src/onnx/import/wider_type.h"

namespace doppio {
namespace onnx {
namespace {

using Ints = std::vector<int64_t>;

bool AreNotNegative(const Ints& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t value) { return value >= 0; });
}

// The axes counted from the front, where that can be told: of a tensor of that rank, if it is
// known.
std::optional<Ints> FromFront(const std::optional<Ints>& axes, std::optional<int> rank) {
  if (!axes.has_value() || (!rank.has_value() && !AreNotNegative(*axes))) return std::nullopt;
  Ints result = *axes;
  for (int64_t& axis : result) axis += axis < 0 ? *rank : 0;
  // What is out of range is refused by the operator that counts from both ends.
  if (!AreNotNegative(result)) return std::nullopt;
  return result;
}

// In Caffe2's Reshape 0 keeps a size, as in ONNX's without allowzero.
absl::Status ImportReshape(NodeImport& node) {
  const bool allows_zero = node.Int("allowzero", 0) != 0;
  const std::optional<Ints> shape = node.KnownInts(1);
  const bool has_zeros =
      !shape.has_value() || std::find(shape->begin(), shape->end(), 0) != shape->end();
  if (allows_zero && has_zeros) {
    node.Op("OnnxReshape", {node.Input(0), node.Input(1)}, {node.Output(0)});
  } else if (shape.has_value()) {
    node.Op("Reshape", {node.Input(0)}, {node.Output(0)}, {MakeArgument("shape", *shape)});
  } else {
    node.Op("Reshape", {node.Input(0), node.Input(1)}, {node.Output(0)});
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Reshape, ImportReshape);

absl::Status ImportSqueeze(NodeImport& node) {
  const IntsGiven axes = IntsGiven::Of(node, "axes", 1);
  if (!axes.is_given) {
    node.Op("OnnxSqueeze", {node.Input(0)}, {node.Output(0)});
    return absl::OkStatus();
  }
  const std::optional<Ints> dims = FromFront(axes.values, node.Rank(0));
  if (dims.has_value() && !dims->empty()) {
    node.Op("Squeeze", {node.Input(0)}, {node.Output(0)}, {MakeArgument("dims", *dims)});
  } else {
    node.Op("OnnxSqueeze", {node.Input(0), axes.Blob(node, "axes")}, {node.Output(0)});
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Squeeze, ImportSqueeze);

absl::Status ImportUnsqueeze(NodeImport& node) {
  const IntsGiven axes = IntsGiven::Of(node, "axes", 1);
  if (!axes.is_given) return absl::InvalidArgumentError("there are no axes");
  std::optional<int> rank = node.Rank(0);  // of the output
  if (rank.has_value() && axes.values.has_value()) *rank += static_cast<int>(axes.values->size());
  std::optional<Ints> dims = FromFront(axes.values, rank);
  if (dims.has_value()) {
    std::sort(dims->begin(), dims->end());
    // Caffe2 counts repeated ones once.
    const bool is_distinct = std::adjacent_find(dims->begin(), dims->end()) == dims->end();
    if (dims->empty() || !is_distinct) dims.reset();
  }
  if (dims.has_value()) {
    node.Op("ExpandDims", {node.Input(0)}, {node.Output(0)}, {MakeArgument("dims", *dims)});
  } else {
    node.Op("OnnxUnsqueeze", {node.Input(0), axes.Blob(node, "axes")}, {node.Output(0)});
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Unsqueeze, ImportUnsqueeze);

absl::Status ImportFlatten(NodeImport& node) {
  const int64_t axis = node.Int("axis", 1);
  const std::optional<Ints> from_front = FromFront(Ints{axis}, node.Rank(0));
  if (!from_front.has_value()) {
    return node.Unsupported(absl::StrCat("axis ", axis, " of a tensor whose rank is not known"));
  }
  node.Op("Flatten", {node.Input(0)}, {node.Output(0)},
          {MakeArgument("axis", from_front->front())});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Flatten, ImportFlatten);

absl::Status ImportTranspose(NodeImport& node) {
  const Ints axes = node.Ints("perm");
  std::vector<Argument> args;
  if (!axes.empty()) args.push_back(MakeArgument("axes", axes));
  node.Op("Transpose", {node.Input(0)}, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Transpose, ImportTranspose);

absl::Status ImportConcat(NodeImport& node) {
  if (!node.HasAttribute("axis")) return absl::InvalidArgumentError("there is no axis");
  node.Op("Concat", node.Inputs(), {node.Output(0), node.NewBlob("sizes")},
          {MakeArgument("axis", node.Int("axis", 0))});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Concat, ImportConcat);

absl::Status ImportSplit(NodeImport& node) {
  const IntsGiven split = IntsGiven::Of(node, "split", 1);
  std::vector<Argument> args = {MakeArgument("axis", node.Int("axis", 0))};
  std::vector<std::string> inputs = {node.Input(0)};
  if (split.values.has_value()) {
    if (static_cast<int>(split.values->size()) != node.OutputSize()) {
      return absl::InvalidArgumentError(absl::StrCat(split.values->size(), " parts are given for ",
                                                     node.OutputSize(), " outputs"));
    }
    args.push_back(MakeArgument("split", *split.values));
  } else if (split.is_given) {
    inputs.push_back(split.blob);
  }
  // An output that nobody wants is a part all the same.
  std::vector<std::string> outputs;
  for (int i = 0; i < node.OutputSize(); ++i) outputs.push_back(node.Output(i));
  node.Op("Split", inputs, outputs, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Split, ImportSplit);

// Since version 10 all are inputs, and there are steps.
absl::Status ImportSlice(NodeImport& node) {
  const IntsGiven starts = IntsGiven::Of(node, "starts", 1);
  const IntsGiven ends = IntsGiven::Of(node, "ends", 2);
  const IntsGiven axes = IntsGiven::Of(node, "axes", 3);
  const IntsGiven steps = IntsGiven::Of(node, "steps", 4);
  if (!starts.is_given || !ends.is_given) {
    return absl::InvalidArgumentError("starts or ends are missing");
  }
  return AddSlice(node, node.Input(0), starts, ends, axes, steps, node.Output(0));
}
DOPPIO_ONNX_IMPORT(Slice, ImportSlice);

// Caffe2's Expand goes by the same rule; -1, which it takes beside sizes, ONNX does not know.
absl::Status ImportExpand(NodeImport& node) {
  if (const std::optional<Ints> shape = node.KnownInts(1); shape && !AreNotNegative(*shape)) {
    return absl::InvalidArgumentError("a size is negative");
  }
  return ImportAs(node, "Expand");
}
DOPPIO_ONNX_IMPORT(Expand, ImportExpand);

absl::Status ImportTile(NodeImport& node) {
  node.Op("NumpyTile", {node.Input(0), node.Input(1)}, {node.Output(0)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Tile, ImportTile);

// Until version 11 the borders, and what they are made of, are attributes.
absl::Status ImportPad(NodeImport& node) {
  const std::vector<Argument> args = {MakeArgument("mode", node.String("mode", "constant"))};
  if (node.opset() >= 11) {
    node.Op("Pad", node.Inputs(), {node.Output(0)}, args);
    return absl::OkStatus();
  }
  if (!node.HasAttribute("pads")) return absl::InvalidArgumentError("there are no pads");
  std::vector<std::string> inputs = {node.Input(0), node.ConstantInts("pads", node.Ints("pads"))};
  if (const float value = node.Float("value", 0); value != 0) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor scalar, Tensor::Scalar<float>(value));
    const std::string fill = node.Constant("value", std::move(scalar));
    inputs.push_back(fill);
    if (node.dtype(0) != DataType::kFloat && node.dtype(0) != DataType::kUndefined) {
      inputs.back() = node.NewBlob("value");
      node.Op("Cast", {fill}, {inputs.back()}, {CastTo(node.dtype(0))});
    }
  }
  node.Op("Pad", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Pad, ImportPad);

// Since version 15 a part of it.
absl::Status ImportShape(NodeImport& node) {
  const int64_t start = node.Int("start", 0);
  const int64_t end = node.Int("end", std::numeric_limits<int64_t>::max());
  if (start == 0 && !node.HasAttribute("end")) {
    node.Op("Shape", {node.Input(0)}, {node.Output(0)});
    return absl::OkStatus();
  }
  const std::string shape = node.NewBlob("shape");
  node.Op("Shape", {node.Input(0)}, {shape});
  return AddSlice(node, shape, {true, Ints{start}, ""}, {true, Ints{end}, ""}, {}, {},
                  node.Output(0));
}
DOPPIO_ONNX_IMPORT(Shape, ImportShape);

absl::Status ImportSize(NodeImport& node) { return ImportAs(node, "Size"); }
DOPPIO_ONNX_IMPORT(Size, ImportSize);

}  // namespace
}  // namespace onnx
}  // namespace doppio
