#ifndef DOPPIO_SCHEMA_H_
#define DOPPIO_SCHEMA_H_

// What is known about an operator without running it: how many inputs and outputs, which of them
// may be the same blob, its arguments, its documentation, the shapes and types of its outputs, and
// what a run costs.
//
//   DOPPIO_OPERATOR_SCHEMA(Scale)
//       .NumInputs(1)
//       .NumOutputs(1)
//       .AllowInplace({{0, 0}})
//       .Doc("Y = scale * X.")
//       .Arg<float>("scale", "factor", 1.0f)
//       .Input(0, "X", "tensor of any shape")
//       .Output(0, "Y", "tensor of X's shape and type")
//       .IdenticalTypeAndShape();
//
// An operator without a schema can not be created.

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/arguments.h"
#include "doppio/dtype.h"
#include "doppio/net.pb.h"
#include "doppio/shape.h"
#include "doppio/tensor.h"

namespace doppio {

// What is known of a blob before a run.
struct TensorInfo {
  DataType dtype = DataType::kUndefined;  // kUndefined: not known
  std::optional<Dims> dims;               // absent: not known
  std::optional<Tensor> value;  // present where the blob is constant: fed, or filled by constants

  bool IsKnown() const { return dtype != DataType::kUndefined && dims.has_value(); }
};

// What an inference function sees: the arguments, and the inputs, which are all known when it is
// called. Inputs named by OpSchema::NeedsValue have a value too.
class InferenceContext : public ArgumentReader {
 public:
  InferenceContext(const OperatorDef& def, const OpSchema* schema, std::vector<TensorInfo> inputs);
  ~InferenceContext();

  int InputSize() const { return static_cast<int>(inputs_.size()); }
  int OutputSize() const { return static_cast<int>(outputs_.size()); }
  DataType dtype(int input) const { return inputs_[input].dtype; }
  DimsView dims(int input) const { return *inputs_[input].dims; }
  // The elements of a constant input, or null where they are not known.
  const Tensor* value(int input) const {
    return inputs_[input].value ? &*inputs_[input].value : nullptr;
  }

  // Outputs that do not exist in the OperatorDef are ignored: many operators have optional ones.
  void SetOutput(int output, DataType dtype, DimsView dims);
  void SetOutputValue(int output, Tensor value);
  const std::vector<TensorInfo>& outputs() const { return outputs_; }

 private:
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
};

// Of one run. A multiplication and an addition are two operations.
struct OpCost {
  int64_t flops = 0;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t multiply_adds = 0;  // of products of matrices and convolutions: the size of a net
};

class OpSchema {
 public:
  // The field of Argument that holds the value.
  enum class ArgType { kInt, kBool, kFloat, kString, kInts, kFloats, kStrings, kNet, kAny };
  // "int", "bool", "float", "string", "ints", "floats", "strings", "net", or "any".
  static const char* ArgTypeName(ArgType type);

  struct ArgSpec {
    std::string name;
    std::string doc;
    ArgType type = ArgType::kAny;
    bool required = false;
    std::optional<Argument> fallback;  // the default
  };
  struct BlobSpec {
    std::string name;
    std::string doc;
  };
  // What a net in an argument sees besides the blobs that it makes.
  struct NetView {
    bool sees_outside = true;      // the blobs around the operator
    bool own_is_complete = true;   // `own` has all blobs that the operator makes for the net
    std::vector<std::string> own;  // which hide those around it
  };

  using InferenceFunction = std::function<absl::Status(InferenceContext*)>;
  using FlopsFunction =
      std::function<int64_t(const OperatorDef&, const std::vector<TensorInfo>& inputs,
                            const std::vector<TensorInfo>& outputs)>;
  using NetViewFunction = std::function<NetView(const OperatorDef&, const Argument&)>;
  static constexpr int kMany = std::numeric_limits<int>::max();

  OpSchema(std::string type, std::string file, int line);
  ~OpSchema();
  OpSchema(const OpSchema&);
  OpSchema& operator=(const OpSchema&);
  OpSchema(OpSchema&&) noexcept;
  OpSchema& operator=(OpSchema&&) noexcept;

  // --- Stating it. ---
  OpSchema& NumInputs(int count) { return NumInputs(count, count); }
  OpSchema& NumInputs(int least, int most);
  OpSchema& NumOutputs(int count) { return NumOutputs(count, count); }
  OpSchema& NumOutputs(int least, int most);
  OpSchema& AllowInplace(std::vector<std::pair<int, int>> input_output);
  OpSchema& AllowOneToOneInplace();  // input i as output i, for every i
  OpSchema& AllowAnyInplace();
  OpSchema& EnforceInplace(std::vector<std::pair<int, int>> input_output);  // must be the same blob
  OpSchema& EnforceOneToOneInplace();
  OpSchema& Doc(absl::string_view doc);
  OpSchema& Input(int index, absl::string_view name, absl::string_view doc);
  OpSchema& Output(int index, absl::string_view name, absl::string_view doc);
  // An argument with a default. T: bool, int, int64_t, float, std::string.
  template <typename T>
  OpSchema& Arg(absl::string_view name, absl::string_view doc, const T& fallback);
  // One that may be absent and has no default. T as above, or std::vector of int64_t, float,
  // std::string, or NetDef.
  template <typename T>
  OpSchema& OptionalArg(absl::string_view name, absl::string_view doc);
  template <typename T>
  OpSchema& RequiredArg(absl::string_view name, absl::string_view doc);
  // One whose field depends on other arguments (the `values` of a fill, say).
  OpSchema& AnyArg(absl::string_view name, absl::string_view doc);
  // Inputs that are blobs of other types than Tensor, or may have no value yet, are not looked at
  // before a run.
  // kMany: all of them.
  OpSchema& AllowAnyInput(int index);
  // Inputs of which type and shape are read, but no elements: a gradient operator that says so of a
  // forward blob works where that was overwritten in place.
  OpSchema& ShapeOnly(std::vector<int> inputs);
  // Where that depends on the definition (its arguments, the number of its inputs): `f` says it of
  // an input.
  using InputPredicate = std::function<bool(const OperatorDef&, int input)>;
  OpSchema& ShapeOnlyWhere(InputPredicate f);
  // Inputs that the operator reads as Operator::InputOperand gives them: they may be phantoms.
  // Those of all other operators are written out before a run.
  OpSchema& TakesPhantoms(std::vector<int> inputs);
  OpSchema& TakesPhantomsWhere(InputPredicate f);
  // Calls `f` when all inputs are known, and those of NeedsValue constant.
  OpSchema& TensorInference(InferenceFunction f);
  OpSchema& NeedsValue(int input);
  OpSchema& IdenticalTypeAndShape() {
    return IdenticalTypeAndShapeOfInput(0);
  }  // all outputs as input 0
  OpSchema& IdenticalTypeAndShapeOfInput(int input);
  OpSchema& OneToOneTypeAndShape();      // output i as input i
  OpSchema& ScalarType(DataType dtype);  // all outputs scalars of this type
  // Floating point operations, asked for when all shapes are known; without one an operator counts
  // one for each element of its outputs. Bytes are those of the inputs and outputs.
  OpSchema& Flops(FlopsFunction f);
  // The multiplications with an addition each of an operator that is made of them (convolutions,
  // products of matrices). Its floating point operations are two of each, unless Flops says more.
  OpSchema& MultiplyAdds(FlopsFunction f);
  // What the outputs take whose shapes depend on the elements of inputs, and so are not known
  // before a run, where the shapes of all inputs still tell it: the parts of a Split are as large
  // as what it splits, of whatever lengths they are. Without it they count 0 bytes.
  OpSchema& BytesOfUnknownOutputs(FlopsFunction f);
  // The least number of outputs of a definition, where the last ones are computed only if they are
  // asked for: a gradient net of which some gradients are wanted alone (GradientOptions::wrt)
  // leaves out those that nobody reads. What is there has the same bits with and without them.
  using OutputCount = std::function<int(const OperatorDef&)>;
  OpSchema& LeastOutputs(OutputCount f);
  OpSchema& LeastOutputs(int least);
  // Two runs with the same inputs may differ, or something besides the outputs changes: such an
  // operator is never removed.
  OpSchema& HasSideEffects();
  // The operator looks at blobs of the workspace that it does not name, which is a side effect; no
  // other operator of its net runs meanwhile.
  OpSchema& ReadsAllBlobs();
  // Asked for every argument that holds a net. Without it nets see the blobs around the operator
  // and no others, as those of If and While do.
  OpSchema& NetsSee(NetViewFunction f);

  // `state(*this)`: what the members of a family have in common.
  template <typename F>
  OpSchema& FillUsing(F&& state) {
    state(*this);
    return *this;
  }

  // --- Asking it. ---
  const std::string& type() const { return type_; }
  const std::string& file() const { return file_; }
  int line() const { return line_; }
  const std::string& doc() const { return doc_; }
  int min_inputs() const { return min_inputs_; }
  int max_inputs() const { return max_inputs_; }
  int min_outputs() const { return min_outputs_; }
  int max_outputs() const { return max_outputs_; }
  const std::vector<BlobSpec>& inputs() const { return inputs_; }
  const std::vector<BlobSpec>& outputs() const { return outputs_; }
  const std::vector<ArgSpec>& args() const { return args_; }
  const ArgSpec* FindArg(absl::string_view name) const;
  bool AllowsInplace(int input, int output) const;
  bool EnforcesInplace(int input, int output) const;
  bool AllowsAnyInput(int index) const;
  bool IsShapeOnly(const OperatorDef& def, int index) const;
  bool TakesPhantom(const OperatorDef& def, int index) const;
  // Whether an output is stated to have the type and shape of an input (IdenticalTypeAndShape,
  // OneToOneTypeAndShape).
  bool KeepsTypeAndShape(int input, int output) const;
  bool has_inference() const { return inference_ != nullptr; }
  bool has_side_effects() const { return has_side_effects_; }
  bool reads_all_blobs() const { return reads_all_blobs_; }
  // How many outputs of `def` have to stay (LeastOutputs); all of them where nothing is stated.
  int LeastOutputsOf(const OperatorDef& def) const;
  NetView ViewOfNet(const OperatorDef& def, const Argument& arg) const;

  // Everything in `def` that the schema forbids, one sentence each; empty when all is well.
  std::vector<std::string> Problems(const OperatorDef& def) const;
  absl::Status Verify(const OperatorDef& def) const;

  // What the outputs will be. Unknown where too little is known of the inputs; an error where the
  // schema forbids `def`, or the inputs can not go together.
  absl::StatusOr<std::vector<TensorInfo>> Infer(const OperatorDef& def,
                                                std::vector<TensorInfo> inputs) const;
  OpCost Cost(const OperatorDef& def, const std::vector<TensorInfo>& inputs,
              const std::vector<TensorInfo>& outputs) const;

 private:
  OpSchema& AddArg(absl::string_view name, absl::string_view doc, ArgType type, bool required,
                   std::optional<Argument> fallback);

  std::string type_;
  std::string file_;
  int line_;
  std::string doc_;
  int min_inputs_ = 0;
  int max_inputs_ = kMany;
  int min_outputs_ = 0;
  int max_outputs_ = kMany;
  std::vector<std::pair<int, int>> inplace_;
  std::vector<std::pair<int, int>> enforced_inplace_;
  bool any_inplace_ = false;
  bool one_to_one_inplace_ = false;
  bool enforce_one_to_one_inplace_ = false;
  std::vector<BlobSpec> inputs_;
  std::vector<BlobSpec> outputs_;
  std::vector<ArgSpec> args_;
  std::vector<int> any_inputs_;
  std::vector<int> value_inputs_;
  InputPredicate is_shape_only_;
  InputPredicate takes_phantom_;
  InferenceFunction inference_;
  std::function<bool(int input, int output)> keeps_type_and_shape_;
  FlopsFunction flops_;
  FlopsFunction multiply_adds_;
  FlopsFunction bytes_of_unknown_outputs_;
  OutputCount least_outputs_;
  bool has_side_effects_ = false;
  bool reads_all_blobs_ = false;
  NetViewFunction net_view_;
};

// All schemas of the process. Threads may ask while a library with more of them is loaded.
class OpSchemaRegistry {
 public:
  // The schema of that operator type, or null.
  static const OpSchema* Schema(absl::string_view type);
  // The types that have one, sorted.
  static std::vector<std::string> Types();
  // A new schema to be stated. A second one for the same type is reported (RegistrationProblems())
  // and not used.
  static OpSchema& NewSchema(const char* type, const char* file, int line);
  // For hosts where operators are written and changed while the process runs (notebooks): this
  // schema in the place of the one of its type, if there is one. Operators that exist keep theirs.
  static void Replace(OpSchema schema);
};

// What went wrong when operators, schemas and gradients registered themselves, one sentence each:
// duplicates, with both places, and operators without a schema.
std::vector<std::string> RegistrationProblems();

#define DOPPIO_OPERATOR_SCHEMA(Type)                                 \
  [[maybe_unused]] static ::doppio::OpSchema& doppio_schema_##Type = \
      ::doppio::OpSchemaRegistry::NewSchema(#Type, __FILE__, __LINE__)

}  // namespace doppio

#endif  // DOPPIO_SCHEMA_H_
