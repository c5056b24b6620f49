#ifndef DOPPIO_ONNX_EXPORT_OP_EXPORT_H_
#define DOPPIO_ONNX_EXPORT_OP_EXPORT_H_

// How an operator becomes nodes of an ONNX graph: one function for each of Caffe2's operators, for
// all the versions of ONNX that are written, registered where it stands.
//
//   absl::Status ExportSwish(OpExport& op) {
//     const std::string gate = op.Node("Sigmoid", {op.Input(0)});
//     op.Node("Mul", {op.Input(0), gate}, {}, op.Output(0));
//     return absl::OkStatus();
//   }
//   DOPPIO_ONNX_EXPORT(Swish, ExportSwish);
//
// What the function can not say exactly is refused with op.Unsupported(why). Arguments that it does
// not ask for, and outputs that it does not make though somebody reads them, are refused for it.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/arguments.h"
#include "doppio/onnx.pb.h"
#include "doppio/schema.h"
#include "doppio/status.h"

namespace doppio {
namespace onnx {

class GraphExport;

AttributeProto MakeAttribute(absl::string_view name, int64_t value);
AttributeProto MakeAttribute(absl::string_view name, int value);
AttributeProto MakeAttribute(absl::string_view name, bool value);
AttributeProto MakeAttribute(absl::string_view name, float value);
AttributeProto MakeAttribute(absl::string_view name, const char* value);
AttributeProto MakeAttribute(absl::string_view name, const std::string& value);
AttributeProto MakeAttribute(absl::string_view name, const std::vector<int64_t>& value);
AttributeProto MakeAttribute(absl::string_view name, const std::vector<float>& value);
AttributeProto MakeAttribute(absl::string_view name, const Tensor& value);
AttributeProto MakeAttribute(absl::string_view name, const GraphProto& value);

// What is known of a value before any run.
struct ValueInfo {
  DataType dtype = DataType::kUndefined;
  std::optional<Dims> dims;  // -1: a size that may be another one in another run
  std::optional<Tensor> value;
};
// Whether all sizes are known.
bool IsFixed(const ValueInfo& info);

class OpExport {
 public:
  // `inputs` and `outputs` are the names of values.
  OpExport(GraphExport* graph, const OperatorDef& def, std::vector<std::string> inputs,
           std::vector<std::string> outputs, std::vector<bool> wanted);

  const OperatorDef& def() const { return def_; }
  int opset() const;
  GraphExport* graph() { return graph_; }

  int InputSize() const { return static_cast<int>(inputs_.size()); }
  int OutputSize() const { return static_cast<int>(outputs_.size()); }
  const std::string& Input(int i) const { return inputs_[i]; }
  const std::vector<std::string>& inputs() const { return inputs_; }
  // The value that the operator has to make.
  const std::string& Output(int i) {
    made_.insert(i);
    return outputs_[i];
  }
  std::vector<std::string> Outputs();
  // Whether the net reads the output, or is asked for it.
  bool IsWanted(int output) const { return output < OutputSize() && wanted_[output]; }

  // Arguments, or the default that the schema states.
  bool Has(absl::string_view name) const { return arguments_.HasArgument(name); }
  int64_t Int(absl::string_view name) { return Get<int64_t>(name); }
  bool Flag(absl::string_view name) { return Get<bool>(name); }
  float Float(absl::string_view name) { return Get<float>(name); }
  std::string Text(absl::string_view name) { return Get<std::string>(name); }
  std::vector<int64_t> Ints(absl::string_view name) { return GetList<int64_t>(name); }
  std::vector<float> Floats(absl::string_view name) { return GetList<float>(name); }
  DataType TypeArgument(absl::string_view name, DataType fallback);
  // For what reads many at once. All of `names` count as asked for.
  ArgumentReader* Arguments(std::initializer_list<absl::string_view> names);
  // Whether images have their channels last.
  bool IsChannelsLast();

  // What is known of the inputs and outputs. What is asked for and not known is an error that says
  // how to make it known.
  const ValueInfo& Info(int input) const;
  const ValueInfo& OutputInfo(int output) const;
  // For operators of whose outputs inference can not always tell type and shape.
  void SetOutput(int output, DataType dtype, std::optional<Dims> dims = std::nullopt);
  absl::StatusOr<DataType> Type(int input) const;
  absl::StatusOr<int> Rank(int input) const;
  // All sizes: the model is then one for this shape.
  absl::StatusOr<Dims> FixedDims(int input) const;
  absl::StatusOr<Dims> FixedOutputDims(int output) const;
  // `axis` counted from the front.
  absl::StatusOr<int> Axis(int64_t axis, int input) const;
  // Of a constant, or null.
  const Tensor* Value(int input) const;
  // The whole numbers of a constant of int32 or int64; none where it is not known.
  std::optional<std::vector<int64_t>> KnownInts(int input) const;

  // Adds a node behind those that were added before, with one output: a new value, unless `output`
  // says which. Returns its name.
  std::string Node(absl::string_view type, const std::vector<std::string>& inputs,
                   const std::vector<AttributeProto>& attributes = {},
                   const std::string& output = "");
  void Node(absl::string_view type, const std::vector<std::string>& inputs,
            const std::vector<AttributeProto>& attributes, const std::vector<std::string>& outputs);
  std::string NewValue(absl::string_view purpose);
  // A new initializer.
  std::string Constant(absl::string_view purpose, const Tensor& value);
  std::string Int64s(const std::vector<int64_t>& values);
  // A scalar; numbers that the type can not hold are the operator's error.
  std::string Number(double value, DataType dtype);

  static absl::Status Unsupported(absl::string_view why) { return absl::UnimplementedError(why); }
  void Fail(const absl::Status& status) { arguments_.Fail(status); }
  // What went wrong with arguments and nodes; what nobody asked for; wanted outputs that were not
  // made. To be looked at when the operator is done.
  absl::Status Finish() const;

 private:
  template <typename T>
  T Get(absl::string_view name) {
    taken_.emplace(name);
    return arguments_.GetSingleArgument<T>(name);
  }
  template <typename T>
  std::vector<T> GetList(absl::string_view name) {
    taken_.emplace(name);
    return arguments_.GetRepeatedArgument<T>(name);
  }

  GraphExport* graph_;
  const OperatorDef& def_;
  ArgumentReader arguments_;
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
  std::vector<bool> wanted_;
  std::set<std::string> taken_;  // arguments
  std::set<int> made_;           // outputs
};

using OpExporter = absl::Status (*)(OpExport& op);

// Before main; false where there is one for that operator.
bool RegisterOpExporter(absl::string_view op_type, OpExporter exporter);
// Null where there is none.
OpExporter FindOpExporter(absl::string_view op_type);

#define DOPPIO_ONNX_EXPORT(op_type, exporter)                       \
  [[maybe_unused]] static const bool doppio_onnx_export_##op_type = \
      ::doppio::onnx::RegisterOpExporter(#op_type, exporter)

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_EXPORT_OP_EXPORT_H_
