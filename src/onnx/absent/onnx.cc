// In place of the room's sources in a doppio that was built without ONNX.

#include "doppio/onnx.h"

#include "src/io/model_format.h"

namespace doppio {
namespace {

absl::Status Absent() {
  return absl::UnimplementedError("this doppio was built without ONNX (-DDOPPIO_ONNX=OFF)");
}

absl::StatusOr<Model> ReadOnnx(io::FileBytes, const std::string&, const Limits&) {
  return Absent();
}

DOPPIO_REGISTER_MODEL_READER(kOnnx, ReadOnnx);

}  // namespace

absl::StatusOr<Model> ModelFromOnnx(absl::string_view, const std::string&, const Limits&) {
  return Absent();
}

absl::StatusOr<OnnxDescription> DescribeOnnx(const std::string& path, const Limits&) {
  return Annotate(Absent(), path);
}

absl::StatusOr<std::string> ModelToOnnx(const Model&, const OnnxOptions&) { return Absent(); }

absl::Status SaveOnnx(const Model&, const std::string&, const OnnxOptions&) { return Absent(); }

}  // namespace doppio
