#ifndef DOPPIO_ONNX_IMPORT_NODE_IMPORT_H_
#define DOPPIO_ONNX_IMPORT_NODE_IMPORT_H_

// How a node of an ONNX graph becomes operators: one function for each of ONNX's operators, for all
// the versions of it that are read, registered where it stands.
//
//   absl::Status ImportFlatten(NodeImport& node) {
//     node.Op("Flatten", {node.Input(0)}, {node.Output(0)}, {MakeArgument("axis", node.Int("axis",
//     1))}); return absl::OkStatus();
//   }
//   DOPPIO_ONNX_IMPORT(Flatten, ImportFlatten);
//
// What the function can not translate exactly is refused with node.Unsupported(why). Attributes
// that it does not ask for are refused for it.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/infer.h"
#include "doppio/onnx.pb.h"
#include "doppio/op_def.h"
#include "doppio/status.h"

namespace doppio {
namespace onnx {

class GraphImport;

class NodeImport {
 public:
  // `inputs` and `outputs` are the names of blobs, empty for what is left out.
  NodeImport(GraphImport* graph, const NodeProto& node, std::vector<std::string> inputs,
             std::vector<std::string> outputs);

  const NodeProto& proto() const { return node_; }
  // The version of the operators of the node's domain.
  int64_t opset() const;

  int InputSize() const { return static_cast<int>(inputs_.size()); }
  int OutputSize() const { return static_cast<int>(outputs_.size()); }
  bool HasInput(int i);
  bool HasOutput(int i);
  // The blob of an input; an input that is required and not there is the node's error.
  const std::string& Input(int i);
  // The blob of an output; of one that is left out a blob that nobody reads.
  const std::string& Output(int i);
  // All of them, one at least; one that is left out between others is an error.
  const std::vector<std::string>& Inputs();
  std::vector<std::string> Outputs();

  // Attributes, or the fallback (lists: empty) where they are not given. One of another type is the
  // node's error.
  bool HasAttribute(absl::string_view name) const { return Find(name) != nullptr; }
  int64_t Int(absl::string_view name, int64_t fallback);
  float Float(absl::string_view name, float fallback);
  std::string String(absl::string_view name, absl::string_view fallback);
  std::vector<int64_t> Ints(absl::string_view name);
  std::vector<float> Floats(absl::string_view name);
  std::vector<std::string> Strings(absl::string_view name);
  // Required.
  absl::StatusOr<Tensor> TensorAttribute(absl::string_view name);
  // The net of a graph, required. It reads blobs of the graphs around it, and what it makes has
  // names of its own; `inputs` and `outputs` get the blobs of the graph's inputs and outputs. It
  // may be taken several times, and is another net with other blobs each time.
  absl::StatusOr<NetDef> Subgraph(absl::string_view name, std::vector<std::string>* inputs,
                                  std::vector<std::string>* outputs);

  // What is known of a blob before anything runs.
  const TensorInfo& Info(const std::string& blob);
  DataType dtype(int input) { return Info(Input(input)).dtype; }  // kUndefined: not known
  // Known more often than the shape is, which may have names in place of sizes.
  std::optional<int> Rank(int input);
  // Of a constant: an initializer, or what follows from constants; else null.
  const Tensor* Value(int input);
  // The whole numbers of a constant of int64 or int32; none where it is not known.
  std::optional<std::vector<int64_t>> KnownInts(int input);

  // Adds an operator behind those that were added before.
  void Op(absl::string_view type, const std::vector<std::string>& inputs,
          const std::vector<std::string>& outputs, const std::vector<Argument>& args = {});
  void Add(OperatorDef op);
  // A name for a blob in between.
  std::string NewBlob(absl::string_view purpose);
  // Tells the type of a blob that operators of this node make: where shapes are not known before
  // the net runs, inference does not.
  void SetType(const std::string& blob, DataType type);
  // All outputs have the type of that input.
  void KeepType(int input = 0);
  // A new weight.
  std::string Constant(absl::string_view purpose, Tensor value);
  std::string ConstantInts(absl::string_view purpose, const std::vector<int64_t>& values);
  std::string ConstantInt(absl::string_view purpose, int64_t value);  // a scalar
  // An output that is a weight.
  void SetOutput(int i, Tensor value);

  static absl::Status Unsupported(absl::string_view why);
  // What went wrong with attributes, inputs and outputs; of a node that was imported also those
  // that nobody asked for. To be looked at when the node is done.
  absl::Status Finish(bool is_imported);

 private:
  const AttributeProto* Find(absl::string_view name) const;
  const AttributeProto* Take(absl::string_view name, AttributeProto::AttributeType type);
  void Fail(const std::string& what);
  void AddWeight(const std::string& blob, Tensor value);

  GraphImport* graph_;
  const NodeProto& node_;
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
  std::set<std::string> taken_;  // attributes
  int asked_inputs_ = 0;         // up to the last one that was asked for
  int asked_outputs_ = 0;
  absl::Status status_;
};

using NodeImporter = absl::Status (*)(NodeImport& node);

// Before main; false where there is one for that operator.
bool RegisterNodeImporter(absl::string_view op_type, NodeImporter importer);
// Null where there is none.
NodeImporter FindNodeImporter(absl::string_view op_type);

#define DOPPIO_ONNX_IMPORT(op_type, importer)                       \
  [[maybe_unused]] static const bool doppio_onnx_import_##op_type = \
      ::doppio::onnx::RegisterNodeImporter(#op_type, importer)

// Refuses an input that is known to be of another type.
absl::Status RequireTypes(NodeImport& node, int input, const std::vector<DataType>& types);

// Adds the operator of this type with the node's inputs and outputs, and the node's attributes as
// arguments of the same names.
absl::Status ImportAs(NodeImport& node, absl::string_view type,
                      const std::vector<std::string>& int_attributes = {},
                      const std::vector<std::string>& float_attributes = {});

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_NODE_IMPORT_H_
