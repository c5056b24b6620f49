#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/proto_io.h"
#include "src/io/model_format.h"
#include "src/onnx/import/graph_import.h"
#include "src/onnx/import/model_import.h"

namespace doppio {
namespace {

// Of the format itself.
constexpr int64_t kLeastIrVersion = 3;
constexpr int64_t kGreatestIrVersion = 10;

void ReadVersions(const onnx::ModelProto& proto, onnx::ModelImport* import) {
  if (proto.ir_version() < kLeastIrVersion || proto.ir_version() > kGreatestIrVersion) {
    import->AddProblem(
        absl::UnimplementedError(absl::StrCat("IR version ", proto.ir_version(), "; doppio reads ",
                                              kLeastIrVersion, " to ", kGreatestIrVersion)),
        "");
  }
  absl::StatusOr<onnx::Opsets> opsets = onnx::OpsetsOf(proto.opset_import());
  if (opsets.ok() && opsets->count("") == 0) {
    opsets = absl::InvalidArgumentError("no version of ONNX's operators is given (opset_import)");
  }
  if (opsets.ok()) {
    import->opsets = *std::move(opsets);
  } else {
    import->AddProblem(opsets.status(), "");
  }
}

void ReadFunctions(const onnx::ModelProto& proto, onnx::ModelImport* import) {
  for (const onnx::FunctionProto& function : proto.functions()) {
    const std::string where = absl::StrCat("function ", function.name());
    absl::StatusOr<onnx::Opsets> opsets = onnx::OpsetsOf(function.opset_import());
    if (!opsets.ok()) {
      import->AddProblem(opsets.status(), where);
      continue;
    }
    const bool is_new = import->functions
                            .emplace(onnx::FunctionKey(onnx::DomainOf(function.domain()),
                                                       function.name(), function.overload()),
                                     onnx::Function{&function, *std::move(opsets)})
                            .second;
    if (!is_new) {
      import->AddProblem(absl::InvalidArgumentError("there are two functions of that name"), where);
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
  // What a node means is known by the versions.
  ReadVersions(proto, &import);
  ReadFunctions(proto, &import);
  if (!import.has_problems()) onnx::GraphImport(&import).ImportModel();
  DOPPIO_RETURN_IF_ERROR(import.status());
  return std::move(import.model);
}

}  // namespace doppio
