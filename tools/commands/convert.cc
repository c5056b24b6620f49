#include <filesystem>

#include "absl/strings/ascii.h"
#include "doppio/model_io.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "tools/command.h"
#include "tools/net_input.h"
#include "tools/table.h"

namespace doppio::tools {
namespace {

enum class Target { kMessage, kArray, kModel };

bool IsArrayFile(FileKind kind) { return kind == FileKind::kNpy || kind == FileKind::kNpz; }

bool HoldsTensor(FileKind kind) {
  return IsArrayFile(kind) || kind == FileKind::kBlobProto || kind == FileKind::kTensorProto;
}

// An empty message of that kind, or null where the kind is no message.
std::unique_ptr<google::protobuf::Message> NewMessage(FileKind kind) {
  switch (kind) {
    case FileKind::kNetDef:
    case FileKind::kInitNet:
      return std::make_unique<NetDef>();
    case FileKind::kPlanDef:
      return std::make_unique<PlanDef>();
    case FileKind::kMetaNetDef:
      return std::make_unique<MetaNetDef>();
    case FileKind::kOperatorDef:
      return std::make_unique<OperatorDef>();
    case FileKind::kBlobProto:
      return std::make_unique<BlobProto>();
    case FileKind::kTensorProto:
      return std::make_unique<TensorProto>();
    default:
      return nullptr;
  }
}

class ConvertCommand final : public Command {
 public:
  void AddOptions(CLI::App* app) override {
    app->add_option("A", from_, "net, plan, blob, tensor, .npy or .npz; its content decides")
        ->required()
        ->type_name("");
    app->add_option("B", to_,
                    "file to write. Its ending decides: .pb binary; .pbtxt, .prototxt, .txt text; "
                    ".json JSON; .npy, .npz arrays; .minidb a predictor with its weights")
        ->required()
        ->type_name("");
    AddListOption(app, "--init", &inits_,
                  "net that fills weights, when a net becomes a predictor (.minidb)", "NET");
    app->add_option("--name", name_,
                    "of an .npz with several arrays: which one; else: the name of the blob that "
                    "is written")
        ->type_name("NAME");
  }

  absl::Status Run() override {
    DOPPIO_ASSIGN_OR_RETURN(const Target target, TargetOfEnding());
    DOPPIO_ASSIGN_OR_RETURN(const FileDescription file, DescribeFile(from_));
    std::unique_ptr<google::protobuf::Message> message = NewMessage(file.kind);
    if (target != Target::kModel && !inits_.empty()) {
      return UsageError("--init is for a net that becomes a predictor (.minidb)");
    }
    if (target == Target::kModel &&
        (file.kind == FileKind::kNetDef || file.kind == FileKind::kMetaNetDef)) {
      DOPPIO_RETURN_IF_ERROR(MakePredictor());
    } else if (target == Target::kMessage && message != nullptr) {
      if (!name_.empty()) return UsageError("--name is for arrays");
      DOPPIO_RETURN_IF_ERROR(LoadProto(from_, message.get()));
      DOPPIO_RETURN_IF_ERROR(SaveProto(*message, to_));
    } else if (HoldsTensor(file.kind)) {
      DOPPIO_RETURN_IF_ERROR(ConvertTensor(file.kind));
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          from_, " is ",
          file.kind == FileKind::kUnknown ? "no file that doppio knows"
                                          : absl::StrCat("a ", FileKindName(file.kind)),
          "; it can not become ", to_));
    }
    std::error_code error;  // Pipes have no size.
    const uintmax_t written = std::filesystem::file_size(to_, error);
    Print(absl::StrCat(from_, " (", FileKindName(file.kind), ", ", HumanBytes(file.bytes), ") -> ",
                       to_, error ? "" : absl::StrCat(" (", HumanBytes(written), ")"), "\n"));
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<Target> TargetOfEnding() const {
    const std::string ending =
        absl::AsciiStrToLower(std::filesystem::path(to_).extension().string());
    if (ending == ".npy" || ending == ".npz") return Target::kArray;
    if (ending == ".minidb") return Target::kModel;
    for (const char* known : {".pb", ".bin", ".pbtxt", ".prototxt", ".txt", ".json"}) {
      if (ending == known) return Target::kMessage;
    }
    return UsageError(absl::StrCat("what to write to ", to_,
                                   " is told by its ending: .pb, .pbtxt, ",
                                   ".prototxt, .txt, .json, .npy, .npz or .minidb"));
  }

  // With the weights as they are after the init nets have run, and inputs and outputs as Predictor
  // finds them.
  absl::Status MakePredictor() const {
    DOPPIO_ASSIGN_OR_RETURN(Model model, LoadModel(from_));
    for (const std::string& path : inits_) {
      DOPPIO_ASSIGN_OR_RETURN(NetDef init, LoadNamedNet(path));
      model.inits.push_back(std::move(init));
    }
    Model saved;
    saved.predict = model.predict;
    PredictorOptions as_it_is;
    as_it_is.optimize = false;
    DOPPIO_ASSIGN_OR_RETURN(const auto predictor, Predictor::Create(std::move(model), as_it_is));
    saved.inputs = predictor->inputs();
    saved.outputs = predictor->outputs();
    for (const std::string& name : predictor->weights().LocalBlobs()) {
      DOPPIO_ASSIGN_OR_RETURN(saved.weights[name], predictor->weights().Fetch(name));
    }
    return SaveModel(saved, to_);
  }

  absl::Status ConvertTensor(FileKind kind) {
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors, LoadTensors(from_));
    const bool must_choose = kind == FileKind::kNpz && tensors.size() != 1;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, LoadTensor(from_, must_choose ? name_ : ""));
    std::string name = name_;
    if (name.empty() && tensors.size() == 1) name = tensors[0].name;
    return SaveTensor(tensor, to_, name);
  }

  std::string from_;
  std::string to_;
  std::string name_;
  std::vector<std::string> inits_;
};

DOPPIO_COMMAND(ConvertCommand, "convert", "Write a file again in another format",
               "  doppio convert predict_net.pb predict_net.pbtxt\n"
               "  doppio convert net.pbtxt net.json\n"
               "  doppio convert predict_net.pb --init init_net.pb predictor.minidb\n"
               "  doppio convert cat.npy cat.pb --name data\n");

}  // namespace
}  // namespace doppio::tools
