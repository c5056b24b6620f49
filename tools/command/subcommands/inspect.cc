#include <map>

#include "doppio/check.h"
#include "doppio/database.h"
#include "doppio/infer.h"
#include "doppio/model_io.h"
#include "doppio/onnx.h"
#include "doppio/op_def.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "tools/command/known_shapes.h"
#include "tools/command/net_input.h"
#include "tools/command/optimize_report.h"
#include "tools/command/shape_table.h"
#include "tools/command/table.h"
#include "tools/command/tensor_text.h"

namespace doppio::tools {
namespace {

// "Conv 26, Relu 26, MaxPool 3": most frequent first.
std::vector<std::pair<std::string, int>> CountedTypes(const NetDef& net) {
  std::map<std::string, int> counts;
  for (const OperatorDef& op : net.op()) ++counts[op.type()];
  std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::string Line(absl::string_view what, const std::vector<std::string>& words) {
  if (words.empty()) return "";
  std::string line(what);
  for (const std::string& word : words) absl::StrAppend(&line, " ", Printable(word));
  return line + "\n";
}

// Says the same as text and as JSON (a member or an element of what is open).
class Inspection {
 public:
  Inspection() { json_.BeginObject(); }

  JsonWriter& json() { return json_; }
  void Say(absl::string_view text) { absl::StrAppend(&text_, text); }
  const std::string& text() const { return text_; }
  std::string FinishJson() { return json_.EndObject().Finish(); }

  // Of an init net, Filled says what it makes.
  void Net(const NetDef& net, bool is_init = false) {
    std::vector<std::string> inputs;
    for (const NeededInput& input : NeededInputs(net)) inputs.push_back(input.blob);
    const std::vector<std::string> outputs =
        is_init ? std::vector<std::string>() : OutputsOfNet(net);
    const std::vector<std::pair<std::string, int>> types = CountedTypes(net);
    absl::StrAppend(&text_, "net \"", Printable(net.name()),
                    "\": ", Counted(net.op_size(), "operator"), ", executor ",
                    net.type().empty() ? "simple" : Printable(net.type()), "\n");
    std::vector<std::string> counts;
    for (const auto& [type, count] : types) {
      counts.push_back(count == 1 ? type : absl::StrCat(type, "*", count));
    }
    absl::StrAppend(&text_, Line("  operators:", counts), Line("  reads:", inputs),
                    Line("  makes:", outputs));
    json_.Field("name", net.name()).Field("executor", net.type().empty() ? "simple" : net.type());
    json_.Field("operators", net.op_size()).Key("types").BeginObject();
    for (const auto& [type, count] : types) json_.Field(type, count);
    json_.EndObject().ListField("reads", inputs).ListField("makes", outputs);
  }

  // What an init net fills, as far as it is known without running it.
  void Filled(const NetDef& net) {
    const absl::StatusOr<NetInference> inference = InferNet(net, {});
    if (!inference.ok()) {
      absl::StrAppend(&text_, "shapes are not known: ", inference.status().message(), "\n");
      return;
    }
    Table table({"blob", "type", "shape", ">bytes", "filled by"});
    int64_t total = 0;
    json_.Key("blobs").BeginArray();
    for (int k = 0; k < net.op_size(); ++k) {
      const OperatorDef& op = net.op(k);
      for (int o = 0; o < op.output_size(); ++o) {
        const TensorInfo& info = inference->ops[k].outputs[o];
        json_.BeginObject().Field("name", op.output(o)).Field("filled_by", op.type());
        if (info.IsKnown()) {
          const int64_t count = NumElements(*info.dims).value_or(0);
          const int64_t bytes =
              CheckedProduct(count, static_cast<int64_t>(DataTypeSize(info.dtype))).value_or(0);
          total += bytes;
          table.Add({op.output(o), std::string(DataTypeName(info.dtype)), ShapeToString(*info.dims),
                     absl::StrCat(bytes), op.type()});
          json_.Field("dtype", DataTypeName(info.dtype)).ListField("shape", *info.dims);
          json_.Field("bytes", bytes);
        } else {
          table.Add({op.output(o), "?", "?", "?", op.type()});
        }
        json_.EndObject();
      }
    }
    json_.EndArray().Field("blob_bytes", total);
    absl::StrAppend(&text_, table.ToString("  "), "  together ", HumanBytes(total), "\n");
  }

  void Plan(const PlanDef& plan) {
    absl::StrAppend(&text_, "plan \"", Printable(plan.name()),
                    "\": ", Counted(plan.network_size(), "net"), "\n");
    json_.Field("name", plan.name()).Key("nets").BeginArray();
    for (const NetDef& net : plan.network()) {
      json_.BeginObject();
      Net(net);
      json_.EndObject();
    }
    json_.EndArray().Key("steps").BeginArray();
    for (const ExecutionStep& step : plan.execution_step()) Step(step, 0);
    json_.EndArray();
  }

  void Meta(const MetaNetDef& meta) {
    json_.Key("nets").BeginArray();
    for (const NetsMap& entry : meta.nets()) {
      absl::StrAppend(&text_, Printable(entry.key()), ": ");
      json_.BeginObject().Field("role", entry.key());
      Net(entry.value());
      json_.EndObject();
    }
    json_.EndArray().Key("blobs").BeginObject();
    for (const BlobsMap& entry : meta.blobs()) {
      const std::vector<std::string> blobs(entry.value().begin(), entry.value().end());
      Say(Line(absl::StrCat(Printable(entry.key()), ":"), blobs));
      json_.ListField(entry.key(), blobs);
    }
    json_.EndObject();
  }

  void Onnx(const OnnxDescription& model) {
    absl::StrAppend(&text_, "graph \"", Printable(model.graph),
                    "\": ", Counted(model.node_count, "node"), ", IR version ", model.ir_version);
    json_.Field("ir_version", model.ir_version).Key("opsets").BeginObject();
    for (const auto& [domain, version] : model.opsets) {
      absl::StrAppend(&text_, ", opset ", version,
                      domain.empty() ? "" : absl::StrCat(" of ", Printable(domain)));
      json_.Field(domain.empty() ? "ai.onnx" : domain, version);
    }
    json_.EndObject().Field("producer", model.producer).Field("graph", model.graph);
    json_.Field("nodes", model.node_count).Key("types").BeginObject();
    if (!model.producer.empty()) {
      absl::StrAppend(&text_, ", written by ", Printable(model.producer));
    }
    std::vector<std::string> counts;
    for (const auto& [type, count] : model.nodes) {
      counts.push_back(count == 1 ? type : absl::StrCat(type, "*", count));
      json_.Field(type, count);
    }
    absl::StrAppend(&text_, "\n", Line("  operators:", counts));
    json_.EndObject();
    Table table({"", "name", "type", ">bytes"});
    OnnxValues("input", model.inputs, &table);
    OnnxValues("output", model.outputs, &table);
    OnnxValues("weight", model.weights, &table);
    int64_t total = 0;
    for (const auto& weight : model.weights) total += weight.bytes;
    json_.Field("weight_bytes", total);
    absl::StrAppend(&text_, table.ToString("  "), "  ",
                    Counted(static_cast<int64_t>(model.weights.size()), "weight"), ", together ",
                    HumanBytes(total), "\n");
  }

  void Tensors(const std::vector<NamedTensor>& tensors) {
    json_.Key("tensors").BeginArray();
    for (const NamedTensor& tensor : tensors) {
      absl::StrAppend(&text_,
                      DescribeTensor(tensor.name.empty() ? "tensor" : tensor.name, tensor.tensor));
      json_.BeginObject().Field("name", tensor.name);
      TensorToJson(tensor.tensor, &json_);
      json_.EndObject();
    }
    json_.EndArray();
  }

 private:
  void OnnxValues(const char* what, const std::vector<OnnxDescription::Value>& values,
                  Table* table) {
    json_.Key(absl::StrCat(what, "s")).BeginArray();
    for (const OnnxDescription::Value& value : values) {
      table->Add({what, value.name, value.type, value.bytes > 0 ? absl::StrCat(value.bytes) : ""});
      json_.BeginObject().Field("name", value.name).Field("type", value.type).EndObject();
    }
    json_.EndArray();
  }

  // Files can not nest deeper than the readers allow, so neither does this.
  void Step(const ExecutionStep& step, size_t depth) {
    std::vector<std::string> nets(step.network().begin(), step.network().end());
    json_.BeginObject().Field("name", step.name()).ListField("nets", nets);
    std::string line =
        absl::StrCat(std::string(2 * depth + 2, ' '), "step \"", Printable(step.name()), "\"");
    if (step.has_num_iter()) {
      absl::StrAppend(&line, ", ", step.num_iter(), " times");
      json_.Field("num_iter", step.num_iter());
    }
    if (step.has_should_stop_blob()) {
      absl::StrAppend(&line, ", until ", Printable(step.should_stop_blob()));
      json_.Field("should_stop_blob", step.should_stop_blob());
    }
    absl::StrAppend(&text_, line, nets.empty() ? "\n" : Line(": runs", nets));
    json_.Key("steps").BeginArray();
    for (const ExecutionStep& substep : step.substep()) Step(substep, depth + 1);
    json_.EndArray().EndObject();
  }

  std::string text_;
  JsonWriter json_;
};

class InspectCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    options->AddPositional("FILE", &input_.net,
                           "any file, or the folder of a database; its content decides what it is");
    known_.AddOptions(options);
    options->AddList("--init", &input_.inits, "NET",
                     "net that fills weights; with --shape, it is not run");
    options->AddFlag("--optimize", &optimize_,
                     "what a net becomes when it is run: operators and bytes, before and after");
    input_.AddDevice(options);
    options->AddFlag("--json", &json_, "print as JSON");
  }

  absl::Status Run() override {
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    DOPPIO_ASSIGN_OR_RETURN(const FileDescription file, DescribeFile(input_.net));
    if (IsUseless(file.kind)) {
      return absl::InvalidArgumentError(
          absl::StrCat(input_.net, ": this is ", WhatItIs(file.kind)));
    }
    const bool is_model = file.kind == FileKind::kNetDef || file.kind == FileKind::kMetaNetDef ||
                          file.kind == FileKind::kMiniDb || file.kind == FileKind::kOnnx;
    if (optimize_ && !is_model) {
      return UsageError(absl::StrCat("--optimize is for nets and predictors, but ", input_.net,
                                     " is: ", FileKindName(file.kind)));
    }
    if (HasShapes() && !optimize_ && file.kind != FileKind::kNetDef &&
        file.kind != FileKind::kInitNet) {
      return UsageError(absl::StrCat("--shape, --widths and --init are for nets, but ", input_.net,
                                     " is: ", FileKindName(file.kind)));
    }
    Inspection inspection;
    const bool is_proto = file.kind != FileKind::kNpy && file.kind != FileKind::kNpz &&
                          file.kind != FileKind::kPng && file.kind != FileKind::kJpeg &&
                          file.kind != FileKind::kMiniDb && file.kind != FileKind::kDataMiniDb;
    DOPPIO_ASSIGN_OR_RETURN(const std::string kind_name, NameOfKind(file.kind));
    inspection.Say(
        absl::StrCat(Printable(input_.net), ": ", kind_name,
                     is_proto ? absl::StrCat(" (", EncodingName(file.encoding), ")") : "", ", ",
                     HumanBytes(file.bytes), "\n"));
    inspection.json().Field("file", input_.net).Field("kind", kind_name);
    if (is_proto) inspection.json().Field("encoding", EncodingName(file.encoding));
    inspection.json().Field("file_bytes", file.bytes);
    DOPPIO_RETURN_IF_ERROR(Content(file.kind, &inspection));
    Print(json_ ? inspection.FinishJson() : inspection.text());
    return absl::OkStatus();
  }

 private:
  absl::Status Content(FileKind kind, Inspection* inspection) {
    if (optimize_) return Optimized(inspection);
    if (kind == FileKind::kNetDef || kind == FileKind::kInitNet) {
      DOPPIO_ASSIGN_OR_RETURN(const NetDef net, LoadNet(input_.net));
      if (HasShapes()) return Shapes(inspection);
      inspection->Net(net, kind == FileKind::kInitNet);
      if (kind == FileKind::kInitNet) inspection->Filled(net);
    } else if (kind == FileKind::kPlanDef) {
      DOPPIO_ASSIGN_OR_RETURN(const PlanDef plan, LoadPlan(input_.net));
      inspection->Plan(plan);
    } else if (kind == FileKind::kMetaNetDef) {
      MetaNetDef meta;
      DOPPIO_RETURN_IF_ERROR(LoadProto(input_.net, &meta));
      inspection->Meta(meta);
    } else if (kind == FileKind::kOnnx) {
      DOPPIO_ASSIGN_OR_RETURN(const OnnxDescription model, DescribeOnnx(input_.net));
      inspection->Onnx(model);
    } else if (kind == FileKind::kMiniDb) {
      const absl::StatusOr<MetaNetDef> meta = LoadMetaNetDef(input_.net);
      if (meta.ok()) inspection->Meta(*meta);
      if (!meta.ok() && !absl::IsNotFound(meta.status())) return meta.status();
      DOPPIO_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors, LoadTensors(input_.net));
      inspection->Tensors(tensors);
    } else if (kind == FileKind::kOperatorDef) {
      OperatorDef op;
      DOPPIO_RETURN_IF_ERROR(LoadProto(input_.net, &op));
      inspection->Say(Printable(OpToString(op)) + "\n");
      inspection->json().Field("operator", OpToString(op));
    } else if (kind == FileKind::kBlobProto) {
      return BlobContent(inspection);
    } else if (kind != FileKind::kPng && kind != FileKind::kJpeg && kind != FileKind::kDataMiniDb) {
      DOPPIO_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors, LoadTensors(input_.net));
      inspection->Tensors(tensors);
    }
    return absl::OkStatus();
  }

  // Of a database: its type.
  absl::StatusOr<std::string> NameOfKind(FileKind kind) const {
    if (kind != FileKind::kMiniDb && kind != FileKind::kDataMiniDb) {
      return std::string(FileKindName(kind));
    }
    DOPPIO_ASSIGN_OR_RETURN(std::string type, DetectDatabaseType(input_.net));
    return kind == FileKind::kMiniDb ? type : type + " of examples";
  }

  static bool IsUseless(FileKind kind) {
    return kind == FileKind::kUnknown || kind == FileKind::kEmpty ||
           kind == FileKind::kGitLfsPointer || kind == FileKind::kWebPage;
  }

  bool HasShapes() const { return !known_.empty() || !input_.inits.empty(); }

  // All shapes of a net, from those that are given.
  absl::Status Shapes(Inspection* inspection) const {
    DOPPIO_ASSIGN_OR_RETURN(const NetDef net, LoadNamedNet(input_.net));
    inspection->Net(net);
    DOPPIO_ASSIGN_OR_RETURN(BlobInfos given, known_.Load(net));
    for (const std::string& path : input_.inits) {
      DOPPIO_ASSIGN_OR_RETURN(const NetDef init, LoadNamedNet(path));
      DOPPIO_ASSIGN_OR_RETURN(const NetInference filled, InferNet(init, given));
      given.insert(filled.blobs.begin(), filled.blobs.end());
    }
    DOPPIO_ASSIGN_OR_RETURN(const PublishedWidths widths, known_.Widths(net));
    DOPPIO_ASSIGN_OR_RETURN(const NetShapes shapes, InferWeightShapes(net, given, &widths));
    inspection->Say(ShapesToText(net, given, shapes, widths));
    ShapesToJson(net, given, shapes, widths, &inspection->json());
    return absl::OkStatus();
  }

  absl::Status Optimized(Inspection* inspection) const {
    Workspace workspace;
    DOPPIO_ASSIGN_OR_RETURN(const Model model, LoadNamedModel(input_, &workspace));
    DOPPIO_RETURN_IF_ERROR(input_.Fill(&workspace));
    inspection->Net(model.predict);
    DOPPIO_ASSIGN_OR_RETURN(const BlobInfos shapes, known_.Load(model.predict));
    DOPPIO_ASSIGN_OR_RETURN(const PublishedWidths widths, known_.Widths(model.predict));
    DOPPIO_ASSIGN_OR_RETURN(
        const std::string report,
        ReportOptimization(model, shapes, widths, &workspace, &inspection->json()));
    inspection->Say(report);
    return absl::OkStatus();
  }

  // A blob need not be a tensor, and a file may hold one chunk of a blob only.
  absl::Status BlobContent(Inspection* inspection) {
    BlobProto proto;
    DOPPIO_RETURN_IF_ERROR(LoadProto(input_.net, &proto));
    inspection->Say(absl::StrCat("blob \"", Printable(proto.name()), "\" of type ",
                                 Printable(proto.type()), "\n"));
    inspection->json().Field("name", proto.name()).Field("type", proto.type());
    const absl::StatusOr<std::vector<NamedTensor>> tensors = LoadTensors(input_.net);
    if (tensors.ok()) {
      inspection->Tensors(*tensors);
    } else if (proto.has_tensor()) {
      inspection->Say(absl::StrCat("  ", tensors.status().message(), "\n"));
    } else {
      inspection->Say(absl::StrCat("  ", HumanBytes(static_cast<int64_t>(proto.content().size())),
                                   " of content\n"));
    }
    return absl::OkStatus();
  }

  NetInput input_;
  KnownShapes known_;
  bool optimize_ = false;
  bool json_ = false;
};

DOPPIO_COMMAND(InspectCommand, "inspect", "Say what a file is and what is in it",
               "  doppio inspect predict_net.pb\n"
               "  doppio inspect init_net.pb --json\n"
               "  doppio inspect predict_net.pb --init init_net.pb --shape data=1,3,227,227\n"
               "  doppio inspect predict_net.pb --init init_net.pb --optimize\n"
               "  doppio inspect model.onnx\n"
               "  doppio inspect cat.npy\n");

}  // namespace
}  // namespace doppio::tools
