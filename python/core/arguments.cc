#include "python/core/arguments.h"

#include <pybind11/numpy.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "python/core/arrays.h"
#include "python/core/errors.h"
#include "python/core/net.h"

namespace doppio::python {
namespace {

using ArgType = OpSchema::ArgType;

const char* Wanted(ArgType type) {
  switch (type) {
    case ArgType::kInt:
      return "a whole number";
    case ArgType::kBool:
      return "True or False";
    case ArgType::kFloat:
      return "a number";
    case ArgType::kString:
      return "text";
    case ArgType::kInts:
      return "a list of whole numbers";
    case ArgType::kFloats:
      return "a list of numbers";
    case ArgType::kStrings:
      return "a list of text";
    case ArgType::kNet:
      return "a net";
    default:
      return "a number, text, a net, or a list of numbers or text";
  }
}

bool IsInt(py::handle value) {
  if (py::isinstance<py::array>(value)) return false;  // all of them have __index__
  return PyIndex_Check(value.ptr()) != 0 ||
         py::isinstance(value, py::module_::import("numpy").attr("bool_"));
}
bool IsNumber(py::handle value) {
  if (py::isinstance<py::array>(value)) return false;
  return PyFloat_Check(value.ptr()) || IsInt(value) || py::hasattr(value, "__float__");
}
bool IsText(py::handle value) { return PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr()); }
bool IsDtype(py::handle value) {
  if (py::isinstance<py::dtype>(value)) return true;
  return PyType_Check(value.ptr()) &&
         (PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(value.ptr()),
                           reinterpret_cast<PyTypeObject*>(
                               py::module_::import("numpy").attr("generic").ptr())) ||
          value.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type) ||
          value.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type) ||
          value.ptr() == reinterpret_cast<PyObject*>(&PyBool_Type));
}

// Reads one value; false where it is of another kind.
bool ReadInt(py::handle value, int64_t* out) {
  if (IsDtype(value)) {
    *out = static_cast<int64_t>(TypeFromPython(value, "argument"));
    return true;
  }
  if (!IsInt(value)) return false;
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Long(value.ptr()));
  if (!number) throw py::error_already_set();
  *out = PyLong_AsLongLong(number.ptr());
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // larger than 64 bits
  return true;
}
bool ReadFloat(py::handle value, float* out) {
  if (!IsNumber(value)) return false;
  const double number =
      PyFloat_AsDouble(py::float_(py::reinterpret_borrow<py::object>(value)).ptr());
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  *out = static_cast<float>(number);
  return true;
}
bool ReadText(py::handle value, std::string* out) {
  if (!IsText(value)) return false;
  *out = BytesFromPython(value, "argument");
  return true;
}

bool IsList(py::handle value) {
  return py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value) ||
         (py::isinstance<py::array>(value) && value.cast<py::array>().ndim() > 0);
}

// Reads all values of a list; false where one is of another kind.
template <typename T, typename Field, typename Read>
bool ReadList(const py::list& values, Field* field, Read read) {
  field->Reserve(static_cast<int>(values.size()));
  for (const py::handle value : values) {
    T element;
    if (!read(value, &element)) {
      field->Clear();
      return false;
    }
    *field->Add() = std::move(element);
  }
  return true;
}

// The elements of a list, of a tuple, or of an array, flattened.
py::list Elements(py::handle value) {
  if (!py::isinstance<py::array>(value)) return py::list(py::reinterpret_borrow<py::object>(value));
  return value.attr("ravel")().attr("tolist")();
}

bool Read(ArgType type, py::handle value, Argument* argument) {
  int64_t i = 0;
  float f = 0;
  std::string s;
  switch (type) {
    case ArgType::kInt:
    case ArgType::kBool:
      if (!ReadInt(value, &i)) return false;
      argument->set_i(i);
      return true;
    case ArgType::kFloat:
      if (!ReadFloat(value, &f)) return false;
      argument->set_f(f);
      return true;
    case ArgType::kString:
      if (!ReadText(value, &s)) return false;
      argument->set_s(s);
      return true;
    case ArgType::kInts:
      return IsList(value) && ReadList<int64_t>(Elements(value), argument->mutable_ints(), ReadInt);
    case ArgType::kFloats:
      return IsList(value) &&
             ReadList<float>(Elements(value), argument->mutable_floats(), ReadFloat);
    case ArgType::kStrings:
      return IsList(value) &&
             ReadList<std::string>(Elements(value), argument->mutable_strings(), ReadText);
    case ArgType::kNet:
      if (!py::isinstance<PyNet>(value) && !py::hasattr(value, "SerializeToString")) return false;
      *argument->mutable_n() = MessageFromPython<NetDef>(value, "argument");
      return true;
    case ArgType::kAny:
      for (const ArgType guess : {ArgType::kInt, ArgType::kFloat, ArgType::kString, ArgType::kInts,
                                  ArgType::kFloats, ArgType::kStrings, ArgType::kNet}) {
        if (Read(guess, value, argument)) return true;
      }
      return false;
  }
  return false;
}

template <typename Field>
py::list ListOf(const Field& values) {
  py::list list;
  for (const auto& value : values) list.append(value);
  return list;
}

}  // namespace

Argument ArgumentFromPython(const std::string& op_type, const OpSchema* schema,
                            const std::string& name, py::handle given) {
  const bool is_scalar_array =
      py::isinstance<py::array>(given) && given.cast<py::array>().ndim() == 0;
  const py::object value =
      is_scalar_array ? given.attr("item")() : py::reinterpret_borrow<py::object>(given);
  Argument argument;
  argument.set_name(name);
  const OpSchema::ArgSpec* spec = schema == nullptr ? nullptr : schema->FindArg(name);
  const ArgType type = spec == nullptr ? ArgType::kAny : spec->type;
  bool is_read = false;
  try {
    is_read = Read(type, value, &argument);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_OverflowError)) throw;
  }
  if (!is_read) {
    RaiseTypeError(absl::StrCat(op_type, ": argument \"", name, "\" must be ", Wanted(type),
                                ", not ", std::string(py::str(py::repr(value)))));
  }
  return argument;
}

py::object ArgumentToPython(const Argument& argument) {
  if (argument.has_i()) return py::int_(argument.i());
  if (argument.has_f()) return py::float_(argument.f());
  if (argument.has_s()) return TextFromBytes(argument.s());
  if (argument.has_n()) return py::cast(PyNet(argument.n()));
  if (argument.ints_size() > 0) return ListOf(argument.ints());
  if (argument.floats_size() > 0) return ListOf(argument.floats());
  return TextsFromBytes(argument.strings());
}

}  // namespace doppio::python
