// Elements that indices, conditions or their order tell.

#include "absl/strings/str_cat.h"
#include "src/onnx/import/ints_given.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

// Caffe2's Gather differs where there is nothing to gather from.
absl::Status ImportGather(NodeImport& node) {
  node.KeepType();
  const int64_t axis = node.Int("axis", 0);
  const std::optional<Dims>& dims = node.Info(node.Input(0)).dims;
  const int64_t rank = dims.has_value() ? static_cast<int64_t>(dims->size()) : 0;
  const bool is_there = dims.has_value() && axis >= -rank && axis < rank &&
                        (*dims)[static_cast<size_t>(axis < 0 ? axis + rank : axis)] > 0;
  std::vector<Argument> args = {MakeArgument("axis", axis)};
  if (is_there) args.push_back(MakeArgument("wrap_indices", true));
  node.Op(is_there ? "Gather" : "OnnxGather", {node.Input(0), node.Input(1)}, {node.Output(0)},
          args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Gather, ImportGather);

absl::Status ImportGatherElements(NodeImport& node) {
  node.KeepType();
  return ImportAs(node, "GatherElements", {"axis"});
}
DOPPIO_ONNX_IMPORT(GatherElements, ImportGatherElements);

absl::Status ImportGatherND(NodeImport& node) {
  node.KeepType();
  return ImportAs(node, "GatherND", {"batch_dims"});
}
DOPPIO_ONNX_IMPORT(GatherND, ImportGatherND);

absl::Status AddScatter(NodeImport& node, absl::string_view type, std::vector<Argument> args) {
  const std::string reduction = node.String("reduction", "none");
  if (reduction != "none" && reduction != "add" && reduction != "mul") {
    return node.Unsupported(absl::StrCat("the reduction \"", reduction, "\""));
  }
  args.push_back(MakeArgument("reduction", reduction));
  node.Op(type, node.Inputs(), {node.Output(0)}, args);
  return absl::OkStatus();
}

// Scatter is the name that ScatterElements had until version 11.
absl::Status ImportScatterElements(NodeImport& node) {
  node.KeepType();
  return AddScatter(node, "ScatterElements", {MakeArgument("axis", node.Int("axis", 0))});
}
DOPPIO_ONNX_IMPORT(Scatter, ImportScatterElements);
DOPPIO_ONNX_IMPORT(ScatterElements, ImportScatterElements);

absl::Status ImportScatterND(NodeImport& node) {
  node.KeepType();
  return AddScatter(node, "ScatterND", {});
}
DOPPIO_ONNX_IMPORT(ScatterND, ImportScatterND);

absl::Status ImportCompress(NodeImport& node) {
  node.KeepType();
  return ImportAs(node, "Compress", {"axis"});
}
DOPPIO_ONNX_IMPORT(Compress, ImportCompress);

absl::Status ImportNonZero(NodeImport& node) {
  node.SetType(node.Output(0), DataType::kInt64);
  return ImportAs(node, "NonZero");
}
DOPPIO_ONNX_IMPORT(NonZero, ImportNonZero);

absl::Status ImportOneHot(NodeImport& node) {
  node.KeepType(2);
  return ImportAs(node, "OnnxOneHot", {"axis"});
}
DOPPIO_ONNX_IMPORT(OneHot, ImportOneHot);

absl::Status ImportReverseSequence(NodeImport& node) {
  node.KeepType();
  return ImportAs(node, "ReverseSequence", {"time_axis", "batch_axis"});
}
DOPPIO_ONNX_IMPORT(ReverseSequence, ImportReverseSequence);

absl::Status ImportTrilu(NodeImport& node) {
  node.KeepType();
  return ImportAs(node, "Trilu", {"upper"});
}
DOPPIO_ONNX_IMPORT(Trilu, ImportTrilu);

absl::Status ImportUnique(NodeImport& node) {
  return ImportAs(node, "OnnxUnique", {"axis", "sorted"});
}
DOPPIO_ONNX_IMPORT(Unique, ImportUnique);

// Whether Caffe2's TopK does the same, which pads where there are fewer than k.
bool IsCaffe2TopK(NodeImport& node, int64_t axis, const IntsGiven& k) {
  const TensorInfo& info = node.Info(node.Input(0));
  const bool is_known = info.dims.has_value() && k.values.has_value() && k.values->size() == 1;
  if (!is_known || (info.dtype != DataType::kFloat && info.dtype != DataType::kDouble)) {
    return false;
  }
  const auto rank = static_cast<int64_t>(info.dims->size());
  if (axis < -rank || axis >= rank) return false;
  const int64_t size = (*info.dims)[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
  return k.values->front() >= 1 && k.values->front() <= size;
}

// Until version 10 the number is an attribute; since version 11 the smallest may be wanted.
absl::Status ImportTopK(NodeImport& node) {
  const int64_t axis = node.Int("axis", -1);
  const bool is_largest = node.Int("largest", 1) != 0;
  const int64_t is_sorted = node.Int("sorted", 1);
  IntsGiven k;
  if (node.opset() < 10) {
    k = {true, std::vector<int64_t>{node.Int("k", -1)}, ""};
  } else {
    k = {true, node.KnownInts(1), node.Input(1)};
  }
  const std::vector<std::string> outputs = {node.Output(0), node.Output(1)};
  node.SetType(outputs[0], node.dtype(0));
  node.SetType(outputs[1], DataType::kInt64);
  // In Caffe2's, too, the result is in order.
  if (is_largest && IsCaffe2TopK(node, axis, k)) {
    node.Op("TopK", {node.Input(0)}, outputs,
            {MakeArgument("k", k.values->front()), MakeArgument("axis", axis)});
  } else {
    node.Op("OnnxTopK", {node.Input(0), k.Blob(node, "k")}, outputs,
            {MakeArgument("axis", axis), MakeArgument("largest", is_largest),
             MakeArgument("sorted", is_sorted != 0)});
  }
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(TopK, ImportTopK);

}  // namespace
}  // namespace onnx
}  // namespace doppio
