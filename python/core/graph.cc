#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "doppio/check.h"
#include "doppio/dot.h"
#include "doppio/gradient.h"
#include "doppio/infer.h"
#include "doppio/registry.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/gradient_names.h"
#include "python/core/net.h"

namespace doppio::python {

py::object GradientToPython(const GradientWrapper& gradient) {
  if (gradient.IsDense()) return TextFromBytes(gradient.dense);
  if (gradient.IsSparse()) {
    return py::make_tuple(TextFromBytes(gradient.indices), TextFromBytes(gradient.values));
  }
  return py::none();
}

GradientWrapper GradientFromPython(py::handle value) {
  if (value.is_none()) return {};
  if (py::isinstance<py::str>(value)) return GradientWrapper::Dense(value.cast<std::string>());
  if (py::isinstance<py::tuple>(value) && py::len(value) == 2) {
    const auto [indices, values] = value.cast<std::pair<std::string, std::string>>();
    return GradientWrapper::Sparse(indices, values);
  }
  RaiseTypeError(
      absl::StrCat("a gradient is the name of a blob, a pair (indices, values) or None, ", "not ",
                   std::string(py::str(py::repr(value)))));
}

std::vector<GradientTarget> TargetsFromPython(const py::dict& of) {
  std::vector<GradientTarget> targets;
  for (const auto& [blob, gradient] : of) {
    targets.emplace_back(blob.cast<std::string>(), GradientFromPython(gradient));
  }
  return targets;
}

namespace {

// (index of operator or -1, where, what) of each problem.
py::list CheckProblems(const PyNet& net, const std::vector<std::string>& known, bool is_strict) {
  CheckOptions options;
  options.known_blobs = {known.begin(), known.end()};
  options.allow_unknown_inputs = !is_strict;
  py::list problems;
  for (const NetProblem& problem : CheckNet(net.def(), options)) {
    problems.append(
        py::make_tuple(problem.op, TextFromBytes(problem.where), TextFromBytes(problem.Text())));
  }
  return problems;
}

// (net with gradient operators, number of forward operators, {blob: gradient}).
py::tuple Gradient(const PyNet& net, const py::dict& of,
                   std::optional<std::vector<std::string>> wrt) {
  GradientOptions options;
  options.wrt = std::move(wrt);
  Backward backward = ValueOrRaise(AddGradientOperators(net.def(), TargetsFromPython(of), options));
  py::dict gradients;
  for (const auto& [blob, gradient] : backward.gradients) {
    gradients[TextFromBytes(blob)] = GradientToPython(gradient);
  }
  PyNet alone(backward.GradientNet());
  return py::make_tuple(PyNet(std::move(backward.net)), std::move(alone),
                        backward.forward_operators, gradients);
}

// ([serialized gradient operators], [gradient of each input]) of one operator.
py::tuple GradientOfOp(py::handle op, const py::list& g_output) {
  const auto def = MessageFromPython<OperatorDef>(op, "operator");
  std::vector<GradientWrapper> outputs;
  for (const py::handle gradient : g_output) outputs.push_back(GradientFromPython(gradient));
  const GradientOpsMeta meta = ValueOrRaise(GetGradientForOp(def, outputs));
  py::list ops;
  for (const OperatorDef& gradient_op : meta.ops) ops.append(MessageToPython(gradient_op));
  py::list inputs;
  for (const GradientWrapper& gradient : meta.g_input) inputs.append(GradientToPython(gradient));
  return py::make_tuple(ops, inputs);
}

// {blob: (element type, shape)} of what is known, of all blobs of the nets. `known` has the same
// for what is fed, or (type, shape, value) where an array is known.
py::dict Infer(const py::list& nets, const py::dict& known) {
  BlobInfos infos;
  for (const auto& [blob, given] : known) {
    const auto fields = py::reinterpret_borrow<py::tuple>(given);
    TensorInfo& info = infos[blob.cast<std::string>()];
    if (!fields[0].is_none()) info.dtype = TypeFromPython(fields[0], "infer");
    if (!fields[1].is_none()) {
      const auto dims = fields[1].cast<std::vector<int64_t>>();
      Check(NumElements(dims).status());
      info.dims = Dims(dims.begin(), dims.end());
    }
    if (fields.size() > 2 && !fields[2].is_none()) {
      info.value = TensorFromPython(fields[2], "infer");
    }
  }
  for (const py::handle net : nets) {
    infos = ValueOrRaise(InferNet(MessageFromPython<NetDef>(net, "net"), infos)).blobs;
  }
  py::dict result;
  for (const auto& [blob, info] : infos) {
    py::object dims = py::none();
    if (info.dims) {
      py::tuple shape(info.dims->size());
      for (size_t i = 0; i < info.dims->size(); ++i) shape[i] = (*info.dims)[i];
      dims = shape;
    }
    py::object dtype = py::none();
    if (info.dtype != DataType::kUndefined) {
      dtype = py::str(std::string(DataTypeName(info.dtype)));
    }
    result[TextFromBytes(blob)] = py::make_tuple(dtype, dims);
  }
  return result;
}

}  // namespace

void BindGraph(py::module_& core) {
  core.def("check", &CheckProblems, py::arg("net"), py::arg("known"), py::arg("strict"));
  core.def("gradient", &Gradient);
  core.def("gradient_of_op", &GradientOfOp);
  core.def("infer", &Infer);
  core.def("dot_of_net", [](const PyNet& net) { return TextFromBytes(NetToDot(net.def())); });
}

}  // namespace doppio::python
