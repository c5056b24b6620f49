#ifndef DOPPIO_PYTHON_CORE_ARGUMENTS_H_
#define DOPPIO_PYTHON_CORE_ARGUMENTS_H_

#include <pybind11/pybind11.h>

#include <string>

#include "doppio/schema.h"

namespace doppio::python {

namespace py = pybind11;

// An argument of an operator from a Python value: bool, int, float, str, bytes, a list or an array
// of them, a Net, an element type (its number). The schema, where there is one, says in which field
// it belongs, so that 1 may stand for 1.0; exceptions name operator and argument.
Argument ArgumentFromPython(const std::string& op_type, const OpSchema* schema,
                            const std::string& name, py::handle value);

// The value as Python has it.
py::object ArgumentToPython(const Argument& argument);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_ARGUMENTS_H_
