#ifndef DOPPIO_ONNX_IMPORT_GRAPH_IMPORT_H_
#define DOPPIO_ONNX_IMPORT_GRAPH_IMPORT_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/infer.h"
#include "doppio/limits.h"
#include "doppio/model.h"
#include "doppio/onnx.pb.h"
#include "doppio/status.h"

namespace doppio {
namespace onnx {

// Versions of operators by domain; "" is ONNX's own.
using Opsets = std::map<std::string, int64_t>;

// What all graphs of a model share while they are imported.
struct ModelImport {
  const ModelProto* proto = nullptr;
  std::string folder;
  Limits limits;
  Opsets opsets;
  Model model;
  std::set<std::string> names;       // of all values, and of blobs beside them
  std::set<std::string> made;        // blobs that there are already
  BlobInfos infos;                   // what is known of them
  std::map<std::string, int> ranks;  // of those whose rank was declared
  int64_t nodes = 0;

  // `wanted`, or, where it is taken, that with a number.
  std::string NewName(const std::string& wanted);
  void AddProblem(const absl::Status& problem, const std::string& where);
  // All problems as one error.
  absl::Status status() const;

 private:
  std::vector<std::string> problems_;
  bool all_unimplemented_ = true;
};

// One graph, or the body of a function, on its way to a net.
class GraphImport {
 public:
  GraphImport(ModelImport* model, const Opsets* opsets, GraphImport* parent)
      : model_(model), opsets_(opsets), parent_(parent), depth_(parent ? parent->depth_ + 1 : 0) {}

  // The graph of the model: its names are those of the blobs, what it reads and makes becomes the
  // model's. Problems are left in the ModelImport.
  void ImportModel();

  // For NodeImport.
  ModelImport* model() { return model_; }
  NetDef* net() { return &net_; }
  int64_t OpsetOf(const std::string& domain) const;
  // What is known of a blob, after all operators that are there.
  const TensorInfo& Info(const std::string& blob);
  absl::StatusOr<NetDef> Subgraph(const GraphProto& graph, std::vector<std::string>* inputs,
                                  std::vector<std::string>* outputs);

 private:
  using Nodes = google::protobuf::RepeatedPtrField<NodeProto>;

  // The blob of a value of this graph or one around it; null where nothing has made it yet.
  const std::string* FindBlob(const std::string& value) const;
  // A value that is made here; an error where there is one of its name.
  absl::StatusOr<std::string> Define(const std::string& value);
  void Declare(const ValueInfoProto& info, const std::string& blob);
  void AddInitializers(const GraphProto& graph);
  void AddNodes(const Nodes& nodes);
  absl::Status AddNode(const NodeProto& node);
  absl::Status CallFunction(const FunctionProto& function, const NodeProto& node,
                            const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs);
  absl::Status Infer();

  ModelImport* model_;
  const Opsets* opsets_;
  GraphImport* parent_;
  int depth_;
  NetDef net_;
  int inferred_ = 0;                           // how many operators
  std::map<std::string, std::string> blobs_;   // by value
  std::map<std::string, std::string> wanted_;  // names of blobs that are there to be made
  std::set<std::string> later_;                // values that nodes further on make
};

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_GRAPH_IMPORT_H_
