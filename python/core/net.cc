#include "python/core/net.h"

#include <pybind11/stl.h>

#include <atomic>
#include <set>
#include <vector>

#include "doppio/check.h"
#include "doppio/devices.h"
#include "doppio/op_def.h"
#include "doppio/schema.h"
#include "python/core/arguments.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"

namespace doppio::python {
namespace {

// Adds an operator; `args` maps names to values.
void AddOp(PyNet* net, const std::string& type, const std::vector<std::string>& inputs,
           const std::vector<std::string>& outputs, const py::dict& args, const std::string& name,
           const std::string& engine) {
  const OpSchema* schema = OpSchemaRegistry::Schema(type);
  std::vector<Argument> arguments;
  for (const auto& [key, value] : args) {
    if (!py::isinstance<py::str>(key)) {
      RaiseTypeError(absl::StrCat(type, ": names of arguments are text, not ",
                                  std::string(py::str(py::repr(key)))));
    }
    const auto arg_name = key.cast<std::string>();
    // An argument that the schema does not know may be one of an engine elsewhere; it is kept, as
    // Caffe2 does.
    arguments.push_back(ArgumentFromPython(type, schema, arg_name, value));
  }
  OperatorDef def = CreateOperatorDef(type, name, inputs, outputs, arguments);
  if (!engine.empty()) def.set_engine(engine);
  // One that is not known here may come with a library; check() finds it.
  if (schema != nullptr) Check(schema->Verify(def));
  *net->mutable_def()->add_op() = std::move(def);
}

py::dict OpArguments(const OperatorDef& op) {
  py::dict args;
  for (const Argument& argument : op.arg()) {
    args[TextFromBytes(argument.name())] = ArgumentToPython(argument);
  }
  return args;
}

// Operator `index`, from the end where it is negative, as lists are indexed.
const OperatorDef& OpAt(const PyNet& net, int index) {
  const int size = net.def().op_size();
  if (index < 0) index += size;
  if (index < 0 || index >= size) {
    PyErr_Format(PyExc_IndexError, "the net has %d operators", size);
    throw py::error_already_set();
  }
  return net.def().op(index);
}

// (type, inputs, outputs, args, name, engine, is_gradient)
py::tuple Op(const PyNet& net, int index) {
  const OperatorDef& op = OpAt(net, index);
  return py::make_tuple(TextFromBytes(op.type()), TextsFromBytes(op.input()),
                        TextsFromBytes(op.output()), OpArguments(op), TextFromBytes(op.name()),
                        TextFromBytes(op.engine()), op.is_gradient_op());
}

// `base`, or the first of base_1, base_2, ... that no blob of the net is called.
std::string FreeName(const PyNet& net, const std::string& base) {
  std::set<std::string> taken;
  const auto add = [&](const auto& names) { taken.insert(names.begin(), names.end()); };
  for (const OperatorDef& op : net.def().op()) {
    add(op.input());
    add(op.output());
  }
  add(net.def().external_input());
  std::string name = base;
  for (int i = 1; taken.count(name) > 0; ++i) name = absl::StrCat(base, "_", i);
  return name;
}

// Numbers the operators that may draw random numbers, from *seed on; those of inner nets too.
void SetSeeds(NetDef* net, uint32_t* seed) {
  for (OperatorDef& op : *net->mutable_op()) {
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    if (schema != nullptr && schema->has_side_effects()) {
      op.mutable_device_option()->set_random_seed((*seed)++);
    }
    for (Argument& arg : *op.mutable_arg()) {
      if (arg.has_n()) SetSeeds(arg.mutable_n(), seed);
      for (NetDef& inner : *arg.mutable_nets()) SetSeeds(&inner, seed);
    }
  }
}

std::string Format(const PyNet& net, Encoding encoding) {
  return ValueOrRaise(FormatProto(net.def(), encoding));
}

}  // namespace

int64_t PyNet::NextVersion() {
  static std::atomic<int64_t> last{0};
  return ++last;
}

void BindNet(py::module_& core) {
  py::class_<PyNet>(core, "Net")
      .def(py::init([](py::handle proto) {
             return PyNet(proto.is_none() ? NetDef() : MessageFromPython<NetDef>(proto, "net"));
           }),
           py::arg("proto") = py::none())
      .def_property(
          "name", [](const PyNet& self) { return TextFromBytes(self.def().name()); },
          [](PyNet& self, const std::string& name) { self.mutable_def()->set_name(name); })
      .def_property(
          "type", [](const PyNet& self) { return TextFromBytes(self.def().type()); },
          [](PyNet& self, const std::string& type) { self.mutable_def()->set_type(type); })
      .def_property(
          "num_workers", [](const PyNet& self) { return self.def().num_workers(); },
          [](PyNet& self, int count) { self.mutable_def()->set_num_workers(count); })
      .def_property(
          "external_inputs",
          [](const PyNet& self) { return TextsFromBytes(self.def().external_input()); },
          [](PyNet& self, const std::vector<std::string>& names) {
            *self.mutable_def()->mutable_external_input() = {names.begin(), names.end()};
          })
      .def_property(
          "external_outputs",
          [](const PyNet& self) { return TextsFromBytes(self.def().external_output()); },
          [](PyNet& self, const std::vector<std::string>& names) {
            *self.mutable_def()->mutable_external_output() = {names.begin(), names.end()};
          })
      .def_property_readonly(
          "inputs", [](const PyNet& self) { return TextsFromBytes(InputsOfNet(self.def())); })
      .def_property_readonly(
          "outputs", [](const PyNet& self) { return TextsFromBytes(OutputsOfNet(self.def())); })
      .def_property_readonly("_version", &PyNet::version)
      .def("_add", &AddOp)
      .def("_op", &Op)
      .def("_take",
           [](PyNet& self, PyNet& other) { self.mutable_def()->Swap(other.mutable_def()); })
      .def("_set_device",
           [](PyNet& self, const std::string& name) {
             const DeviceType device = ValueOrRaise(DeviceFromName(name));
             SetDevice(self.mutable_def(), device);
           })
      .def("_set_seed", [](PyNet& self, uint32_t seed) { SetSeeds(self.mutable_def(), &seed); })
      .def("_free_name", &FreeName)
      .def("_op_text", [](const PyNet& self,
                          int index) { return TextFromBytes(OpToString(OpAt(self, index))); })
      .def("_append",
           [](PyNet& self, const PyNet& other) {
             const int count = other.def().op_size();  // it may be the same net
             for (int k = 0; k < count; ++k) {
               *self.mutable_def()->add_op() = other.def().op(k);
             }
           })
      .def("__len__", [](const PyNet& self) { return self.def().op_size(); })
      .def("__eq__",
           [](const PyNet& self, py::handle other) {
             return py::isinstance<PyNet>(other) &&
                    self.def().SerializeAsString() ==
                        other.cast<const PyNet&>().def().SerializeAsString();
           })
      .def("SerializeToString", [](const PyNet& self) { return MessageToPython(self.def()); })
      .def("to_text", [](const PyNet& self) { return py::str(Format(self, Encoding::kText)); })
      .def("to_json", [](const PyNet& self) { return py::str(Format(self, Encoding::kJson)); });
}

}  // namespace doppio::python
