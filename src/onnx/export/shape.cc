// Elements that get another shape, place or number of copies.

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "src/onnx/export/steps.h"

namespace doppio {
namespace onnx {
namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// An input that holds sizes or places, as ONNX wants them.
absl::StatusOr<std::string> AsInt64(OpExport& op, int input) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(input));
  return dtype == DataType::kInt64 ? op.Input(input) : Cast(op, op.Input(input), DataType::kInt64);
}

absl::Status ExportReshape(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.SetOutput(0, dtype);
  if (op.InputSize() > 1) {
    DOPPIO_ASSIGN_OR_RETURN(const std::string shape, AsInt64(op, 1));
    op.Node("Reshape", {op.Input(0), shape}, {}, op.Output(0));
  } else {
    Reshape(op, op.Input(0), op.Ints("shape"), op.Output(0));
  }
  if (op.IsWanted(1)) op.Node("Shape", {op.Input(0)}, {}, op.Output(1));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Reshape, ExportReshape);

absl::Status ExportResizeLike(OpExport& op) {
  ReshapeLike(op, op.Input(0), op.Input(1), op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ResizeLike, ExportResizeLike);

absl::Status ExportFlatten(OpExport& op) {
  if (op.opset() < 9) {
    DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
    if (!IsFloatingPoint(dtype)) {
      return op.Unsupported("ONNX flattens other types than floats from opset 9 on");
    }
  }
  Flatten(op, op.Input(0), op.Int("axis"), op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Flatten, ExportFlatten);

absl::Status ExportFlattenToVec(OpExport& op) {
  Reshape(op, op.Input(0), {-1}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(FlattenToVec, ExportFlattenToVec);

// The sizes `first`, and then those of input 0 from dimension `from` on.
void ReshapeFront(OpExport& op, const std::vector<int64_t>& first, int64_t from) {
  const std::string rest = Sizes(op, op.Input(0), from, kEnd);
  const std::string shape = Concat(op, {op.Int64s(first), rest}, 0);
  op.Node("Reshape", {op.Input(0), shape}, {}, op.Output(0));
}

absl::Status ExportMergeDim(OpExport& op) {
  ReshapeFront(op, {-1}, 2);
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(MergeDim, ExportMergeDim);

absl::Status ExportPrependDim(OpExport& op) {
  ReshapeFront(op, {op.Int("dim_size"), -1}, 1);
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(PrependDim, ExportPrependDim);

// Sorted, each once.
std::vector<int64_t> ReadDims(OpExport& op) {
  std::vector<int64_t> dims = op.Ints("dims");
  std::sort(dims.begin(), dims.end());
  dims.erase(std::unique(dims.begin(), dims.end()), dims.end());
  return dims;
}

absl::Status ExportExpandDims(OpExport& op) {
  Unsqueeze(op, op.Input(0), ReadDims(op), op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(ExpandDims, ExportExpandDims);

absl::Status ExportSqueeze(OpExport& op) {
  Squeeze(op, op.Input(0), ReadDims(op), op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Squeeze, ExportSqueeze);

absl::Status ExportShape(OpExport& op) {
  if (!op.Has("axes")) {
    op.Node("Shape", {op.Input(0)}, {}, op.Output(0));
    return absl::OkStatus();
  }
  const std::string axes = op.Int64s(op.Ints("axes"));
  op.Node("Gather", {op.Node("Shape", {op.Input(0)}), axes}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Shape, ExportShape);

absl::Status ExportSize(OpExport& op) {
  op.Node("Size", {op.Input(0)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Size, ExportSize);

absl::Status ExportIsEmpty(OpExport& op) {
  const std::string size = op.Node("Size", {op.Input(0)});
  op.Node("Equal", {size, op.Number(0, DataType::kInt64)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(IsEmpty, ExportIsEmpty);

absl::Status ExportTranspose(OpExport& op) {
  const std::vector<int64_t> axes = op.Ints("axes");
  if (axes.empty()) {
    op.Node("Transpose", {op.Input(0)}, {}, op.Output(0));
  } else {
    Transpose(op, op.Input(0), axes, op.Output(0));
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Transpose, ExportTranspose);

absl::Status ExportNCHW2NHWC(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  std::vector<int64_t> axes = {0};
  for (int d = 2; d < rank; ++d) axes.push_back(d);
  axes.push_back(1);
  Transpose(op, op.Input(0), axes, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(NCHW2NHWC, ExportNCHW2NHWC);

absl::Status ExportNHWC2NCHW(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  std::vector<int64_t> axes = {0, rank - 1};
  for (int d = 1; d < rank - 1; ++d) axes.push_back(d);
  Transpose(op, op.Input(0), axes, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(NHWC2NCHW, ExportNHWC2NCHW);

// The channels as [group, K], and then the other way round.
absl::Status ExportChannelShuffle(OpExport& op) {
  const int64_t groups = op.Int("group");
  op.Arguments({"kernel"});  // which old nets have for nothing
  return WithChannelsFirst(op, [&](const std::string& x, const std::string& output) {
    const ValueInfo& info = op.Info(0);
    const int channel_axis = op.IsChannelsLast() ? -1 : 1;
    int64_t channels = -1;
    if (info.dims.has_value() && info.dims->size() > 1) {
      channels = channel_axis == 1 ? (*info.dims)[1] : info.dims->back();
    }
    if (channels < 0) op.Fail(op.Unsupported("the number of its channels is not known"));
    const std::string grouped = Reshape(op, x, {0, groups, channels / groups, -1});
    return ReshapeLike(op, Transpose(op, grouped, {0, 2, 1, 3}), x, output);
  });
}
DOPPIO_ONNX_EXPORT(ChannelShuffle, ExportChannelShuffle);

absl::Status ExportExpand(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.SetOutput(0, dtype);
  std::string shape;
  if (std::optional<std::vector<int64_t>> known = op.KnownInts(1)) {
    std::replace(known->begin(), known->end(), int64_t{-1}, int64_t{1});  // -1 keeps the size
    shape = op.Int64s(*known);
  } else {
    DOPPIO_ASSIGN_OR_RETURN(const std::string given, AsInt64(op, 1));
    const std::string keeps = op.Node("Equal", {given, op.Number(-1, DataType::kInt64)});
    shape = op.Node("Where", {keeps, op.Number(1, DataType::kInt64), given});
  }
  op.Node("Expand", {op.Input(0), shape}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Expand, ExportExpand);

absl::Status ExportTile(OpExport& op) {
  int64_t tiles = op.InputSize() > 1 ? 0 : op.Int("tiles");
  int64_t axis_argument = op.InputSize() > 2 ? 0 : op.Int("axis");
  op.Arguments({"tiles", "axis"});
  for (int i = 1; i < op.InputSize(); ++i) {
    const std::optional<std::vector<int64_t>> known = op.KnownInts(i);
    if (!known.has_value() || known->size() != 1) {
      return op.Unsupported(absl::StrCat("\"", op.def().input(i), "\" is no constant"));
    }
    (i == 1 ? tiles : axis_argument) = (*known)[0];
  }
  DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(axis_argument, 0));
  std::vector<int64_t> repeats(rank, 1);
  repeats[axis] = tiles;
  op.Node("Tile", {op.Input(0), op.Int64s(repeats)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Tile, ExportTile);

absl::Status ExportNumpyTile(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.SetOutput(0, dtype);
  op.Node("Tile", {op.Input(0), op.Input(1)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(NumpyTile, ExportNumpyTile);

// Where Concat and Split work: at `axis`, or else at the channels.
int64_t JoinAxis(OpExport& op) {
  return op.Has("axis") ? op.Int("axis") : op.IsChannelsLast() ? 3 : 1;
}

absl::Status ExportConcat(OpExport& op) {
  const int64_t given = JoinAxis(op);
  const bool adds_axis = op.Has("axis") && op.Flag("add_axis");
  op.Arguments({"add_axis", "order"});
  int64_t axis = given;
  if (given < 0) {
    DOPPIO_ASSIGN_OR_RETURN(const int rank, op.Rank(0));
    DOPPIO_ASSIGN_OR_RETURN(axis, CanonicalAxis(given, rank + (adds_axis ? 1 : 0)));
  }
  std::vector<std::string> inputs = op.inputs();
  if (adds_axis) {
    for (std::string& input : inputs) input = Unsqueeze(op, input, {axis});
  }
  Concat(op, inputs, axis, op.Output(0));
  if (!op.IsWanted(1)) return absl::OkStatus();
  std::vector<std::string> sizes;
  for (const std::string& input : inputs) sizes.push_back(Sizes(op, input, axis, axis + 1));
  Cast(op, Concat(op, sizes, 0), DataType::kInt32, op.Output(1));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Concat, ExportConcat);
DOPPIO_ONNX_EXPORT(DepthConcat, ExportConcat);

absl::Status ExportSplit(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(JoinAxis(op), 0));
  const bool drops_axis = op.Has("axis") && op.Flag("add_axis");
  op.Arguments({"add_axis", "order"});
  std::vector<int64_t> lengths = op.Ints("split");
  std::vector<std::string> inputs = {op.Input(0)};
  std::vector<AttributeProto> attributes = {MakeAttribute("axis", axis)};
  if (op.InputSize() > 1) {
    const std::optional<std::vector<int64_t>> known = op.KnownInts(1);
    if (known.has_value()) {
      lengths = *known;
    } else if (op.opset() < 13) {
      return op.Unsupported("before opset 13 ONNX takes no lengths that a net computes");
    } else {
      DOPPIO_ASSIGN_OR_RETURN(const std::string computed, AsInt64(op, 1));
      inputs.push_back(computed);
      lengths.clear();
    }
  }
  if (!lengths.empty() && op.opset() >= 13) {
    inputs.push_back(op.Int64s(lengths));
  } else if (!lengths.empty()) {
    attributes.push_back(MakeAttribute("split", lengths));
  }
  std::vector<std::string> parts = op.Outputs();
  if (drops_axis) {
    for (std::string& part : parts) part = op.NewValue("part");
  }
  op.Node("Split", inputs, attributes, parts);
  for (int o = 0; drops_axis && o < op.OutputSize(); ++o) {
    Squeeze(op, parts[o], {axis}, op.Output(o));
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Split, ExportSplit);
DOPPIO_ONNX_EXPORT(DepthSplit, ExportSplit);

// Caffe2 counts negative bounds from one past the end: -1 is the end itself.
absl::Status ExportSlice(OpExport& op) {
  std::vector<int64_t> bounds[2] = {op.Ints("starts"), op.Ints("ends")};
  for (int i = 1; i < op.InputSize(); ++i) {
    const std::optional<std::vector<int64_t>> known = op.KnownInts(i);
    if (!known.has_value()) {
      return op.Unsupported(absl::StrCat("\"", op.def().input(i), "\" is no constant"));
    }
    bounds[i - 1] = *known;
  }
  std::vector<int64_t> axes;
  for (std::vector<int64_t>& some : bounds) {
    for (int64_t& bound : some) {
      if (bound < 0) bound = bound == -1 ? kEnd : bound + 1;
    }
  }
  for (size_t d = 0; d < bounds[0].size(); ++d) axes.push_back(static_cast<int64_t>(d));
  if (axes.empty()) {
    op.Node("Identity", {op.Input(0)}, {}, op.Output(0));
  } else {
    Slice(op, op.Input(0), bounds[0], bounds[1], axes, op.Output(0));
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Slice, ExportSlice);

// Along another axis than 0 negative indices are an error of Caffe2's, where ONNX counts from the
// end.
absl::Status GatherAlong(OpExport& op, int64_t axis_argument) {
  if (op.Flag("match_outer")) return op.Unsupported("match_outer");
  DOPPIO_ASSIGN_OR_RETURN(const int axis, op.Axis(axis_argument, 0));
  const std::optional<Dims>& dims = op.Info(0).dims;
  if (dims.has_value() && (*dims)[axis] == 0) return op.Unsupported("there is nothing to pick");
  op.Node("Gather", {op.Input(0), op.Input(1)}, {MakeAttribute("axis", axis)}, op.Output(0));
  return absl::OkStatus();
}

absl::Status ExportGather(OpExport& op) {
  op.Arguments({"wrap_indices"});
  if (op.opset() < 11 && op.Int("axis") == 0 && !op.KnownInts(1).has_value()) {
    return op.Unsupported("ONNX counts negative indices from the end from opset 11 on");
  }
  return GatherAlong(op, op.Int("axis"));
}
DOPPIO_ONNX_EXPORT(Gather, ExportGather);

absl::Status ExportBatchGather(OpExport& op) { return GatherAlong(op, 1); }
DOPPIO_ONNX_EXPORT(BatchGather, ExportBatchGather);

absl::Status ExportBatchPermutation(OpExport& op) {
  op.Node("Gather", {op.Input(0), op.Input(1)}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(BatchPermutation, ExportBatchPermutation);

absl::Status ExportOneHot(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor values, Tensor::Of<float>({2}, {0, 1}));
  op.Node("OneHot", {op.Input(0), Reshape(op, op.Input(1), {}), op.Constant("off_on", values)}, {},
          op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(OneHot, ExportOneHot);

absl::Status ExportRange(OpExport& op) {
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, op.Type(0));
  op.SetOutput(0, dtype);
  const auto scalar = [&](int i) { return Reshape(op, op.Input(i), {}); };
  const int stop = op.InputSize() > 1 ? 1 : 0;
  const std::string start = stop == 0 ? op.Number(0, dtype) : scalar(0);
  const std::string step = op.InputSize() > 2 ? scalar(2) : op.Number(1, dtype);
  op.Node("Range", {start, scalar(stop), step}, {}, op.Output(0));
  return absl::OkStatus();
}
DOPPIO_ONNX_EXPORT(Range, ExportRange);

}  // namespace
}  // namespace onnx
}  // namespace doppio
