#ifndef DOPPIO_ONNX_EXPORT_GRAPH_EXPORT_H_
#define DOPPIO_ONNX_EXPORT_GRAPH_EXPORT_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "doppio/model.h"
#include "doppio/onnx.h"
#include "doppio/onnx.pb.h"
#include "src/graph/problem_list.h"
#include "src/onnx/export/op_export.h"

namespace doppio {
namespace onnx {

// The net of a model, all of whose weights are in model.weights, on its way to a graph.
//
// A blob is a value for each time that it is written. What a blob holds when the net has run has
// the blob's name, as has what it holds before; what it holds in between gets a number.
class GraphExport {
 public:
  // `model` and `options` must outlive it.
  GraphExport(const Model& model, const OnnxOptions& options);
  // A net inside an operator of `around`, of which the blobs `outputs` are wanted.
  GraphExport(const GraphExport& around, const NetDef& net, std::vector<std::string> outputs);

  // Errors name all operators that can not be taken along.
  absl::StatusOr<GraphProto> Export();

  // For OpExport.
  int opset() const { return options_.opset; }
  const ValueInfo& Info(const std::string& blob) const;
  // Of the operator that is being exported.
  const ValueInfo& OutputInfo(int output) const { return output_infos_[output]; }
  // Of the same: what inference could not tell.
  void SetOutput(int output, DataType dtype, std::optional<Dims> dims);
  // With that name, or, where it is taken, that with a number.
  NodeProto* AddNode(const std::string& name);
  // The same for values.
  std::string NewName(const std::string& wanted) { return Unique(wanted, &names_->values); }
  void AddInitializer(const std::string& name, const Tensor& tensor);

 private:
  static std::string Unique(const std::string& wanted, std::set<std::string>* taken);
  void NoteWrites();
  absl::Status AddInputs();
  // For each operator which of its outputs somebody reads; empty where it is not needed.
  std::vector<std::vector<bool>> FindWanted() const;
  absl::Status AddOp(int index, const std::vector<bool>& wanted);
  // What it makes, in all trials. Fills output_infos_.
  absl::Status Infer(const OperatorDef& def, std::vector<BlobInfos>* made);
  absl::Status CheckTypes(const OperatorDef& def) const;
  // Whether all that is wanted of an operator is constant; output_infos_ has the values then.
  bool Fold(const OperatorDef& def, const std::vector<bool>& wanted);
  // Of the values that an operator makes.
  std::vector<std::string> NamesFor(const OperatorDef& def, int index);
  static ValueInfoProto Declared(const std::string& name, const ValueInfo& info);
  void AddOutputs();
  // Weights that a node reads, or that the model gives.
  void AddWeights();

  // All names of a model, those inside operators included.
  struct Names {
    std::set<std::string> values;  // and of blobs that are there to be
    std::set<std::string> nodes;
  };

  const OnnxOptions& options_;
  const Model* model_ = nullptr;  // null inside an operator
  NetDef net_;                    // operators list what nets inside them write
  std::vector<std::string> outputs_;
  std::shared_ptr<Names> names_;
  GraphProto graph_;
  ProblemList problems_;
  std::set<std::string> from_outside_;
  std::map<std::string, std::string> values_;  // what blobs hold now, by blob
  std::map<std::string, int> last_writes_;     // the operator that writes a blob last
  // What is known of blobs, with several sizes in the place of those that are not known.
  std::vector<BlobInfos> trials_;
  bool has_open_size_ = false;
  std::map<std::string, ValueInfo> infos_;  // what they have in common
  std::vector<ValueInfo> output_infos_;     // of the operator that is being exported
};

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_EXPORT_GRAPH_EXPORT_H_
