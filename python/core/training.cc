#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "doppio/gradient_check.h"
#include "doppio/optimizer.h"
#include "python/core/arguments.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/gradient_names.h"
#include "python/core/interrupt.h"
#include "python/core/net.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

std::vector<NetDef> NetsFromPython(const py::list& nets) {
  std::vector<NetDef> defs;
  for (const py::handle net : nets) defs.push_back(MessageFromPython<NetDef>(net, "init net"));
  return defs;
}

// (training net, net that fills what the optimizer keeps, names of the parameters).
py::tuple AddOptimizerToNet(const PyNet& net, int forward_operators, const py::dict& gradients,
                            const std::string& optimizer, const py::list& inits,
                            const std::vector<std::string>& parameters, const py::dict& options) {
  Backward backward;
  backward.net = net.def();
  backward.forward_operators = forward_operators;
  for (const auto& [blob, gradient] : gradients) {
    backward.gradients[blob.cast<std::string>()] = GradientFromPython(gradient);
  }
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
  Training training = ValueOrRaise(AddOptimizer(backward, optimizer, settings));
  return py::make_tuple(PyNet(std::move(training.net)), PyNet(std::move(training.init)),
                        training.parameters);
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

}  // namespace

void BindTraining(py::module_& core) {
  core.def("add_optimizer", &AddOptimizerToNet);
  core.def("check_gradients", &CheckGradientsInWorkspace);
  core.def("optimizers", &Optimizers);
  core.def("optimizer_options", &OptionsOf);
}

}  // namespace doppio::python
