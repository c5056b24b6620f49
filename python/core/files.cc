#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "doppio/model_io.h"
#include "doppio/onnx.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/interrupt.h"
#include "python/core/net.h"

namespace doppio::python {
namespace {

// "net", "plan", "model", "tensors", "database", or what doppio calls a file that is none of these.
std::string Kind(const std::string& path) {
  const FileDescription file = ValueOrRaise(RunUnlocked([&] { return DescribeFile(path); }));
  switch (file.kind) {
    case FileKind::kNetDef:
    case FileKind::kInitNet:
      return "net";
    case FileKind::kPlanDef:
      return "plan";
    case FileKind::kMetaNetDef:
    case FileKind::kOnnx:
      return "model";
    case FileKind::kBlobProto:
    case FileKind::kTensorProto:
    case FileKind::kNpy:
    case FileKind::kNpz:
      return "tensors";
    case FileKind::kMiniDb:  // of a predictor, or of blobs
      return "database";
    default:
      return std::string(FileKindName(file.kind));
  }
}

// [(name, array)] of all tensors of a file.
py::list Tensors(const std::string& path) {
  py::list arrays;
  for (NamedTensor& named : ValueOrRaise(RunUnlocked([&] { return LoadTensors(path); }))) {
    arrays.append(
        py::make_tuple(TextFromBytes(named.name), ArrayFromTensor(std::move(named.tensor))));
  }
  return arrays;
}

// (predict net, [init nets], {weight: array}, inputs, outputs)
py::tuple PartsOf(Model model) {
  py::list inits;
  for (NetDef& init : model.inits) inits.append(PyNet(std::move(init)));
  py::dict weights;
  for (auto& [blob, tensor] : model.weights) {
    weights[TextFromBytes(blob)] = ArrayFromTensor(std::move(tensor));
  }
  return py::make_tuple(PyNet(std::move(model.predict)), inits, weights,
                        TextsFromBytes(model.inputs), TextsFromBytes(model.outputs));
}

py::tuple LoadModelParts(const std::string& path, const std::string& name) {
  return PartsOf(ValueOrRaise(RunUnlocked([&] { return LoadModel(path, name); })));
}

py::tuple OnnxModelParts(const py::bytes& content, const std::string& folder) {
  const auto bytes = static_cast<std::string_view>(content);
  return PartsOf(ValueOrRaise(RunUnlocked([&] {
    return ModelFromOnnx({bytes.data(), bytes.size()}, folder);
  })));
}

Model ModelOf(const PyNet& predict, const py::list& inits, const py::dict& weights,
              const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  Model model;
  model.predict = predict.def();
  for (const py::handle init : inits) model.inits.push_back(init.cast<const PyNet&>().def());
  for (const auto& [key, value] : weights) {
    const auto blob = key.cast<std::string>();
    model.weights[blob] = TensorFromPython(value, absl::StrCat("weight \"", blob, "\""));
  }
  model.inputs = inputs;
  model.outputs = outputs;
  return model;
}

void SaveModelParts(const std::string& path, const PyNet& predict, const py::list& inits,
                    const py::dict& weights, const std::vector<std::string>& inputs,
                    const std::vector<std::string>& outputs) {
  const Model model = ModelOf(predict, inits, weights, inputs, outputs);
  Check(RunUnlocked([&] {
    return absl::EndsWith(path, ".onnx") ? SaveOnnx(model, path) : SaveModel(model, path);
  }));
}

// `known`: {input: (element type, shape)}, each of which may be None.
py::bytes OnnxOfParts(const PyNet& predict, const py::list& inits, const py::dict& weights,
                      const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs, int opset, const py::dict& known) {
  const Model model = ModelOf(predict, inits, weights, inputs, outputs);
  OnnxOptions options;
  options.opset = opset;
  for (const auto& [input, given] : known) {
    const auto [dtype, shape] = given.cast<std::pair<py::object, py::object>>();
    TensorInfo& info = options.inputs[input.cast<std::string>()];
    if (!dtype.is_none()) info.dtype = TypeFromPython(dtype, "to_onnx");
    if (!shape.is_none()) {
      const auto dims = shape.cast<std::vector<int64_t>>();
      info.dims = Dims(dims.begin(), dims.end());
    }
  }
  return ValueOrRaise(RunUnlocked([&] { return ModelToOnnx(model, options); }));
}

}  // namespace

void BindFiles(py::module_& core) {
  core.def("kind_of_file", &Kind);
  core.def("load_net", [](const std::string& path) {
    return PyNet(ValueOrRaise(RunUnlocked([&] { return LoadNet(path); })));
  });
  core.def("load_plan", [](const std::string& path) {
    return MessageToPython(ValueOrRaise(RunUnlocked([&] { return LoadPlan(path); })));
  });
  core.def("parse_net", [](const py::bytes& content, const std::string& source) {
    NetDef net;
    const auto bytes = static_cast<std::string_view>(content);
    Check(ParseProto({bytes.data(), bytes.size()}, &net, Limits(), source));
    return PyNet(std::move(net));
  });
  core.def("save_net", [](const PyNet& net, const std::string& path) {
    Check(RunUnlocked([&] { return SaveProto(net.def(), path); }));
  });
  core.def("load_tensors", &Tensors);
  core.def("save_tensor", [](py::handle value, const std::string& path, const std::string& name) {
    const Tensor tensor = TensorFromPython(value, "save");
    Check(RunUnlocked([&] { return SaveTensor(tensor, path, name); }));
  });
  core.def("save_tensors", [](const py::dict& values, const std::string& path) {
    std::vector<NamedTensor> tensors;
    for (const auto& [key, value] : values) {
      const auto name = key.cast<std::string>();
      tensors.push_back({name, TensorFromPython(value, absl::StrCat("save of \"", name, "\""))});
    }
    Check(RunUnlocked([&] { return SaveTensors(tensors, path); }));
  });
  core.def("has_model", [](const std::string& path) {
    return RunUnlocked([&] { return LoadMetaNetDef(path); }).ok();
  });
  core.def("load_model", &LoadModelParts);
  core.def("model_from_onnx", &OnnxModelParts);
  core.def("model_to_onnx", &OnnxOfParts);
  core.def("save_model", &SaveModelParts);
}

}  // namespace doppio::python
