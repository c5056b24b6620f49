#ifndef DOPPIO_ONNX_IMPORT_GRAPH_IMPORT_H_
#define DOPPIO_ONNX_IMPORT_GRAPH_IMPORT_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doppio/infer.h"
#include "doppio/onnx.pb.h"
#include "doppio/status.h"
#include "src/onnx/import/model_import.h"

namespace doppio {
namespace onnx {

// One graph, or the body of a function, on its way to a net.
class GraphImport {
 public:
  // The graph of the model.
  explicit GraphImport(ModelImport* model) : model_(model), opsets_(&model->opsets) {}

  // Values keep their names; what the graph reads and makes becomes the model's. Problems are left
  // in the ModelImport.
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
  using Values = google::protobuf::RepeatedPtrField<ValueInfoProto>;
  // What the attributes of a function stand for in a call.
  using CallAttributes = std::map<std::string, const AttributeProto*>;

  // A graph in the node that `around` is importing, or the function that it calls.
  GraphImport(GraphImport* around, const Opsets* opsets, const CallAttributes* attributes,
              const std::string& what);

  bool is_model() const { return depth_ == 0; }
  absl::Status CheckDepth() const;
  // The blob of a value of this graph or one around it; null where nothing has made it yet, empty
  // where a function was called without it.
  const std::string* FindBlob(const std::string& value) const;
  bool IsMadeLater(const std::string& value) const;
  // A value that is made here; an error where there is one of its name.
  absl::StatusOr<std::string> Define(const std::string& value);

  void AddInitializers(const GraphProto& graph);
  void AddInputs(const Values& inputs);
  void AddInput(const ValueInfoProto& input, const std::string& blob);
  void AddNodes(const Nodes& nodes);
  absl::Status AddNode(const NodeProto& given);
  absl::StatusOr<std::vector<std::string>> InputsOf(const NodeProto& node) const;
  absl::StatusOr<std::vector<std::string>> OutputsOf(const NodeProto& node);
  absl::Status CallFunction(Function* function, const NodeProto& node,
                            const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs);
  void AddOutputs(const Values& outputs);
  // What was declared of a value must be what is known of it.
  void CompareWithDeclared(const ValueInfoProto& value, const char* kind);
  void RemoveUnreadWeights();
  // What follows from the operators that are there.
  void Infer();

  ModelImport* model_;
  const Opsets* opsets_;
  GraphImport* around_ = nullptr;
  const GraphImport* scope_ = nullptr;          // `around_` where its values are seen here too
  const CallAttributes* attributes_ = nullptr;  // within functions
  std::string where_;                           // this graph, for errors: "" or "..., "
  int depth_ = 0;
  NetDef net_;
  std::string place_;                          // the node that is being imported, for errors
  int inferred_ = 0;                           // how many operators
  absl::Status inference_;                     // of the node that is being imported
  std::map<std::string, std::string> blobs_;   // by value
  std::map<std::string, std::string> wanted_;  // names of blobs that are there to be made
  std::set<std::string> later_;                // values that nodes make, here or further on
};

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_GRAPH_IMPORT_H_
