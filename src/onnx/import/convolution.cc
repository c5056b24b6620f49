// Convolutions and transposed ones.

#include <algorithm>

#include "src/onnx/import/window.h"

namespace doppio {
namespace onnx {
namespace {

void AddGroup(NodeImport& node, std::vector<Argument>* args) {
  const int64_t group = node.Int("group", 1);
  if (group != 1) args->push_back(MakeArgument("group", group));
}

absl::Status ImportConv(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  DOPPIO_ASSIGN_OR_RETURN(const ImageWindow window, ReadConvWindow(node, 0, 1));
  std::vector<Argument> args = window.Arguments();
  AddGroup(node, &args);
  const std::vector<std::string> inputs = node.Inputs();
  node.Op("Conv", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Conv, ImportConv);

// Pads that give an image the size `out`: where the number is odd, ONNX changed from one version to
// the next which side gets more. What the kernel does not reach is added at the end.
void PadToSize(const NodeImport& node, const Ints& in, const Ints& out, ImageWindow* window,
               Ints* adjust) {
  const bool is_upper = window->auto_pad == "SAME_UPPER";
  const bool head_is_less = node.opset() < 11 ? !is_upper : is_upper;
  for (size_t d = 0; d < window->rank(); ++d) {
    const int64_t total =
        window->stride[d] * (in[d] - 1) + (*adjust)[d] + window->reach(d) - out[d];
    if (total < 0) (*adjust)[d] -= total;
    const int64_t pads = std::max<int64_t>(total, 0);
    window->head[d] = head_is_less ? pads / 2 : pads - pads / 2;
    window->tail[d] = pads - window->head[d];
  }
}

// output_shape has the batch and the channels too in some models. Empty where it is not given.
absl::StatusOr<Ints> ReadOutputShape(NodeImport& node, size_t rank) {
  if (node.Ints("output_shape").empty()) return Ints();
  const bool has_channels = node.Ints("output_shape").size() == rank + 2;
  DOPPIO_ASSIGN_OR_RETURN(Ints shape,
                          ReadList(node, "output_shape", has_channels ? rank + 2 : rank, 1, 1));
  if (has_channels) shape.erase(shape.begin(), shape.begin() + 2);
  return shape;
}

absl::Status ImportConvTranspose(NodeImport& node) {
  DOPPIO_RETURN_IF_ERROR(RequireTypes(node, 0, {DataType::kFloat, DataType::kDouble}));
  DOPPIO_ASSIGN_OR_RETURN(ImageWindow window, ReadWindow(node, KernelOf(node, 1)));
  DOPPIO_ASSIGN_OR_RETURN(Ints adjust, ReadList(node, "output_padding", window.rank(), 0, 0));
  DOPPIO_ASSIGN_OR_RETURN(Ints out, ReadOutputShape(node, window.rank()));
  Ints in(window.rank(), 1);
  if (!out.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(in, SpatialSizes(node, 0, window.rank()));
    if (in.empty()) {
      return NodeImport::Unsupported("output_shape with an image whose size is not known");
    }
  } else if (window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER") {
    out = window.stride;  // of an image of one element; the pads are those of any
  }
  if (!out.empty()) PadToSize(node, in, out, &window, &adjust);
  std::vector<Argument> args = window.Arguments();
  if (adjust != Ints(window.rank(), 0)) args.push_back(MakeArgument("adjs", adjust));
  AddGroup(node, &args);
  const std::vector<std::string> inputs = node.Inputs();
  node.Op("ConvTranspose", inputs, {node.Output(0)}, args);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(ConvTranspose, ImportConvTranspose);

}  // namespace
}  // namespace onnx
}  // namespace doppio
