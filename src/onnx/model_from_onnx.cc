#include <filesystem>

#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/proto_io.h"
#include "src/io/model_format.h"
#include "src/onnx/import/graph_import.h"

namespace doppio {
namespace {

// Of the format itself; 10 adds nothing that a model of these operators could hold.
constexpr int64_t kLeastIrVersion = 3;
constexpr int64_t kGreatestIrVersion = 10;

absl::StatusOr<onnx::Opsets> OpsetsOf(const onnx::ModelProto& proto) {
  if (proto.ir_version() < kLeastIrVersion || proto.ir_version() > kGreatestIrVersion) {
    return absl::UnimplementedError(absl::StrCat("IR version ", proto.ir_version(),
                                                 "; doppio reads ", kLeastIrVersion, " to ",
                                                 kGreatestIrVersion));
  }
  onnx::Opsets opsets;
  for (const onnx::OperatorSetIdProto& opset : proto.opset_import()) {
    opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
  }
  const auto found = opsets.find("");
  if (found == opsets.end()) {
    return absl::InvalidArgumentError("no version of ONNX's operators is given (opset_import)");
  }
  if (found->second < kLeastOnnxOpset || found->second > kGreatestOnnxOpset) {
    return absl::UnimplementedError(absl::StrCat("opset ", found->second, "; doppio reads ",
                                                 kLeastOnnxOpset, " to ", kGreatestOnnxOpset));
  }
  return opsets;
}

void CollectNames(const onnx::GraphProto& graph, std::set<std::string>* names) {
  for (const auto& value : graph.input()) names->insert(value.name());
  for (const auto& tensor : graph.initializer()) names->insert(tensor.name());
  for (const auto& node : graph.node()) {
    names->insert(node.output().begin(), node.output().end());
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) CollectNames(attribute.g(), names);
    }
  }
}

absl::StatusOr<Model> ReadOnnx(io::FileBytes file, const std::string& path, const Limits& limits) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  return ModelFromOnnx(file.view(), folder, limits);
}

DOPPIO_REGISTER_MODEL_READER(kOnnx, ReadOnnx);

}  // namespace

absl::StatusOr<Model> ModelFromOnnx(absl::string_view bytes, const std::string& folder,
                                    const Limits& limits) {
  onnx::ModelProto proto;
  DOPPIO_RETURN_IF_ERROR(ParseProto(bytes, &proto, limits, "ONNX model"));
  onnx::ModelImport import;
  import.proto = &proto;
  import.folder = folder;
  import.limits = limits;
  DOPPIO_ASSIGN_OR_RETURN(import.opsets, OpsetsOf(proto));
  CollectNames(proto.graph(), &import.names);
  onnx::GraphImport(&import, &import.opsets, nullptr).ImportModel();
  DOPPIO_RETURN_IF_ERROR(import.status());
  return std::move(import.model);
}

}  // namespace doppio
