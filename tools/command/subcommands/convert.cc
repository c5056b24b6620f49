#include <filesystem>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "doppio/model_io.h"
#include "doppio/onnx.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "doppio/weight_shapes.h"
#include "tools/command/command.h"
#include "tools/command/init_net.h"
#include "tools/command/known_shapes.h"
#include "tools/command/net_input.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

enum class Target { kMessage, kArray, kModel, kOnnx };

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
  void AddOptions(Options* options) override {
    options->AddPositional(
        "A", &input_.net, "net, plan, ONNX model, blob, tensor, .npy or .npz; its content decides");
    options->AddPositional(
        "B", &to_,
        "file to write. Its ending decides: .pb binary; .pbtxt, .prototxt, .txt text; "
        ".json JSON; .npy, .npz arrays; .minidb a predictor with its weights; .onnx an ONNX model");
    options->AddList("--init", &input_.inits, "NET",
                     "net that fills weights, when a net becomes a predictor or an ONNX model");
    options->AddList(
        "--input", &inputs_, "BLOB",
        "blob that a predictor is fed; default: what the net reads, nothing fills and no "
        "operator takes as a weight");
    options->AddNumber("--opset", &onnx_.opset, kLeastWrittenOnnxOpset, kGreatestOnnxOpset,
                       "version of the operators of an ONNX model");
    shapes_.AddShapes(options);
    options->AddText("--init-out", &init_out_, "FILE",
                     "of an ONNX model that becomes a net: where the init net of its weights goes; "
                     "default: beside B, NAME_init.pb for NAME.pb");
    input_.AddDevice(options);
    options->AddText("--name", &name_, "NAME",
                     "of an .npz with several arrays: which one; else: the name of the blob that "
                     "is written");
  }

  absl::Status Run() override {
    DOPPIO_ASSIGN_OR_RETURN(const Target target, TargetOfEnding());
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    DOPPIO_ASSIGN_OR_RETURN(const FileDescription file, DescribeFile(input_.net));
    std::unique_ptr<google::protobuf::Message> message = NewMessage(file.kind);
    const bool is_model = target == Target::kModel || target == Target::kOnnx;
    if (!is_model && (!input_.inits.empty() || !inputs_.empty())) {
      return UsageError(
          "--init and --input are for a net that becomes a predictor (.minidb, .onnx)");
    }
    if (target != Target::kOnnx && (onnx_.opset != OnnxOptions().opset || !shapes_.empty())) {
      return UsageError("--opset and --shape are for an ONNX model (.onnx)");
    }
    const bool is_onnx = file.kind == FileKind::kOnnx;
    if (!init_out_.empty() && !(is_onnx && target == Target::kMessage)) {
      return UsageError("--init-out is for an ONNX model that becomes a net");
    }
    if (!input_.device.empty() && !is_onnx && (message == nullptr || !HoldsNets(file.kind))) {
      return UsageError("--device is for nets and plans");
    }
    if (is_model && (file.kind == FileKind::kNetDef || file.kind == FileKind::kMetaNetDef ||
                     is_onnx || (target == Target::kOnnx && file.kind == FileKind::kMiniDb))) {
      DOPPIO_RETURN_IF_ERROR(MakePredictor(target));
    } else if (target == Target::kMessage && is_onnx) {
      if (!name_.empty()) return UsageError("--name is for arrays");
      DOPPIO_RETURN_IF_ERROR(MakeNets());
    } else if (target == Target::kMessage && message != nullptr) {
      if (!name_.empty()) return UsageError("--name is for arrays");
      DOPPIO_RETURN_IF_ERROR(LoadProto(input_.net, message.get()));
      Place(message.get());
      DOPPIO_RETURN_IF_ERROR(SaveProto(*message, to_));
    } else if (HoldsTensor(file.kind)) {
      DOPPIO_RETURN_IF_ERROR(ConvertTensor(file.kind));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(input_.net, " can not become ", to_, ": it is ", WhatItIs(file.kind)));
    }
    std::error_code error;  // Pipes have no size.
    const uintmax_t written = std::filesystem::file_size(to_, error);
    Print(absl::StrCat(input_.net, " (", FileKindName(file.kind), ", ", HumanBytes(file.bytes),
                       ") -> ", to_, error ? "" : absl::StrCat(" (", HumanBytes(written), ")"),
                       "\n", note_));
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<Target> TargetOfEnding() const {
    const std::string ending =
        absl::AsciiStrToLower(std::filesystem::path(to_).extension().string());
    if (ending == ".npy" || ending == ".npz") return Target::kArray;
    if (ending == ".minidb") return Target::kModel;
    if (ending == ".onnx") return Target::kOnnx;
    for (const char* known : {".pb", ".bin", ".pbtxt", ".prototxt", ".txt", ".json"}) {
      if (ending == known) return Target::kMessage;
    }
    return UsageError(absl::StrCat("what to write to ", to_,
                                   " is told by its ending: .pb, .pbtxt, ",
                                   ".prototxt, .txt, .json, .npy, .npz, .minidb or .onnx"));
  }

  // With the weights as they are after the init nets have run, and inputs and outputs as Predictor
  // finds them.
  absl::Status MakePredictor(Target target) {
    DOPPIO_ASSIGN_OR_RETURN(Model model, LoadModel(input_.net));
    for (const std::string& path : input_.inits) {
      DOPPIO_ASSIGN_OR_RETURN(NetDef init, LoadNamedNet(path));
      model.inits.push_back(std::move(init));
    }
    input_.Place(&model.predict);
    for (NetDef& init : model.inits) input_.Place(&init);
    if (!inputs_.empty()) model.inputs = inputs_;
    if (model.inputs.empty()) DOPPIO_RETURN_IF_ERROR(CheckWeightsAreThere(model));
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
    note_ = absl::StrCat("fed: ", Printable(absl::StrJoin(saved.inputs, " ")),
                         "\nmade: ", Printable(absl::StrJoin(saved.outputs, " ")), "\n");
    if (target == Target::kModel) return SaveModel(saved, to_);
    DOPPIO_ASSIGN_OR_RETURN(onnx_.inputs, shapes_.Load(saved.predict, true));
    return SaveOnnx(saved, to_, onnx_);
  }

  // Two files, as Caffe2 has them: the net, and an init net that fills its weights.
  absl::Status MakeNets() {
    DOPPIO_ASSIGN_OR_RETURN(Model model, LoadModel(input_.net));
    NetBuilder fills(model.predict.name() + "_init");
    std::vector<std::string> unfilled;
    for (const auto& [name, tensor] : model.weights) {
      const absl::Status added = AddFill(name, tensor, &fills);
      if (!added.ok()) unfilled.emplace_back(added.message());
    }
    if (!unfilled.empty()) {
      return absl::UnimplementedError(absl::StrCat(input_.net, ": ", absl::StrJoin(unfilled, "\n"),
                                                   "\nA .minidb holds all weights"));
    }
    NetDef init = fills.def();
    input_.Place(&model.predict);
    input_.Place(&init);
    if (init_out_.empty()) {
      const std::filesystem::path to = to_;
      init_out_ = (to.parent_path() / (to.stem().string() + "_init" + to.extension().string()));
    }
    DOPPIO_RETURN_IF_ERROR(SaveProto(init, init_out_));
    note_ = absl::StrCat("weights: ", init_out_, " (",
                         Counted(static_cast<int64_t>(model.weights.size()), "tensor"),
                         ")\nfed: ", Printable(absl::StrJoin(model.inputs, " ")),
                         "\nmade: ", Printable(absl::StrJoin(model.outputs, " ")), "\n");
    return SaveProto(model.predict, to_);
  }

  // What would be an input of the predictor although an operator takes it as a weight was
  // forgotten.
  absl::Status CheckWeightsAreThere(const Model& model) const {
    std::set<std::string> filled;
    for (const auto& [name, tensor] : model.weights) filled.insert(name);
    for (const NetDef& init : model.inits) {
      for (const OperatorDef& op : init.op()) {
        filled.insert(op.output().begin(), op.output().end());
      }
    }
    std::vector<std::string> missing;
    for (const std::string& weight : WeightsOfNet(model.predict)) {
      if (filled.count(weight) == 0) missing.push_back(Printable(weight));
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "net \"", model.predict.name(), "\" reads ",
        Counted(static_cast<int64_t>(missing.size()), "weight"), " that nothing fills: ",
        absl::StrJoin(missing, ", "), ". Give --init NET; of a net that is fed weights, name all ",
        "inputs with --input BLOB. Nothing was written"));
  }

  bool HoldsNets(FileKind kind) const {
    return kind == FileKind::kNetDef || kind == FileKind::kInitNet || kind == FileKind::kPlanDef ||
           kind == FileKind::kMetaNetDef;
  }

  void Place(google::protobuf::Message* message) const {
    if (auto* net = dynamic_cast<NetDef*>(message)) input_.Place(net);
    if (auto* plan = dynamic_cast<PlanDef*>(message)) {
      for (NetDef& net : *plan->mutable_network()) input_.Place(&net);
    }
    if (auto* meta = dynamic_cast<MetaNetDef*>(message)) {
      for (NetsMap& entry : *meta->mutable_nets()) input_.Place(entry.mutable_value());
    }
  }

  absl::Status ConvertTensor(FileKind kind) {
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors, LoadTensors(input_.net));
    const bool must_choose = kind == FileKind::kNpz && tensors.size() != 1;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor tensor, LoadTensor(input_.net, must_choose ? name_ : ""));
    std::string name = name_;
    if (name.empty() && tensors.size() == 1) name = tensors[0].name;
    return SaveTensor(tensor, to_, name);
  }

  NetInput input_;
  std::string to_;
  std::string name_;
  std::vector<std::string> inputs_;
  OnnxOptions onnx_;
  KnownShapes shapes_;
  std::string init_out_;
  std::string note_;  // what a predictor was found to read and make
};

DOPPIO_COMMAND(ConvertCommand, "convert", "Write a file again in another format",
               "  doppio convert predict_net.pb predict_net.pbtxt\n"
               "  doppio convert net.pbtxt net.json\n"
               "  doppio convert predict_net.pb --init init_net.pb predictor.minidb\n"
               "  doppio convert predict_net.pb --init init_net.pb model.onnx --shape "
               "data=1,3,224,224\n"
               "  doppio convert model.onnx predict_net.pb --init-out init_net.pb\n"
               "  doppio convert cat.npy cat.pb --name data\n");

}  // namespace
}  // namespace doppio::tools
