#ifndef DOPPIO_ONNX_H_
#define DOPPIO_ONNX_H_

// ONNX models, both ways.
//
//   absl::StatusOr<Model> model = LoadModel("model.onnx");   // model_io.h: as any other model
//   absl::Status saved = SaveOnnx(*model, "again.onnx");     // a net of Caffe2's becomes ONNX
//
// A graph becomes a net of Caffe2's operators where they compute the same, and of operators of the
// family `onnx` where Caffe2 has none that does. Nothing is approximated: what can not be taken
// along is an error, and all of them come at once, each with the node and why.
//
// Threads: all functions may be called from many at once.

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/model.h"
#include "doppio/status.h"

namespace doppio {

// The versions of ONNX's operators that are read, and written.
inline constexpr int kLeastOnnxOpset = 6;
inline constexpr int kGreatestOnnxOpset = 17;

// The model in the bytes of a ModelProto: its weights are the initializers, its inputs those of the
// graph that have no initializer; names are kept. Tensors in files of their own (external data) are
// looked for in `folder` and below, nowhere else. Errors: DataLoss for bytes that are no
// ModelProto, InvalidArgument for a graph that is none (names twice, values that nothing makes,
// cycles), Unimplemented for operators, attributes and types that can not be taken along.
absl::StatusOr<Model> ModelFromOnnx(absl::string_view bytes, const std::string& folder = ".",
                                    const Limits& limits = {});

}  // namespace doppio

#endif  // DOPPIO_ONNX_H_
