#ifndef DOPPIO_ONNX_H_
#define DOPPIO_ONNX_H_

// ONNX models, both ways.
//
//   absl::StatusOr<Model> model = LoadModel("model.onnx");   // model_io.h: as any other model
//   absl::Status saved = SaveOnnx(*model, "again.onnx");     // a net of Caffe2's becomes ONNX
//
// A graph becomes a net of Caffe2's operators where they compute the same, and of operators of the
// family `onnx` where Caffe2 has none that does. Nothing is approximated: what can not be taken
// along is an error, and all of them come at once, each with the node and why. In a doppio that was
// built without ONNX (-DDOPPIO_ONNX=OFF) all functions are Unimplemented.
//
// Threads: all functions may be called from many at once.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/infer.h"
#include "doppio/limits.h"
#include "doppio/model.h"
#include "doppio/status.h"

namespace doppio {

// The versions of ONNX's operators that are read, and written.
inline constexpr int kLeastOnnxOpset = 6;
inline constexpr int kLeastWrittenOnnxOpset = 7;
inline constexpr int kGreatestOnnxOpset = 17;

// The model in the bytes of a ModelProto: its weights are the initializers, its inputs those of the
// graph that have no initializer; names are kept. Tensors in files of their own (external data) are
// looked for in `folder` and below, nowhere else. Errors: DataLoss for bytes that are no
// ModelProto, InvalidArgument for a graph that is none (names twice, values that nothing makes,
// cycles), Unimplemented for operators, attributes and types that can not be taken along. The net
// begins with an EnforceShape for each input, so that what is fed is what was declared.
absl::StatusOr<Model> ModelFromOnnx(absl::string_view bytes, const std::string& folder = ".",
                                    const Limits& limits = {});

// What a model says of itself; nothing of it is translated or checked.
struct OnnxDescription {
  struct Value {
    std::string name;
    std::string type;   // "float[N,3,224,224]", as far as it is said
    int64_t bytes = 0;  // of the elements of a weight
  };
  int64_t ir_version = 0;
  std::vector<std::pair<std::string, int64_t>> opsets;  // domain ("" is ONNX's own) and version
  std::string producer;                                 // "pytorch 1.12"
  std::string graph;
  int64_t node_count = 0;
  std::vector<std::pair<std::string, int64_t>> nodes;  // by operator, most frequent first
  std::vector<Value> inputs;                           // without those that are weights
  std::vector<Value> outputs;
  std::vector<Value> weights;
};
absl::StatusOr<OnnxDescription> DescribeOnnx(const std::string& path, const Limits& limits = {});

struct OnnxOptions {
  int opset = 13;
  // Types and shapes of inputs, as far as they are known; -1 is a size that may be another one in
  // each run. The type of one that is not named here is float, unless the operator that reads it
  // takes another one alone. What has to be known of a shape (the rank of what is broadcast, the
  // size of an image whose pool has Caffe's ceiling) and is not is an error that says so.
  BlobInfos inputs;
};

// The model in the bytes of a ModelProto. Weights are as they are after the init nets have run;
// inputs and outputs, as Predictor finds them (predictor.h), keep their names, as do all blobs as
// they are after the net; what a blob held before it was written again gets a number. What follows
// from constants alone is one. Errors: those of Predictor::Create; Unimplemented for operators that
// can not be taken along, a line each with its place and why.
absl::StatusOr<std::string> ModelToOnnx(const Model& model, const OnnxOptions& options = {});

// The same in a file, which is written, or replaced, in one step, as SaveProto does.
// ResourceExhausted for a model of 2^31 bytes or more, which no protobuf holds.
absl::Status SaveOnnx(const Model& model, const std::string& path, const OnnxOptions& options = {});

}  // namespace doppio

#endif  // DOPPIO_ONNX_H_
