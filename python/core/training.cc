#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "doppio/gradient_check.h"
#include "doppio/optimizer.h"
#include "doppio/trainer.h"
#include "python/core/arguments.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/gradient_names.h"
#include "python/core/interrupt.h"
#include "python/core/locked_call.h"
#include "python/core/net.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

std::vector<NetDef> NetsFromPython(const py::list& nets) {
  std::vector<NetDef> defs;
  for (const py::handle net : nets) defs.push_back(MessageFromPython<NetDef>(net, "init net"));
  return defs;
}

OptimizerSettings SettingsFromPython(const std::string& optimizer, const py::list& inits,
                                     const std::vector<std::string>& parameters,
                                     const py::dict& options) {
  OptimizerSettings settings;
  const OpSchema* schema = OptimizerOptions(optimizer);
  for (const auto& [name, value] : options) {
    const auto text = name.cast<std::string>();
    const bool is_known = schema != nullptr && schema->FindArg(text) != nullptr;
    settings.options.emplace_back(
        ArgumentFromPython(optimizer, is_known ? schema : nullptr, text, value));
  }
  settings.inits = NetsFromPython(inits);
  settings.parameters = parameters;
  return settings;
}

// (training net, net that fills what the optimizer keeps, names of the parameters).
py::tuple TrainingToPython(Training training) {
  return py::make_tuple(PyNet(std::move(training.net)), PyNet(std::move(training.init)),
                        training.parameters);
}

py::tuple AddOptimizerToGradient(const PyNet& net, int forward_operators, const py::dict& gradients,
                                 const std::string& optimizer, const py::list& inits,
                                 const std::vector<std::string>& parameters,
                                 const py::dict& options) {
  Backward backward;
  backward.net = net.def();
  backward.forward_operators = forward_operators;
  for (const auto& [blob, gradient] : gradients) {
    backward.gradients[blob.cast<std::string>()] = GradientFromPython(gradient);
  }
  return TrainingToPython(ValueOrRaise(AddOptimizer(
      backward, optimizer, SettingsFromPython(optimizer, inits, parameters, options))));
}

py::tuple AddOptimizerToNet(const PyNet& net, const py::dict& of, const std::string& optimizer,
                            const py::list& inits, const std::vector<std::string>& parameters,
                            const py::dict& options) {
  return TrainingToPython(
      ValueOrRaise(AddOptimizer(net.def(), TargetsFromPython(of), optimizer,
                                SettingsFromPython(optimizer, inits, parameters, options))));
}

// [(name, documentation, default or None)] of an optimizer; None where there is none.
py::object OptionsOf(const std::string& optimizer) {
  const OpSchema* schema = OptimizerOptions(optimizer);
  if (schema == nullptr) return py::none();
  py::list options;
  for (const OpSchema::ArgSpec& arg : schema->args()) {
    py::object fallback = py::none();
    if (arg.fallback.has_value()) fallback = ArgumentToPython(*arg.fallback);
    options.append(py::make_tuple(arg.name, arg.doc, fallback));
  }
  return py::make_tuple(schema->doc(), options);
}

// A dictionary of what a GradientCheck holds.
py::dict CheckGradientsInWorkspace(const PyNet& net, const std::vector<std::string>& of,
                                   const PyWorkspace& workspace,
                                   const std::vector<std::string>& blobs, int64_t samples,
                                   uint64_t seed, bool in_double, double step, double tolerance) {
  GradientCheckOptions options;
  options.blobs = blobs;
  options.samples = samples;
  options.seed = seed;
  options.in_double = in_double;
  options.step = step;
  options.tolerance = tolerance;
  const Workspace& values = workspace.get();
  absl::StatusOr<GradientCheck> check = absl::UnknownError("");
  Check(RunUnlocked([&] {
    check = CheckGradients(net.def(), of, values, options);
    return check.status();
  }));
  py::list checked;
  for (const CheckedBlob& blob : check->blobs) {
    checked.append(py::make_tuple(
        TextFromBytes(blob.blob),
        py::tuple(py::cast(std::vector<int64_t>(blob.dims.begin(), blob.dims.end()))),
        blob.elements, blob.wrong, blob.kinks, blob.error, blob.index, blob.gradient,
        blob.difference));
  }
  py::dict result;
  result["in_double"] = check->in_double;
  result["why_float"] = TextFromBytes(check->why_float);
  result["step"] = check->step;
  result["tolerance"] = check->tolerance;
  result["blobs"] = checked;
  result["without"] = check->without;
  result["text"] = TextFromBytes(check->ToString());
  return result;
}

py::dict NumbersToPython(const std::map<std::string, double>& numbers) {
  py::dict result;
  for (const auto& [name, number] : numbers) result[TextFromBytes(name)] = number;
  return result;
}

std::map<std::string, Tensor> ArraysFromPython(const py::dict& arrays, const char* what) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, array] : arrays) {
    const auto blob = name.cast<std::string>();
    tensors[blob] = TensorFromPython(array, absl::StrCat(what, " \"", blob, "\""));
  }
  return tensors;
}

// Fills what is a plain number, text or list in TrainerOptions.
void ReadTrainerOptions(const py::dict& how, TrainerOptions* options) {
  const auto read = [&](const char* name, auto* value) {
    *value = how[name].cast<std::decay_t<decltype(*value)>>();
  };
  read("hold_out", &options->hold_out);
  read("batch", &options->batch);
  read("shuffle", &options->shuffle);
  read("seed", &options->seed);
  read("epochs", &options->epochs);
  read("iterations", &options->iterations);
  read("loss", &options->loss);
  read("metrics", &options->metrics);
  read("evaluate_every", &options->evaluate_every);
  read("test_runs", &options->test_runs);
  read("patience", &options->patience);
  read("watch", &options->watch);
  read("larger_is_better", &options->larger_is_better);
  read("checkpoints", &options->checkpoints);
  read("checkpoint_every", &options->checkpoint_every);
}

// (iterations that were taken, whether it stopped early, whether it was stopped, the iteration that
// it went on from, what was damaged). Nobody else knows the workspace yet.
py::tuple Train(const PyWorkspace& workspace, const py::list& inits, const PyNet& train,
                const py::object& test, const py::dict& data, const py::dict& test_data,
                const py::dict& how, bool resume, const py::object& should_stop,
                const py::object& on_step, const py::object& on_evaluation) {
  TrainerOptions options;
  options.inits = NetsFromPython(inits);
  options.train = train.def();
  if (!test.is_none()) options.test = MessageFromPython<NetDef>(test, "test net");
  options.data = ArraysFromPython(data, "data");
  options.test_data = ArraysFromPython(test_data, "test data");
  ReadTrainerOptions(how, &options);
  bool is_stopped = false;
  absl::Status said;
  // What a function of Python raises ends the training after that step.
  options.should_stop = [&] {
    said = LockedCall([&] {
      is_stopped = is_stopped || should_stop().cast<bool>();
      return absl::OkStatus();
    });
    return is_stopped || !said.ok();
  };
  if (!on_step.is_none()) {
    options.on_step = [&](const TrainStep& step) {
      return LockedCall([&] {
        const py::object stop = on_step(step.iteration, step.iterations, step.epoch, step.examples,
                                        step.loss, NumbersToPython(step.metrics));
        is_stopped = is_stopped || (!stop.is_none() && stop.cast<bool>());
        return absl::OkStatus();
      });
    };
  }
  options.on_evaluation = [&](const Evaluation& evaluation) {
    return LockedCall([&] {
      on_evaluation(evaluation.iteration, evaluation.epoch, evaluation.examples,
                    NumbersToPython(evaluation.metrics), evaluation.is_best);
      return absl::OkStatus();
    });
  };
  Workspace* blobs = &workspace.get();
  int64_t iteration = 0, resumed_from = 0;
  bool stopped_early = false;
  std::vector<std::string> damaged;
  Check(RunUnlocked([&]() -> absl::Status {
    DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer,
                            Trainer::Create(std::move(options), blobs));
    if (resume) {
      DOPPIO_RETURN_IF_ERROR(trainer->Resume(&damaged));
      resumed_from = trainer->iteration();
    }
    const absl::Status status = trainer->Run();
    iteration = trainer->iteration();
    stopped_early = trainer->stopped_early();
    DOPPIO_RETURN_IF_ERROR(said);
    return is_stopped && status.code() == absl::StatusCode::kCancelled ? absl::OkStatus() : status;
  }));
  return py::make_tuple(iteration, stopped_early, is_stopped, resumed_from, damaged);
}

}  // namespace

void BindTraining(py::module_& core) {
  core.def("add_optimizer", &AddOptimizerToGradient);
  core.def("add_optimizer_to_net", &AddOptimizerToNet);
  core.def("check_gradients", &CheckGradientsInWorkspace);
  core.def("train", &Train);
  core.def("optimizers", &Optimizers);
  core.def("optimizer_options", &OptionsOf);
}

}  // namespace doppio::python
