#include "doppio/model_io.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "doppio/cancellation.h"
#include "doppio/op_def.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "src/io/database_blobs.h"
#include "src/io/file.h"
#include "src/io/minidb.h"
#include "src/io/model_format.h"

namespace doppio {
namespace {

std::map<FileKind, io::ModelReader>& ModelReaders() {
  static auto* const readers = new std::map<FileKind, io::ModelReader>;
  return *readers;
}

// Names of caffe2/proto/predictor_consts.proto.
constexpr char kMetaNetDef[] = "!!META_NET_DEF";
constexpr char kDbReader[] = "!!PREDICTOR_DBREADER";
constexpr char kParameters[] = "PARAMETERS_BLOB_TYPE";
constexpr char kInputs[] = "INPUTS_BLOB_TYPE";
constexpr char kOutputs[] = "OUTPUTS_BLOB_TYPE";
constexpr char kGlobalInit[] = "GLOBAL_INIT_NET_TYPE";
constexpr char kPredictInit[] = "PREDICT_INIT_NET_TYPE";
constexpr char kPredict[] = "PREDICT_NET_TYPE";

// What stands behind "_" in the keys of the model that is asked for; empty for a model without a
// name.
absl::StatusOr<std::string> SuffixOf(const MetaNetDef& meta, absl::string_view name) {
  std::vector<std::string> suffixes;
  for (const NetsMap& entry : meta.nets()) {
    if (absl::StartsWith(entry.key(), kPredict)) {
      suffixes.push_back(entry.key().substr(sizeof(kPredict) - 1));
    }
  }
  const std::string wanted = name.empty() ? "" : absl::StrCat("_", name);
  if (std::find(suffixes.begin(), suffixes.end(), wanted) != suffixes.end()) return wanted;
  if (name.empty() && suffixes.size() == 1) return suffixes[0];
  for (std::string& suffix : suffixes) suffix = absl::StrCat("\"", suffix.substr(1), "\"");
  return absl::NotFoundError(absl::StrCat(
      name.empty() ? "a model must be named" : absl::StrCat("there is no model \"", name, "\""),
      suffixes.empty() ? ": this MetaNetDef has no PREDICT_NET_TYPE" : "; there are ",
      absl::StrJoin(suffixes, ", ")));
}

NetDef* FindNet(MetaNetDef* meta, absl::string_view key) {
  for (NetsMap& entry : *meta->mutable_nets()) {
    if (entry.key() == key) return entry.mutable_value();
  }
  return nullptr;
}

std::vector<std::string> BlobsOf(const MetaNetDef& meta, absl::string_view key) {
  for (const BlobsMap& entry : meta.blobs()) {
    if (entry.key() == key) return {entry.value().begin(), entry.value().end()};
  }
  return {};
}

// The operators that loaded parameters from the database have nothing left to do.
void RemoveLoads(NetDef* net) {
  auto* ops = net->mutable_op();
  ops->erase(std::remove_if(ops->begin(), ops->end(),
                            [](const OperatorDef& op) {
                              return op.type() == "Load" && op.input_size() > 0 &&
                                     op.input(0) == kDbReader;
                            }),
             ops->end());
}

absl::StatusOr<Model> ModelOf(MetaNetDef meta, absl::string_view name) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string suffix, SuffixOf(meta, name));
  Model model;
  for (const char* key : {kGlobalInit, kPredictInit}) {
    NetDef* net = FindNet(&meta, key + suffix);
    if (net == nullptr) continue;
    RemoveLoads(net);
    if (net->op_size() > 0) model.inits.push_back(std::move(*net));
  }
  model.predict = std::move(*FindNet(&meta, kPredict + suffix));
  model.inputs = BlobsOf(meta, kInputs + suffix);
  model.outputs = BlobsOf(meta, kOutputs + suffix);
  return model;
}

absl::Status ParseMeta(const Blob& blob, const Limits& limits, MetaNetDef* meta) {
  const std::string* bytes = blob.Get<std::string>();
  if (bytes == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", kMetaNetDef, "\" is ", blob.TypeName(), ", not a string"));
  }
  return ParseProto(*bytes, meta, limits, kMetaNetDef);
}

absl::StatusOr<Model> LoadDatabase(const std::string& path, absl::string_view name,
                                   const Limits& limits) {
  MetaNetDef meta;
  bool has_meta = false;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> others;
  const auto visit = [&](const std::string& blob_name, const std::string& type, const Blob* blob) {
    if (blob_name == kMetaNetDef && blob != nullptr) {
      has_meta = true;
      return ParseMeta(*blob, limits, &meta);
    }
    const Tensor* tensor = blob == nullptr ? nullptr : blob->Get<Tensor>();
    if (tensor != nullptr) {
      tensors[blob_name] = *tensor;
    } else {
      others[blob_name] = type;
    }
    return absl::OkStatus();
  };
  DOPPIO_RETURN_IF_ERROR(io::ReadDatabaseBlobs(path, limits, visit));
  if (!has_meta) {
    std::vector<std::string> names;
    for (const auto& [blob_name, tensor] : tensors) names.push_back(blob_name);
    for (const auto& [blob_name, type] : others) names.push_back(blob_name);
    constexpr size_t kShown = 5;
    const char* more = names.size() > kShown ? ", ..." : "";
    if (names.size() > kShown) names.resize(kShown);
    return absl::InvalidArgumentError(
        absl::StrCat("this database is no predictor, since it holds blobs (",
                     absl::StrJoin(names, ", "), more, "), but no net: no \"", kMetaNetDef, "\""));
  }
  DOPPIO_ASSIGN_OR_RETURN(const std::string suffix, SuffixOf(meta, name));
  std::vector<std::string> missing;
  for (const std::string& parameter : BlobsOf(meta, kParameters + suffix)) {
    const auto other = others.find(parameter);
    if (other != others.end()) {
      return absl::UnimplementedError(absl::StrCat("parameter \"", parameter, "\" is of type \"",
                                                   other->second, "\", not a tensor"));
    }
    if (tensors.count(parameter) == 0) missing.push_back(parameter);
  }
  if (!missing.empty()) {
    return absl::DataLossError(
        absl::StrCat("parameters are missing: ", absl::StrJoin(missing, ", ")));
  }
  DOPPIO_ASSIGN_OR_RETURN(Model model, ModelOf(std::move(meta), name));
  model.weights = std::move(tensors);
  return model;
}

absl::StatusOr<Model> LoadFile(const std::string& path, absl::string_view name,
                               const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(io::FileBytes file, io::ReadFile(path, limits));
  const FileKind kind = DescribeBytes(file.view(), limits).kind;
  if (const io::ModelReader read = io::FindModelReader(kind)) {
    if (!name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": ", WhatItIs(kind), " holds one model, not one named \"", name, "\""));
    }
    absl::StatusOr<Model> model = read(std::move(file), path, limits);
    if (!model.ok()) return Annotate(model.status(), path);
    return model;
  }
  if (kind == FileKind::kMetaNetDef) {
    MetaNetDef meta;
    DOPPIO_RETURN_IF_ERROR(ParseProto(file.view(), &meta, limits, path));
    absl::StatusOr<Model> model = ModelOf(std::move(meta), name);
    if (!model.ok()) return Annotate(model.status(), path);
    return model;
  }
  Model model;
  DOPPIO_RETURN_IF_ERROR(ParseProto(file.view(), &model.predict, limits, path));
  return model;
}

void AddBlobs(const char* key, const std::vector<std::string>& names, MetaNetDef* meta) {
  BlobsMap* blobs = meta->add_blobs();
  blobs->set_key(key);
  for (const std::string& name : names) blobs->add_value(name);
}

void AddPlaceholder(const std::string& blob, NetDef* net) {
  OperatorDef* op = net->add_op();
  op->set_type("ConstantFill");
  op->add_output(blob);
  *op->add_arg() = MakeArgument<std::vector<int64_t>>("shape", {1, 1});
}

MetaNetDef MetaOf(const Model& model) {
  MetaNetDef meta;
  std::vector<std::string> parameters;
  for (const auto& [name, tensor] : model.weights) parameters.push_back(name);

  NetsMap* init = meta.add_nets();
  init->set_key(kPredictInit);
  init->mutable_value()->set_name("predict-init");
  for (const NetDef& net : model.inits) init->mutable_value()->mutable_op()->MergeFrom(net.op());
  // Caffe2 wants all blobs to exist before it makes a net.
  for (const std::string& name : model.inputs) AddPlaceholder(name, init->mutable_value());

  NetsMap* load = meta.add_nets();
  load->set_key(kGlobalInit);
  load->mutable_value()->set_name("global-init");
  load->mutable_value()->add_external_input(kDbReader);
  OperatorDef* op = load->mutable_value()->add_op();
  op->set_type("Load");
  op->add_input(kDbReader);
  for (const std::string& name : parameters) {
    op->add_output(name);
    load->mutable_value()->add_external_output(name);
  }

  NetsMap* predict = meta.add_nets();
  predict->set_key(kPredict);
  *predict->mutable_value() = model.predict;
  // It has to be said there what the net reads and makes.
  NetDef* net = predict->mutable_value();
  if (net->external_input_size() == 0) {
    for (const std::string& name : model.inputs) net->add_external_input(name);
    for (const std::string& name : parameters) net->add_external_input(name);
  }
  if (net->external_output_size() == 0) {
    for (const std::string& name : model.outputs) net->add_external_output(name);
  }
  AddBlobs(kParameters, parameters, &meta);
  AddBlobs(kInputs, model.inputs, &meta);
  AddBlobs(kOutputs, model.outputs, &meta);
  return meta;
}

}  // namespace

bool io::RegisterModelReader(FileKind kind, ModelReader reader) {
  return ModelReaders().emplace(kind, reader).second;
}

io::ModelReader io::FindModelReader(FileKind kind) {
  const auto found = ModelReaders().find(kind);
  return found == ModelReaders().end() ? nullptr : found->second;
}

absl::StatusOr<Model> LoadModel(const std::string& path, absl::string_view name,
                                const Limits& limits) {
  if (!io::IsBlobDatabase(path)) return LoadFile(path, name, limits);
  absl::StatusOr<Model> model = LoadDatabase(path, name, limits);
  if (model.ok() || absl::StartsWith(model.status().message(), path)) return model;
  return Annotate(model.status(), path);
}

absl::StatusOr<MetaNetDef> LoadMetaNetDef(const std::string& path, const Limits& limits) {
  MetaNetDef meta;
  if (!io::IsBlobDatabase(path)) {
    DOPPIO_RETURN_IF_ERROR(LoadProto(path, &meta, limits));
    return meta;
  }
  // It stands first in files that Caffe2 wrote, for readers that stop there.
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<DatabaseCursor> cursor,
                          io::OpenRecords(path, limits));
  while (cursor->Valid()) {
    DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), path));
    if (cursor->Key() == kMetaNetDef) {
      BlobProto proto;
      DOPPIO_RETURN_IF_ERROR(ParseProto(cursor->Value(), &proto, limits, path));
      Blob blob;
      DOPPIO_RETURN_IF_ERROR(Annotate(BlobFromProto(proto, &blob, limits), path));
      DOPPIO_RETURN_IF_ERROR(Annotate(ParseMeta(blob, limits, &meta), path));
      return meta;
    }
    DOPPIO_RETURN_IF_ERROR(cursor->Next());
  }
  return absl::NotFoundError(absl::StrCat(path, ": no MetaNetDef in this database"));
}

absl::Status SaveModel(const Model& model, const std::string& path) {
  return io::WriteFile(path, [&](google::protobuf::io::ZeroCopyOutputStream* out) {
    const auto write = [&](const std::string& key, const BlobProto& proto) {
      std::string value;
      if (!proto.SerializeToString(&value)) {
        return absl::ResourceExhaustedError(absl::StrCat("blob \"", key, "\" is too large"));
      }
      return io::WriteMiniDbRecord(key, value, out);
    };
    Blob meta;
    if (!MetaOf(model).SerializeToString(meta.GetMutable<std::string>())) {
      return absl::ResourceExhaustedError("the nets are too large for one message");
    }
    DOPPIO_RETURN_IF_ERROR(SerializeBlob(meta, kMetaNetDef, {}, write));
    for (const auto& [name, tensor] : model.weights) {
      Blob blob;
      *blob.GetMutable<Tensor>() = tensor;
      DOPPIO_RETURN_IF_ERROR(SerializeBlob(blob, name, {}, write));
    }
    return absl::OkStatus();
  });
}

}  // namespace doppio
