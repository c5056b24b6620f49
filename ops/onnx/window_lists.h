#ifndef DOPPIO_OPS_ONNX_WINDOW_LISTS_H_
#define DOPPIO_OPS_ONNX_WINDOW_LISTS_H_

// The arguments of a window that slides over an image, as lists with a number for each spatial
// dimension.

#include <vector>

#include "doppio/schema.h"
#include "src/dnn/window.h"

namespace doppio {

inline void StateWindowLists(OpSchema& schema, bool has_dilations) {
  using Ints = std::vector<int64_t>;
  schema.RequiredArg<Ints>("kernels", "size of the window in each spatial dimension")
      .OptionalArg<Ints>("strides", "distance from one window to the next (1)")
      .OptionalArg<Ints>("pads",
                         "padding at the beginning of each dimension, then at the ends (0)");
  if (has_dilations) {
    schema.OptionalArg<Ints>("dilations", "distance from one element of a window to the next (1)");
  }
}

// What is wrong is reported to the reader.
inline WindowSettings ReadWindowLists(ArgumentReader* reader, bool has_dilations) {
  WindowSettings settings;
  settings.kernel = reader->GetRepeatedArgument<int>("kernels");
  settings.stride = reader->GetRepeatedArgument<int>("strides");
  settings.pads = reader->GetRepeatedArgument<int>("pads");
  if (has_dilations) settings.dilation = reader->GetRepeatedArgument<int>("dilations");
  const size_t rank = settings.kernel.size();
  if (settings.stride.empty()) settings.stride.resize(rank, 1);
  if (settings.dilation.empty()) settings.dilation.resize(rank, 1);
  if (settings.pads.empty()) settings.pads.resize(2 * rank, 0);
  settings.adjust.resize(rank, 0);
  if (reader->status().ok()) reader->Fail(settings.Verify(WindowUse::kConvolution));
  settings.status = reader->status();
  return settings;
}

}  // namespace doppio

#endif  // DOPPIO_OPS_ONNX_WINDOW_LISTS_H_
