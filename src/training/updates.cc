#include "src/training/updates.h"

#include <algorithm>
#include <limits>

#include "doppio/check.h"
#include "doppio/op_def.h"

namespace doppio::training {
namespace {

constexpr char kIteration[] = "optimizer_iteration";
constexpr char kMutex[] = "iteration_mutex";

// The counter stays on the CPU wherever the net runs.
void KeepOnCpu(OperatorDef* op) {
  if (op == nullptr) return;
  op->mutable_device_option()->set_device_type(0);
  op->mutable_device_option()->set_device_id(0);
  op->mutable_device_option()->add_extra_info("device_type_override:cpu");
}

}  // namespace

Updates::Updates(std::string optimizer, std::string prefix, const OperatorDef& options,
                 const OpSchema* schema, NetDef* net, NetDef* init)
    : optimizer_(std::move(optimizer)),
      prefix_(std::move(prefix)),
      options_(options, schema),
      has_lars_(options_.HasArgument("lars") || (schema->FindArg("lars") != nullptr &&
                                                 schema->FindArg("lars")->fallback.has_value())),
      net_(net),
      init_(init) {
  blobs_.insert(net_->external_input().begin(), net_->external_input().end());
  for (const OperatorDef& op : net_->op()) {
    const OpBlobs used = BlobsOfOp(op);
    blobs_.insert(used.reads.begin(), used.reads.end());
    blobs_.insert(used.writes.begin(), used.writes.end());
    made_.insert(used.writes.begin(), used.writes.end());
  }
  made_.insert(net_->external_input().begin(), net_->external_input().end());
}

OperatorDef* Updates::Add(absl::string_view type, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs,
                          const std::vector<Argument>& args, absl::string_view engine) {
  OperatorDef* op = net_->add_op();
  *op = CreateOperatorDef(type, "", inputs, outputs, args);
  if (!engine.empty()) op->set_engine(std::string(engine));
  // A net that names its external inputs may read nothing else.
  for (const std::string& input : inputs) {
    if (made_.insert(input).second && net_->external_input_size() > 0) {
      net_->add_external_input(input);
    }
  }
  made_.insert(outputs.begin(), outputs.end());
  blobs_.insert(inputs.begin(), inputs.end());
  blobs_.insert(outputs.begin(), outputs.end());
  return op;
}

OperatorDef* Updates::AddInit(absl::string_view type, const std::vector<std::string>& inputs,
                              const std::vector<std::string>& outputs,
                              const std::vector<Argument>& args) {
  const OperatorDef op = CreateOperatorDef(type, "", inputs, outputs, args);
  if (!init_ops_.insert(op.SerializeAsString()).second) return nullptr;
  for (const std::string& input : inputs) {
    if (init_made_.insert(input).second) init_->add_external_input(input);
  }
  for (const std::string& output : outputs) {
    if (init_made_.insert(output).second) init_->add_external_output(output);
    blobs_.insert(output);
  }
  return &(*init_->add_op() = op);
}

std::string Updates::State(const Parameter& parameter, absl::string_view suffix,
                           const std::vector<Argument>& args) {
  const std::string name = absl::StrCat(parameter.name, suffix);
  AddInit("ConstantFill", {parameter.name}, {name}, args);
  return name;
}

std::string Updates::StateVector(const std::string& name, int64_t size, float value) {
  AddInit("ConstantFill", {}, {name},
          {MakeArgument("shape", std::vector<int64_t>{size}), MakeArgument("value", value)});
  return name;
}

std::string Updates::StateOfRows(const Parameter& parameter, absl::string_view suffix,
                                 DataType dtype) {
  const std::string name = absl::StrCat(parameter.name, suffix);
  const bool is_int = dtype == DataType::kInt64;
  std::vector<Argument> args = {is_int ? MakeArgument("value", int64_t{0})
                                       : MakeArgument("value", 0.0f)};
  if (dtype != DataType::kFloat) args.push_back(MakeArgument("dtype", static_cast<int>(dtype)));
  if (parameter.dims.has_value() && !parameter.dims->empty()) {
    args.push_back(MakeArgument("shape", std::vector<int64_t>{parameter.dims->front()}));
    AddInit("ConstantFill", {}, {name}, args);
    return name;
  }
  const std::string shape = parameter.name + "_shape";
  const std::string rows = shape + "_numrows";
  AddInit("Shape", {parameter.name}, {shape});
  AddInit("Slice", {shape}, {rows},
          {MakeArgument("starts", std::vector<int64_t>{0}),
           MakeArgument("ends", std::vector<int64_t>{1})});
  args.push_back(MakeArgument("input_as_shape", true));
  AddInit("ConstantFill", {rows}, {name}, args);
  return name;
}

std::string Updates::Iteration() {
  // Where another optimizer of this net counts already, there is nothing to add.
  const bool is_counted = std::any_of(net_->op().begin(), net_->op().end(), [](const auto& op) {
    return op.type() == "AtomicIter" && op.output_size() > 0 && op.output(0) == kIteration;
  });
  if (is_counted) return kIteration;
  KeepOnCpu(
      AddInit("ConstantFill", {}, {kIteration},
              {MakeArgument("shape", std::vector<int64_t>{1}), MakeArgument("value", int64_t{0}),
               MakeArgument("dtype", static_cast<int>(DataType::kInt64))}));
  KeepOnCpu(AddInit("CreateMutex", {}, {kMutex}));
  KeepOnCpu(Add("AtomicIter", {kMutex, kIteration}, {kIteration}));
  return kIteration;
}

std::string Updates::LearningRate(float sign) {
  const std::string iteration = Iteration();
  std::string rate = OwnBlob("lr");
  if (made_.count(rate) == 0) {
    std::vector<Argument> args = {MakeArgument("base_lr", -sign * Float("learning_rate")),
                                  MakeArgument("policy", Text("policy"))};
    args.insert(args.end(), policy_arguments_.begin(), policy_arguments_.end());
    Add("LearningRate", {iteration}, {rate}, args);
  }
  if (rate_multiplier_.empty()) return rate;
  const std::string multiplier = OwnBlob("lr_multiplier");
  const std::string scaled = OwnBlob("scaled_lr");
  Add("CopyFromCPUInput", {rate_multiplier_}, {multiplier});
  Add("Mul", {rate, multiplier}, {scaled}, {MakeArgument("broadcast", true)});
  return scaled;
}

std::string Updates::LearningRateOf(const Parameter& parameter, float sign) {
  if (!has_lars_ || parameter.gradient.IsSparse()) return LearningRate(sign);
  const std::string of_layer = OwnBlob(parameter.name + "_lars");
  const std::vector<std::string> inputs = {parameter.name, parameter.gradient.dense,
                                           Constant("weight_decay", 0), Constant("trust", 1),
                                           Constant("lr_max", std::numeric_limits<float>::max())};
  Add("Lars", inputs, {of_layer},
      {MakeArgument("offset", Float("lars")), MakeArgument("lr_min", 0.0f)});
  const std::string rate = LearningRate(sign);
  const std::string scaled = OwnBlob("local_scaled_lr");
  Add("Mul", {rate, of_layer}, {scaled}, {MakeArgument("broadcast", true)});
  return scaled;
}

std::string Updates::One() { return Constant("ONE_0_0", 1); }

std::string Updates::Constant(const std::string& name, float value) {
  return StateVector(name, 1, value);
}

absl::StatusOr<GradientWrapper> Updates::Deduplicated(const Parameter& parameter) {
  const std::string how = Text("sparse_dedup_aggregator");
  if (how.empty()) return parameter.gradient;
  if (how != "sum" && how != "mean") {
    return absl::InvalidArgumentError(
        absl::StrCat("sparse_dedup_aggregator is \"", how, "\", must be sum or mean"));
  }
  const std::string sum = how == "sum" ? "UnsortedSegmentSum" : "UnsortedSegmentMean";
  const std::string scope = net_->name() + "/";
  const std::string rows = FreeName(scope + "Unique", ":0");
  const std::string places = FreeName(scope + "Unique", ":1");
  Add("Unique", {parameter.gradient.indices}, {rows, places}, {}, "SparseHash");
  const std::string values = FreeName(scope + sum, ":0");
  Add(sum, {parameter.gradient.values, places}, {values});
  return GradientWrapper::Sparse(rows, values);
}

absl::Status Updates::NoSparse(const Parameter& parameter) const {
  if (!parameter.gradient.IsSparse()) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("the gradient of \"", parameter.name,
                                               "\" is sparse (rows ", parameter.gradient.indices,
                                               "), for which ", optimizer_, " has no operator"));
}

std::string Updates::FreeName(const std::string& name, absl::string_view ending) {
  std::string free = absl::StrCat(name, ending);
  for (int i = 2; blobs_.count(free) > 0; ++i) free = absl::StrCat(name, "_", i, ending);
  return free;
}

std::map<std::string, OptimizerEntry>& OptimizerRegistry() {
  static auto& registry = *new std::map<std::string, OptimizerEntry>;
  return registry;
}

OpSchema& RegisterOptimizer(const char* name, const char* class_name, AddUpdate add,
                            const char* file, int line) {
  OpSchema schema(name, file, line);
  schema.NumInputs(0).NumOutputs(0);
  schema
      .Arg<float>("weight_decay",
                  "how much of a parameter is added to its gradient, for parameters of rank 2 or "
                  "more",
                  0.0f)
      .OptionalArg<float>("clip_value", "gradients are limited to [-clip_value, clip_value]");
  return OptimizerRegistry()
      .try_emplace(name, OptimizerEntry{class_name, add, std::move(schema)})
      .first->second.schema;
}

void StateLearningRate(OpSchema& schema, float fallback) {
  schema.Arg<float>("learning_rate", "above 0", fallback)
      .Arg<std::string>("policy",
                        "how the learning rate goes on; the arguments of the operator LearningRate "
                        "are options too",
                        "fixed")
      .OptionalArg<float>("clip_norm",
                          "where the norm of all gradients together is larger, the learning rate "
                          "is multiplied by clip_norm / norm")
      .Arg<bool>("allow_lr_injection",
                 "the learning rate is multiplied by the blob lr_injection too", false);
}

void StateLars(OpSchema& schema) {
  schema.OptionalArg<float>("lars",
                            "at least 0: layer-wise rates by the operator Lars, with this offset; "
                            "dense gradients only");
}

void StateDedup(OpSchema& schema) {
  schema.Arg<std::string>("sparse_dedup_aggregator",
                          "sum or mean: a row that stands more than once in a sparse gradient is "
                          "made one first; empty: it takes a step each time",
                          "");
}

void StateEpsilon(OpSchema& schema, float fallback) {
  schema.Arg<float>("epsilon", "keeps divisors from 0", fallback);
}

void StateEngine(OpSchema& schema) {
  schema.Arg<std::string>("engine", "of the operator that updates", "");
}

}  // namespace doppio::training
