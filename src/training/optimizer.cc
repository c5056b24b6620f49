#include "doppio/optimizer.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/infer.h"
#include "doppio/registry.h"
#include "src/training/updates.h"

namespace doppio {
namespace {

using training::OptimizerEntry;
using training::Parameter;
using training::Updates;

constexpr char kWeightDecay[] = "weight_decay";
constexpr char kClipNorm[] = "clip_norm";
constexpr char kClipValue[] = "clip_value";
constexpr char kInjection[] = "lr_injection";
constexpr char kSubPolicy[] = "sub_policy_";  // of the policy composite; these have numbers

// The front end decays parameters in the operator where there is one that can.
bool DecaysItself(absl::string_view optimizer) {
  return optimizer == "adagrad" || optimizer == "decay_adagrad";
}

bool IsNumber(OpSchema::ArgType type) {
  return type == OpSchema::ArgType::kFloat || type == OpSchema::ArgType::kInt ||
         type == OpSchema::ArgType::kBool;
}

// A whole number is a number: 1 for 1.0.
absl::Status ToType(OpSchema::ArgType type, Argument* option) {
  using Type = OpSchema::ArgType;
  if (type == Type::kFloat && option->has_i() && !option->has_f()) {
    option->set_f(static_cast<float>(option->i()));
    option->clear_i();
  }
  const bool fits = type == Type::kFloat                        ? option->has_f()
                    : type == Type::kInt || type == Type::kBool ? option->has_i()
                    : type == Type::kString                     ? option->has_s()
                    : type == Type::kInts                       ? option->ints_size() > 0
                                                                : true;
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the option \"", option->name(), "\" must be ",
                                                 IsNumber(type) ? "a number of type " : "",
                                                 OpSchema::ArgTypeName(type)));
}

// The options by what they are for.
struct SortedOptions {
  OperatorDef own;
  std::vector<Argument> policy;
};

// sub_policy_2_gamma is `gamma` of the policy 2 of a composite one.
absl::StatusOr<OpSchema::ArgType> TypeOfSubPolicy(const std::string& name, const OpSchema& rates,
                                                  std::vector<std::string> names) {
  size_t place = sizeof(kSubPolicy) - 1;
  while (place < name.size() && absl::ascii_isdigit(static_cast<unsigned char>(name[place])))
    ++place;
  const std::string rest = place < name.size() ? name.substr(place + 1) : "";
  if (rest == "lr_scale") return OpSchema::ArgType::kFloat;
  const OpSchema::ArgSpec* spec = rates.FindArg(rest);
  if (spec != nullptr && rest != "base_lr") return spec->type;
  names.push_back("lr_scale");
  return absl::InvalidArgumentError(absl::StrCat("there is no option \"", name,
                                                 "\": a policy has no \"", rest, "\"",
                                                 DidYouMean(rest, names)));
}

absl::StatusOr<SortedOptions> SortOptions(const std::vector<OptimizerOption>& options,
                                          const OpSchema& schema) {
  SortedOptions sorted;
  const OpSchema* rates =
      schema.FindArg("policy") == nullptr ? nullptr : OpSchemaRegistry::Schema("LearningRate");
  std::vector<std::string> names;
  for (const OpSchema::ArgSpec& arg : schema.args()) names.push_back(arg.name);
  const std::vector<std::string> own_names = names;
  if (rates != nullptr) {
    for (const OpSchema::ArgSpec& arg : rates->args()) {
      if (arg.name != "base_lr" && schema.FindArg(arg.name) == nullptr) names.push_back(arg.name);
    }
  }
  std::set<std::string> seen;
  for (const OptimizerOption& option : options) {
    Argument argument = option.argument;
    const std::string& name = argument.name();
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat("the option \"", name, "\" is given twice"));
    }
    if (const OpSchema::ArgSpec* own = schema.FindArg(name)) {
      DOPPIO_RETURN_IF_ERROR(ToType(own->type, &argument));
      *sorted.own.add_arg() = argument;
    } else if (std::find(names.begin(), names.end(), name) != names.end()) {
      DOPPIO_RETURN_IF_ERROR(ToType(rates->FindArg(name)->type, &argument));
      sorted.policy.push_back(argument);
    } else if (rates != nullptr && absl::StartsWith(name, kSubPolicy)) {
      DOPPIO_ASSIGN_OR_RETURN(const OpSchema::ArgType type, TypeOfSubPolicy(name, *rates, names));
      DOPPIO_RETURN_IF_ERROR(ToType(type, &argument));
      sorted.policy.push_back(argument);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no option \"", name, "\"", DidYouMean(name, names),
                       "; options: ", absl::StrJoin(own_names, ", "),
                       rates == nullptr ? "" : ", and those of the policies of LearningRate"));
    }
  }
  sorted.own.set_type(schema.type());
  return sorted;
}

// Blobs that the settings name, or all that can be told to be parameters.
class ParameterFinder {
 public:
  ParameterFinder(const Backward& backward, const OptimizerSettings& settings)
      : backward_(backward), settings_(settings), reads_(InputsOfNet(backward.net)) {}

  absl::StatusOr<std::vector<Parameter>> Find() {
    for (const NetDef& init : settings_.inits) {
      DOPPIO_ASSIGN_OR_RETURN(NetInference inference, InferNet(init, known_));
      known_ = std::move(inference.blobs);
      for (const OperatorDef& op : init.op()) {
        for (const std::string& output : op.output()) filled_.insert(output);
      }
    }
    std::vector<Parameter> parameters;
    if (!settings_.parameters.empty()) {
      std::set<std::string> seen;
      for (const std::string& name : settings_.parameters) {
        DOPPIO_RETURN_IF_ERROR(CheckNamed(name));
        if (!seen.insert(name).second) {
          return absl::InvalidArgumentError(
              absl::StrCat("the parameter \"", name, "\" is named twice"));
        }
        parameters.push_back(Make(name));
      }
      return parameters;
    }
    if (settings_.inits.empty()) {
      return absl::InvalidArgumentError(
          "it can not be told which blobs are parameters: name them, or give the init net that "
          "fills them");
    }
    for (const std::string& name : reads_) {
      if (filled_.count(name) > 0 && backward_.gradients.count(name) > 0 && !IsOtherType(name)) {
        parameters.push_back(Make(name));
      }
    }
    if (parameters.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there is nothing to train: of what the init nets fill (", absl::StrJoin(filled_, ", "),
          "), the net \"", backward_.net.name(), "\" reads no floats that have a gradient"));
    }
    return parameters;
  }

 private:
  const TensorInfo* Info(const std::string& name) const {
    const auto found = known_.find(name);
    return found == known_.end() ? nullptr : &found->second;
  }

  // What operators of optimizers take are floats.
  bool IsOtherType(const std::string& name) const {
    const TensorInfo* info = Info(name);
    return info != nullptr && info->dtype != DataType::kUndefined &&
           info->dtype != DataType::kFloat;
  }

  absl::Status CheckNamed(const std::string& name) const {
    if (std::find(reads_.begin(), reads_.end(), name) == reads_.end()) {
      return absl::NotFoundError(absl::StrCat("the net \"", backward_.net.name(),
                                              "\" reads no blob \"", name, "\" from outside",
                                              DidYouMean(name, reads_)));
    }
    if (IsOtherType(name)) {
      return absl::InvalidArgumentError(absl::StrCat("the parameter \"", name, "\" is of ",
                                                     DataTypeName(Info(name)->dtype),
                                                     "; optimizers work on float"));
    }
    if (backward_.gradients.count(name) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the parameter \"", name,
                       "\" has no gradient: what was differentiated does not depend on it"));
    }
    return absl::OkStatus();
  }

  Parameter Make(const std::string& name) const {
    const TensorInfo* info = Info(name);
    const GradientWrapper& gradient = backward_.gradients.find(name)->second;  // it was looked for
    return {name, gradient, info == nullptr ? std::nullopt : info->dims};
  }

  const Backward& backward_;
  const OptimizerSettings& settings_;
  const std::vector<std::string> reads_;
  BlobInfos known_;
  std::set<std::string> filled_;
};

// Blobs that the net reads from outside and that the settings name, or the init nets fill.
std::vector<std::string> MayBeParameters(const NetDef& net, const OptimizerSettings& settings) {
  std::set<std::string> named(settings.parameters.begin(), settings.parameters.end());
  if (named.empty()) {
    for (const NetDef& init : settings.inits) {
      for (const OperatorDef& op : init.op()) named.insert(op.output().begin(), op.output().end());
    }
  }
  std::vector<std::string> blobs = InputsOfNet(net);
  blobs.erase(std::remove_if(blobs.begin(), blobs.end(),
                             [&](const std::string& blob) { return named.count(blob) == 0; }),
              blobs.end());
  return blobs;
}

// Gradients are overwritten here. One that is another parameter's too, or that the net did not
// make, is copied first.
void OwnGradients(std::vector<Parameter>* parameters, Updates* updates) {
  std::set<std::string> made, taken;
  for (const OperatorDef& op : updates->net().op()) {
    for (const std::string& output : op.output()) made.insert(output);
  }
  for (Parameter& parameter : *parameters) {
    std::string& elements =
        parameter.gradient.IsDense() ? parameter.gradient.dense : parameter.gradient.values;
    if (taken.insert(elements).second && made.count(elements) > 0) continue;
    const std::string own = updates->FreeName("_" + parameter.name + "_grad_own_0");
    updates->Add("Copy", {elements}, {own});
    elements = own;
  }
}

absl::Status ClipValues(const std::vector<Parameter>& parameters, float limit, Updates* updates) {
  if (!(limit > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(kClipValue, " is ", limit, ", must be above 0"));
  }
  for (const Parameter& parameter : parameters) {
    updates->Add("Clip", {parameter.Elements()}, {parameter.Elements()},
                 {MakeArgument("min", -limit), MakeArgument("max", limit)});
  }
  return absl::OkStatus();
}

absl::Status CheckDecay(const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) {
    if (parameter.dims.has_value()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(kWeightDecay, " is for parameters of rank 2 or more, but the rank of \"",
                     parameter.name, "\" is not known: give the init net that fills it"));
  }
  return absl::OkStatus();
}

absl::Status DecayWeights(const std::vector<Parameter>& parameters, float decay, Updates* updates) {
  const std::string one = updates->One();
  const std::string factor = updates->Constant(updates->FreeName("wd_0_0"), decay);
  for (const Parameter& parameter : parameters) {
    if (parameter.dims->size() < 2) continue;
    if (parameter.gradient.IsSparse()) {
      return absl::UnimplementedError(
          absl::StrCat(kWeightDecay, ": the gradient of \"", parameter.name,
                       "\" is sparse; of the optimizers, adagrad has an operator for that"));
    }
    updates->Add("WeightedSum", {parameter.gradient.dense, one, parameter.name, factor},
                 {parameter.gradient.dense});
  }
  return absl::OkStatus();
}

// The blob that holds min(1, limit / norm of all gradients).
absl::StatusOr<std::string> NormRatio(const std::vector<Parameter>& parameters, float limit,
                                      Updates* updates) {
  if (!(limit > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(kClipNorm, " is ", limit, ", must be above 0"));
  }
  std::string scope = "norm_clipped_grad_update";
  for (int i = 2; updates->IsTaken(scope + "/norm_ratio"); ++i) {
    scope = absl::StrCat("norm_clipped_grad_update_", i);
  }
  std::vector<std::string> sums;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string sum = absl::StrCat(scope, "/grad_", i, "_squared_sum");
    updates->Add("SumSqrElements", {parameters[i].Elements()}, {sum});
    sums.push_back(
        updates->FreeName(absl::StrCat(scope, "/", updates->net().name(), "/EnsureCPUOutput")));
    updates->Add("EnsureCPUOutput", {sum}, {sums.back()});
  }
  const std::string clip = scope + "/clip_norm";
  const std::string most = scope + "/max_norm";
  const std::string norm = scope + "/global_norm";
  const std::string ratio = scope + "/norm_ratio";
  updates->Add("Sum", sums, {scope + "/grad_squared_full_sum"});
  updates->Add("Pow", {scope + "/grad_squared_full_sum"}, {norm}, {MakeArgument("exponent", 0.5f)});
  updates->AddInit("ConstantFill", {}, {clip},
                   {MakeArgument("shape", std::vector<int64_t>()), MakeArgument("value", limit)});
  updates->Add("Max", {norm, clip}, {most});
  updates->Add("Div", {clip, most}, {ratio});
  return ratio;
}

// What comes before the operators that update.
absl::Status Prepare(const std::string& optimizer, std::vector<Parameter>* parameters,
                     const OpSchema& schema, Updates* updates) {
  OwnGradients(parameters, updates);
  if (updates->Has(kClipValue)) {
    DOPPIO_RETURN_IF_ERROR(ClipValues(*parameters, updates->Float(kClipValue), updates));
  }
  const float decay = updates->Float(kWeightDecay);
  if (!(decay >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kWeightDecay, " is ", decay, ", must be at least 0"));
  }
  if (decay != 0) {
    DOPPIO_RETURN_IF_ERROR(CheckDecay(*parameters));
    if (!DecaysItself(optimizer)) {
      DOPPIO_RETURN_IF_ERROR(DecayWeights(*parameters, decay, updates));
    }
  }
  if (!(updates->Float("learning_rate") > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning_rate is ", updates->Float("learning_rate"), ", must be above 0"));
  }
  if (schema.FindArg("policy") == nullptr) return absl::OkStatus();
  std::string multiplier;
  if (updates->Has(kClipNorm)) {
    DOPPIO_ASSIGN_OR_RETURN(multiplier, NormRatio(*parameters, updates->Float(kClipNorm), updates));
  }
  if (updates->Bool("allow_lr_injection")) {
    const std::string injection = updates->Constant(kInjection, 1);
    if (multiplier.empty()) {
      multiplier = injection;
    } else {
      const std::string both = updates->FreeName("lr_multiplier");
      updates->Add("Mul", {multiplier, injection}, {both}, {MakeArgument("broadcast", true)});
      multiplier = both;
    }
  }
  updates->set_rate_multiplier(multiplier);
  return absl::OkStatus();
}

// "AdamOptimizer_0", or the next number that no blob of the net begins with.
std::string Prefix(const std::string& class_name, const NetDef& net) {
  for (int i = 0;; ++i) {
    const std::string prefix = absl::StrCat(class_name, "_", i);
    const bool is_free = std::none_of(net.op().begin(), net.op().end(), [&](const auto& op) {
      return std::any_of(op.output().begin(), op.output().end(), [&](const std::string& output) {
        return absl::StartsWith(output, prefix + "_");
      });
    });
    if (is_free) return prefix;
  }
}

// Whether the net has operators of an optimizer already, for other parameters.
bool HasOptimizer(const NetDef& net) {
  return std::any_of(net.op().begin(), net.op().end(), [](const OperatorDef& op) {
    return op.type() == "AtomicIter" ||
           (op.type() == "WeightedSum" && op.input_size() > 1 && op.input(1) == "ONE_0_0");
  });
}

// The optimizer's state may not be what the net uses for something else. Optimizers share some.
absl::Status CheckNewBlobs(const NetDef& before, const NetDef& init) {
  std::set<std::string> shared;
  if (HasOptimizer(before)) {
    shared = {"ONE_0_0", kInjection, "trust", "lr_max", kWeightDecay};
  }
  std::set<std::string> used;
  for (const OperatorDef& op : before.op()) {
    const OpBlobs blobs = BlobsOfOp(op);
    used.insert(blobs.reads.begin(), blobs.reads.end());
    used.insert(blobs.writes.begin(), blobs.writes.end());
  }
  for (const OperatorDef& op : init.op()) {
    for (const std::string& output : op.output()) {
      if (used.count(output) > 0 && shared.count(output) == 0) {
        return absl::AlreadyExistsError(absl::StrCat("the optimizer needs the blob \"", output,
                                                     "\", which the net \"", before.name(),
                                                     "\" uses already"));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Training> Build(const Backward& backward, const std::string& optimizer,
                               const OptimizerEntry& entry, const OptimizerSettings& settings) {
  DOPPIO_ASSIGN_OR_RETURN(SortedOptions options, SortOptions(settings.options, entry.schema));
  DOPPIO_ASSIGN_OR_RETURN(std::vector<Parameter> parameters,
                          ParameterFinder(backward, settings).Find());
  Training training;
  training.net = backward.net;
  training.init.set_name(backward.net.name() + "_optimizer_init");
  Updates updates(optimizer, Prefix(entry.class_name, backward.net), options.own, &entry.schema,
                  &training.net, &training.init);
  updates.set_policy_arguments(std::move(options.policy));
  DOPPIO_RETURN_IF_ERROR(Prepare(optimizer, &parameters, entry.schema, &updates));
  for (const Parameter& parameter : parameters) {
    DOPPIO_RETURN_IF_ERROR(entry.add(parameter, &updates));
    training.parameters.push_back(parameter.name);
  }
  DOPPIO_RETURN_IF_ERROR(updates.status());
  DOPPIO_RETURN_IF_ERROR(CheckNewBlobs(backward.net, training.init));
  return training;
}

}  // namespace

absl::StatusOr<Training> AddOptimizer(const Backward& backward, absl::string_view optimizer,
                                      const OptimizerSettings& settings) {
  const std::string name(optimizer);
  const auto found = training::OptimizerRegistry().find(name);
  if (found == training::OptimizerRegistry().end()) {
    return absl::NotFoundError(absl::StrCat("there is no optimizer \"", name, "\"",
                                            DidYouMean(name, Optimizers()),
                                            "; there are: ", absl::StrJoin(Optimizers(), ", ")));
  }
  absl::StatusOr<Training> training = Build(backward, name, found->second, settings);
  if (!training.ok()) return Annotate(training.status(), "optimizer " + name);
  return training;
}

absl::StatusOr<Training> AddOptimizer(const NetDef& net, const std::vector<GradientTarget>& targets,
                                      absl::string_view optimizer,
                                      const OptimizerSettings& settings) {
  GradientOptions options;
  options.allow_unused = true;  // what is missing is told by the optimizer
  std::vector<std::string> blobs = MayBeParameters(net, settings);
  if (!blobs.empty()) options.wrt = std::move(blobs);
  DOPPIO_ASSIGN_OR_RETURN(const Backward backward, AddGradientOperators(net, targets, options));
  return AddOptimizer(backward, optimizer, settings);
}

std::vector<std::string> Optimizers() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : training::OptimizerRegistry()) names.push_back(name);
  return names;
}

const OpSchema* OptimizerOptions(absl::string_view optimizer) {
  const auto found = training::OptimizerRegistry().find(std::string(optimizer));
  return found == training::OptimizerRegistry().end() ? nullptr : &found->second.schema;
}

}  // namespace doppio
