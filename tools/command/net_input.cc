#include "tools/command/net_input.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "doppio/check.h"
#include "doppio/devices.h"
#include "doppio/model_io.h"
#include "doppio/op_def.h"
#include "doppio/operator_library.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/registry.h"
#include "doppio/tensor_io.h"
#include "tools/command/pictures.h"
#include "tools/command/pipe.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr int64_t kMostHints = 20;

}  // namespace

void NetInput::AddNet(Options* options) {
  options->AddPositional("NET", &net,
                         "file of a NetDef: binary, text or JSON, or of an ONNX model (its content "
                         "decides)");
}

void NetInput::AddInits(Options* options) {
  options->AddList("--init", &inits, "NET", "net that fills blobs (weights); run once, before NET");
}

void NetInput::AddFeeds(Options* options) {
  options->AddList("--feed", &feeds, "BLOB=FILE",
                   "tensor for a blob: .npy, .npz, BlobProto or TensorProto (the content decides); "
                   "FILE alone feeds every array of an .npz under its own name; or a picture, as "
                   "--image says");
  AddImageOption(options, &image);
}

void NetInput::AddLibraries(Options* options) {
  options->AddList("--load", &libraries, "LIB", "library of operators to load first");
}

void NetInput::AddDevice(Options* options) {
  options->AddChoice(
      "--device", &device, {"cpu", "cuda"}, "DEVICE",
      "where all operators run, whatever the nets say: cpu (for nets of a machine with "
      "a GPU) or cuda");
}

void NetInput::AddHow(Options* options) {
  AddLibraries(options);
  AddDevice(options);
  trust.AddOptions(options);
}

void NetInput::Place(NetDef* net) const {
  const absl::StatusOr<DeviceType> wanted = DeviceFromName(device);
  if (wanted.ok()) SetDevice(net, *wanted);
}

absl::Status NetInput::Prepare() {
  DOPPIO_RETURN_IF_ERROR(trust.Apply());
  if (trust.sandbox && !libraries.empty()) {
    return UsageError("--load runs the code of a library, which --sandbox does not allow");
  }
  DOPPIO_RETURN_IF_ERROR(KeepPipe(net));
  for (const std::string& path : inits) DOPPIO_RETURN_IF_ERROR(KeepPipe(path));
  for (const std::string& feed : feeds) {
    const Assignment wanted = ParseAssignment(feed);
    DOPPIO_RETURN_IF_ERROR(KeepPipe(wanted.has_value ? wanted.value : wanted.key));
  }
  for (const std::string& library : libraries) {
    DOPPIO_RETURN_IF_ERROR(LoadOperatorLibrary(library).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NamedTensor>> NetInput::LoadFeeds() const {
  std::vector<NamedTensor> fed;
  for (const std::string& feed : feeds) {
    const Assignment wanted = ParseAssignment(feed);
    const std::string& file = wanted.has_value ? wanted.value : wanted.key;
    const std::string place = absl::StrCat("--feed ", feed);
    if (wanted.key.empty() || file.empty()) {
      return UsageError(absl::StrCat(place, ": write BLOB=FILE"));
    }
    if (wanted.has_value && IsPictureFile(file)) {
      absl::StatusOr<Tensor> picture = LoadPicture(file, image, net, wanted.key);
      if (!picture.ok()) return Annotate(picture.status(), place);
      fed.push_back({wanted.key, *std::move(picture)});
      continue;
    }
    absl::StatusOr<std::vector<NamedTensor>> tensors = LoadTensors(file);
    if (!tensors.ok()) return Annotate(tensors.status(), place);
    if (!wanted.has_value) {
      for (NamedTensor& tensor : *tensors) {
        if (tensor.name.empty()) {
          return UsageError(absl::StrCat(place, ": the tensor in this file has no name; write ",
                                         "--feed BLOB=", file));
        }
        fed.push_back(std::move(tensor));
      }
      continue;
    }
    // Of several arrays, the one that is called like the blob.
    absl::StatusOr<Tensor> tensor = LoadTensor(file, tensors->size() > 1 ? wanted.key : "");
    if (!tensor.ok()) return Annotate(tensor.status(), place);
    fed.push_back({wanted.key, *std::move(tensor)});
  }
  return fed;
}

absl::Status NetInput::Fill(Workspace* workspace, std::vector<std::string>* names) const {
  workspace->SetFileAccess(trust.file_access());
  for (const std::string& path : inits) {
    DOPPIO_ASSIGN_OR_RETURN(NetDef init, LoadNamedNet(path));
    Place(&init);
    DOPPIO_RETURN_IF_ERROR(CheckInputsAreThere(init, *workspace));
    DOPPIO_RETURN_IF_ERROR(Annotate(RunAndFree(std::move(init), workspace), path));
  }
  DOPPIO_ASSIGN_OR_RETURN(std::vector<NamedTensor> fed, LoadFeeds());
  for (NamedTensor& tensor : fed) {
    if (names != nullptr) names->push_back(tensor.name);
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(tensor.name, std::move(tensor.tensor)));
  }
  return absl::OkStatus();
}

std::string FileStem(const std::string& path) { return std::filesystem::path(path).stem(); }

absl::StatusOr<NetDef> LoadNamedNet(const std::string& path) {
  DOPPIO_ASSIGN_OR_RETURN(NetDef net, LoadNet(path));
  if (net.name().empty()) net.set_name(FileStem(path));
  return net;
}

absl::StatusOr<Model> LoadNamedModel(const NetInput& input, Workspace* workspace) {
  const std::string& path = input.net;
  workspace->SetFileAccess(input.trust.file_access());
  Limits limits;
  limits.file_access = input.trust.file_access();
  DOPPIO_ASSIGN_OR_RETURN(Model model, LoadModel(path, "", limits));
  if (model.predict.name().empty()) model.predict.set_name(FileStem(path));
  input.Place(&model.predict);
  for (NetDef& init : model.inits) input.Place(&init);
  for (auto& [name, tensor] : model.weights) {
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(name, std::move(tensor)));
  }
  for (NetDef& init : model.inits) {
    DOPPIO_RETURN_IF_ERROR(Annotate(RunAndFree(std::move(init), workspace), path));
  }
  model.weights.clear();
  model.inits.clear();
  // Placeholders, where the file says what is to be fed.
  for (const std::string& input : model.inputs) {
    if (workspace->HasBlob(input)) DOPPIO_RETURN_IF_ERROR(workspace->RemoveBlob(input));
  }
  return model;
}

absl::StatusOr<NetDef> LoadNetToLookAt(const NetInput& input, BlobInfos* weights) {
  DOPPIO_ASSIGN_OR_RETURN(const FileDescription file, DescribeFile(input.net));
  if (file.kind != FileKind::kOnnx) {
    DOPPIO_ASSIGN_OR_RETURN(NetDef net, LoadNamedNet(input.net));
    input.Place(&net);
    return net;
  }
  DOPPIO_ASSIGN_OR_RETURN(Model model, LoadModel(input.net));
  for (auto& [name, tensor] : model.weights) {
    const DimsView dims = tensor.dims();
    (*weights)[name] = {tensor.dtype(), Dims(dims.begin(), dims.end()), std::move(tensor)};
  }
  input.Place(&model.predict);
  return std::move(model.predict);
}

std::vector<NeededInput> NeededInputs(const NetDef& net) {
  std::vector<NeededInput> needed;
  std::set<std::string> known;
  for (int k = 0; k < net.op_size(); ++k) {
    const OpBlobs blobs = BlobsOfOp(net.op(k));
    for (const std::string& blob : blobs.reads) {
      if (known.insert(blob).second) needed.push_back({blob, k});
    }
    known.insert(blobs.writes.begin(), blobs.writes.end());
  }
  return needed;
}

BlobInfos InfosOf(const Workspace& workspace) {
  BlobInfos infos;
  for (const std::string& name : workspace.Blobs()) {
    const absl::StatusOr<Tensor> tensor = workspace.Fetch(name);
    if (!tensor.ok()) continue;  // no tensor, or none yet
    infos[name] = {tensor->dtype(), Dims(tensor->dims().begin(), tensor->dims().end()), *tensor};
  }
  return infos;
}

absl::Status CheckNetItself(const NetDef& net) {
  CheckOptions options;
  for (const NeededInput& input : NeededInputs(net)) options.known_blobs.insert(input.blob);
  return ProblemsToStatus(CheckNet(net, options));
}

absl::Status CheckBeforeRun(const NetDef& net, const Workspace& workspace) {
  DOPPIO_RETURN_IF_ERROR(CheckNetItself(net));
  return CheckInputsAreThere(net, workspace);
}

absl::Status CheckInputsAreThere(const NetDef& net, const Workspace& workspace) {
  Table table({"", "", ""});
  int64_t missing = 0;
  const std::vector<NeededInput> needed = NeededInputs(net);
  std::vector<std::string> made;
  for (const OperatorDef& op : net.op()) {
    made.insert(made.end(), op.output().begin(), op.output().end());
  }
  // What was fed and nothing reads may be a missing input under a wrong name.
  std::vector<std::string> unread = workspace.Blobs();
  for (const NeededInput& input : needed) {
    unread.erase(std::remove(unread.begin(), unread.end(), input.blob), unread.end());
  }
  for (const NeededInput& input : needed) {
    if (workspace.HasBlob(input.blob)) continue;
    ++missing;
    const std::vector<std::string> near = NearestNames(input.blob, unread, 1);
    // Looking for near names takes time, and nobody reads hundreds of them.
    const std::vector<std::string> near_made =
        missing < kMostHints ? NearestNames(input.blob, made, 1) : std::vector<std::string>();
    const std::string hint = !near.empty() ? absl::StrCat("; nothing reads \"", near[0], "\"")
                             : !near_made.empty()
                                 ? absl::StrCat("; the net makes \"", near_made[0], "\"")
                                 : "";
    table.Add(
        {absl::StrCat("--feed ", input.blob, "=FILE"), "for",
         absl::StrCat("op ", input.op, " ", Shortened(OpToString(net.op(input.op)), 70), hint)});
  }
  if (missing == 0) return absl::OkStatus();
  std::string text = table.ToString("  ");
  text.pop_back();
  return absl::InvalidArgumentError(absl::StrCat(
      "net \"", net.name(), "\" needs ", Counted(missing, "blob"),
      " that nothing has filled. Feed what is missing, or fill weights with --init NET:\n", text));
}

}  // namespace doppio::tools
