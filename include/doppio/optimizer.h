#ifndef DOPPIO_OPTIMIZER_H_
#define DOPPIO_OPTIMIZER_H_

// Training nets: a gradient net, and after it the operators that change every parameter a little.
//
//   absl::StatusOr<Training> training = AddOptimizer(
//       net, {"loss"}, "adam", {{{"learning_rate", 0.001}, {"clip_norm", 1}}, /*inits=*/{init}});
//   workspace.RunNetOnce(init);            // fills the parameters,
//   workspace.RunNetOnce(training->init);  // what the optimizer keeps (moments, the iteration),
//   workspace.RunNetOnce(training->net);   // and this is one step
//
// Operators, their order and the names of blobs are those of Caffe2's own front end
// (caffe2/python/optimizer.py), so that state that it wrote fits: adam keeps w_first_moment and
// w_second_moment of w. A fill that the front end writes again for every parameter stands in `init`
// once.
//
// Names: sgd, lars (sgd with layer-wise rates), adagrad, adadelta, adam, rmsprop, ftrl, gftrl,
// yellowfin, storm, wngrad, decay_adagrad. Every one has options of its own, which OptimizerOptions
// lists; they are called as in the front end, except for the learning rate (alpha, lr or
// base_learning_rate there), which is `learning_rate` everywhere. All take:
//   weight_decay   adds weight_decay * w to the gradient of every parameter of rank 2 or more, as
//                  add_weight_decay does (adagrad and decay_adagrad: in the operator)
//   clip_value     limits every element of a gradient to [-clip_value, clip_value], before anything
//                  else
//   clip_norm      the front end's max_gradient_norm: where the norm of all gradients together is
//                  larger, the learning rate is multiplied by clip_norm / norm
//   policy         how the learning rate goes on: the policies of the operator LearningRate, whose
//                  other arguments (gamma, stepsize, ...) are options too
//   allow_lr_injection   the learning rate is multiplied by the blob lr_injection, 1 at first
//
// Another optimizer is one file in src/training/optimizers.
//
// Threads: all functions may be called from many at once.

#include <string>
#include <vector>

#include "doppio/gradient.h"
#include "doppio/op_def.h"
#include "doppio/schema.h"

namespace doppio {

// A name and a value: {"learning_rate", 0.001}, {"nesterov", true}, {"policy", "step"}.
struct OptimizerOption {
  template <typename T>
  OptimizerOption(absl::string_view name, const T& value) : argument(MakeArgument(name, value)) {}
  OptimizerOption(absl::string_view name, const char* value)
      : argument(MakeArgument(name, std::string(value))) {}
  explicit OptimizerOption(Argument argument) : argument(std::move(argument)) {}

  Argument argument;
};

struct OptimizerSettings {
  std::vector<OptimizerOption> options;
  // The nets that fill the parameters. They are not changed; they tell shapes and types, and what
  // is a parameter: every blob that they fill, that the net reads from outside, that has a gradient
  // and is of floats.
  std::vector<NetDef> inits = {};
  // Which blobs to train, where it is not all of these. What must be known of them (adagrad's
  // rowWise: how many rows they have) is taken from `inits`, or computed by operators in
  // Training::init.
  std::vector<std::string> parameters = {};
};

struct Training {
  NetDef net;   // the operators of the gradient net, then those of the optimizer
  NetDef init;  // fills what the optimizer keeps; runs after the parameters are there
  std::vector<std::string> parameters;
};

// Errors: an optimizer that does not exist, an option that it does not have or that has another
// type (with near names); a parameter that the targets do not depend on, that no float tensor is,
// or that is not a blob of the net; nothing to train; what an optimizer can not do (a sparse
// gradient where it has no operator for one, weight_decay of such a one).
//
// A gradient that two parameters share, or that was given, is copied before an operator overwrites
// it.
absl::StatusOr<Training> AddOptimizer(const Backward& backward, absl::string_view optimizer,
                                      const OptimizerSettings& settings);

// The same for the targets of a net without gradient operators: those that the parameters take are
// made, and no others (GradientOptions::wrt). Errors: those of AddGradientOperators too.
absl::StatusOr<Training> AddOptimizer(const NetDef& net, const std::vector<GradientTarget>& targets,
                                      absl::string_view optimizer,
                                      const OptimizerSettings& settings);

// The names of all optimizers, sorted.
std::vector<std::string> Optimizers();

// The options of an optimizer, with their documentation and defaults, in the form of a schema
// (OpSchema::args); null for a name that is none.
const OpSchema* OptimizerOptions(absl::string_view optimizer);

}  // namespace doppio

#endif  // DOPPIO_OPTIMIZER_H_
