#include "doppio/predictor.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/model_io.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/interrupt.h"
#include "python/core/net.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

std::unique_ptr<Predictor> Create(Model model, bool optimize, bool winograd,
                                  const std::optional<std::string>& files) {
  PredictorOptions options;
  options.optimize = optimize;
  options.winograd = winograd;
  options.file_access = FileAccessFromPython(files);
  return ValueOrRaise(RunUnlocked([&] { return Predictor::Create(std::move(model), options); }));
}

std::unique_ptr<Predictor> FromNets(const py::list& inits, py::handle predict,
                                    const py::dict& weights, const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& outputs, bool optimize,
                                    bool winograd, const std::optional<std::string>& files) {
  Model model;
  for (const py::handle init : inits) {
    model.inits.push_back(MessageFromPython<NetDef>(init, "init net"));
  }
  model.predict = MessageFromPython<NetDef>(predict, "predict net");
  for (const auto& [name, value] : weights) {
    const auto blob = name.cast<std::string>();
    model.weights[blob] = TensorFromPython(value, absl::StrCat("weight \"", blob, "\""));
  }
  model.inputs = inputs;
  model.outputs = outputs;
  return Create(std::move(model), optimize, winograd, files);
}

std::unique_ptr<Predictor> FromFile(const std::string& path, const std::string& name, bool optimize,
                                    bool winograd, const std::optional<std::string>& files) {
  Limits limits;
  limits.file_access = FileAccessFromPython(files);
  Model model = ValueOrRaise(RunUnlocked([&] { return LoadModel(path, name, limits); }));
  return Create(std::move(model), optimize, winograd, files);
}

py::list RunByPosition(const Predictor& self, const py::sequence& values) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string name = i < self.inputs().size() ? self.inputs()[i] : "";
    inputs.push_back(TensorFromPython(values[i], absl::StrCat("input ", i, " \"", name, "\"")));
  }
  std::vector<Tensor> outputs = ValueOrRaise(RunUnlocked([&] { return self.Run(inputs); }));
  inputs.clear();
  py::list arrays;
  for (Tensor& output : outputs) arrays.append(ArrayFromTensor(std::move(output)));
  return arrays;
}

py::dict RunByName(const Predictor& self, const py::dict& values) {
  std::map<std::string, Tensor> inputs;
  for (const auto& [key, value] : values) {
    const auto name = key.cast<std::string>();
    inputs[name] = TensorFromPython(value, absl::StrCat("input \"", name, "\""));
  }
  std::map<std::string, Tensor> outputs =
      ValueOrRaise(RunUnlocked([&] { return self.Run(inputs); }));
  inputs.clear();
  py::dict arrays;
  for (auto& [name, output] : outputs) {
    arrays[TextFromBytes(name)] = ArrayFromTensor(std::move(output));
  }
  return arrays;
}

py::dict StatsOfPredictor(const Predictor& self) {
  const PredictorStats stats = self.Stats();
  py::dict fields;
  fields["operators_before"] = stats.operators_before;
  fields["operators_after"] = stats.operators_after;
  fields["weight_bytes"] = stats.weight_bytes;
  fields["bytes_before"] = stats.bytes_before;
  fields["bytes_after"] = stats.bytes_after;
  fields["instances"] = stats.instances;
  fields["unwritten_bytes"] = stats.unwritten_bytes;
  return fields;
}

}  // namespace

void BindPredictor(py::module_& core) {
  py::class_<Predictor>(core, "Predictor")
      .def(py::init(&FromNets), py::arg("inits"), py::arg("predict"), py::arg("weights"),
           py::arg("inputs"), py::arg("outputs"), py::arg("optimize"), py::arg("winograd"),
           py::arg("files"))
      .def_static("from_file", &FromFile, py::arg("path"), py::arg("name"), py::arg("optimize"),
                  py::arg("winograd"), py::arg("files"))
      .def_property_readonly("inputs",
                             [](const Predictor& self) { return TextsFromBytes(self.inputs()); })
      .def_property_readonly("outputs",
                             [](const Predictor& self) { return TextsFromBytes(self.outputs()); })
      .def_property_readonly("net", [](const Predictor& self) { return PyNet(*self.net()); })
      .def("run_list", &RunByPosition)
      .def("run_dict", &RunByName)
      .def("stats", &StatsOfPredictor);
}

}  // namespace doppio::python
