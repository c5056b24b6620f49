#ifndef DOPPIO_TRAINING_UPDATES_H_
#define DOPPIO_TRAINING_UPDATES_H_

// What an optimizer is made of. Each is one file in src/training/optimizers that registers itself:
//
//   absl::Status AddShrink(const Parameter& w, Updates* updates) {
//     const std::string rate = updates->LearningRate();
//     updates->Add("Shrink", {w.name, w.gradient.dense, rate}, {w.name});
//     return absl::OkStatus();
//   }
//   DOPPIO_OPTIMIZER(shrink, "ShrinkOptimizer", AddShrink)
//       .Doc("What it does.")
//       .FillUsing([](OpSchema& schema) { StateLearningRate(schema, 0.01f); });

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/schema.h"

namespace doppio::training {

// A blob to train.
struct Parameter {
  std::string name;
  GradientWrapper gradient;  // an operator may overwrite it
  std::optional<Dims> dims;  // where they are known

  // What holds the gradient's elements.
  const std::string& Elements() const {
    return gradient.IsDense() ? gradient.dense : gradient.values;
  }
};

// The nets that an optimizer writes, operator by operator.
class Updates {
 public:
  // `prefix` begins the names of blobs that belong to no parameter: SgdOptimizer_0.
  Updates(std::string optimizer, std::string prefix, const OperatorDef& options,
          const OpSchema* schema, NetDef* net, NetDef* init);

  // Options, with the defaults that the optimizer's schema states.
  float Float(absl::string_view name) { return options_.GetSingleArgument<float>(name); }
  bool Bool(absl::string_view name) { return options_.GetSingleArgument<bool>(name); }
  int64_t Int(absl::string_view name) { return options_.GetSingleArgument<int64_t>(name); }
  std::string Text(absl::string_view name) { return options_.GetSingleArgument<std::string>(name); }
  bool Has(absl::string_view name) const { return options_.HasArgument(name); }

  // An operator of the training net.
  OperatorDef* Add(absl::string_view type, const std::vector<std::string>& inputs,
                   const std::vector<std::string>& outputs, const std::vector<Argument>& args = {},
                   absl::string_view engine = "");
  // One of the init net; left out where it stands there already, as it is.
  OperatorDef* AddInit(absl::string_view type, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs,
                       const std::vector<Argument>& args = {});

  // Tensors that the optimizer keeps, and their names. Of the parameter's shape, filled with zeros:
  std::string State(const Parameter& parameter, absl::string_view suffix,
                    const std::vector<Argument>& args = {MakeArgument("value", 0.0f)});
  // Of one dimension:
  std::string StateVector(const std::string& name, int64_t size, float value);
  // With one element for each row of the parameter, zeros:
  std::string StateOfRows(const Parameter& parameter, absl::string_view suffix,
                          DataType dtype = DataType::kFloat);

  // The blob with the number of this step, from 1 on.
  std::string Iteration();
  // The blob with the learning rate of this step; negative, as the operators add it, but for
  // `sign` -1, which is for those that subtract.
  std::string LearningRate(float sign = 1);
  // The same of this parameter, times the rate of its layer where the option `lars` is given.
  std::string LearningRateOf(const Parameter& parameter, float sign = 1);
  // One float: 1.
  std::string One();
  // A constant of one float.
  std::string Constant(const std::string& name, float value);
  // The parameter's sparse gradient, with every row once where `sparse_dedup_aggregator` says so.
  absl::StatusOr<GradientWrapper> Deduplicated(const Parameter& parameter);
  absl::Status NoSparse(const Parameter& parameter) const;
  // A name that no blob has: `name`, or with _2, _3, ... behind it (before `ending`).
  std::string FreeName(const std::string& name, absl::string_view ending = "");
  std::string OwnBlob(absl::string_view name) const {
    return prefix_ + "_" + std::string(name) + "_cpu";
  }

  // What the learning rate is multiplied by; empty: nothing.
  void set_rate_multiplier(std::string blob) { rate_multiplier_ = std::move(blob); }
  // The arguments of LearningRate besides base_lr and policy.
  void set_policy_arguments(std::vector<Argument> arguments) {
    policy_arguments_ = std::move(arguments);
  }

  const NetDef& net() const { return *net_; }
  const absl::Status& status() const { return options_.status(); }
  // Whether the net has a blob of that name.
  bool IsTaken(const std::string& blob) const { return blobs_.count(blob) > 0; }

 private:
  void Know(const OperatorDef& op, NetDef* net);

  std::string optimizer_;
  std::string prefix_;
  ArgumentReader options_;
  const bool has_lars_;  // layer-wise rates are asked for, or what this optimizer is about
  NetDef* net_;
  NetDef* init_;
  std::set<std::string> blobs_;      // of the training net
  std::set<std::string> made_;       // by the training net
  std::set<std::string> init_made_;  // by the init net
  std::set<std::string> init_ops_;   // serialized
  std::string rate_multiplier_;
  std::vector<Argument> policy_arguments_;
};

using AddUpdate = absl::Status (*)(const Parameter& parameter, Updates* updates);

struct OptimizerEntry {
  std::string class_name;  // in Caffe2's front end, which names blobs after it
  AddUpdate add = nullptr;
  OpSchema schema;
};

// All optimizers, by name.
std::map<std::string, OptimizerEntry>& OptimizerRegistry();
OpSchema& RegisterOptimizer(const char* name, const char* class_name, AddUpdate add,
                            const char* file, int line);

#define DOPPIO_OPTIMIZER(name, class_name, add)                         \
  [[maybe_unused]] static ::doppio::OpSchema& doppio_optimizer_##name = \
      ::doppio::training::RegisterOptimizer(#name, class_name, add, __FILE__, __LINE__)

// --- Options that several optimizers have. ---
void StateLearningRate(OpSchema& schema, float fallback);  // one that follows a policy
void StateLars(OpSchema& schema);
void StateDedup(OpSchema& schema);
void StateEpsilon(OpSchema& schema, float fallback);
void StateEngine(OpSchema& schema);

}  // namespace doppio::training

#endif  // DOPPIO_TRAINING_UPDATES_H_
