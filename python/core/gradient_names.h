#ifndef DOPPIO_PYTHON_CORE_GRADIENT_NAMES_H_
#define DOPPIO_PYTHON_CORE_GRADIENT_NAMES_H_

#include <pybind11/pybind11.h>

#include <vector>

#include "doppio/gradient.h"

namespace doppio::python {

// A gradient is None, the name of a blob, or a pair (indices, values).
pybind11::object GradientToPython(const GradientWrapper& gradient);
GradientWrapper GradientFromPython(pybind11::handle value);
// {blob: gradient}.
std::vector<GradientTarget> TargetsFromPython(const pybind11::dict& of);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_GRADIENT_NAMES_H_
