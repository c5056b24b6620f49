#ifndef DOPPIO_PYTHON_CORE_BINDINGS_H_
#define DOPPIO_PYTHON_CORE_BINDINGS_H_

// The parts of the module doppio._core, one a file. It is the private half of the package: what
// users see, with its documentation, is python/doppio/*.py.

#include <pybind11/pybind11.h>

namespace doppio::python {

void BindTensor(pybind11::module_& core);
void BindNet(pybind11::module_& core);
void BindOperators(pybind11::module_& core);
void BindGraph(pybind11::module_& core);
void BindTraining(pybind11::module_& core);
void BindWorkspace(pybind11::module_& core);
void BindPredictor(pybind11::module_& core);
void BindFiles(pybind11::module_& core);
void BindDatabases(pybind11::module_& core);
void BindPythonOperators(pybind11::module_& core);
void BindOpTensor(pybind11::module_& core);
void BindCaffe2Operators(pybind11::module_& core);
void BindCancellation(pybind11::module_& core);
void BindRuntime(pybind11::module_& core);
void BindCaffe2Blobs(pybind11::module_& core);
void BindCaffe2(pybind11::module_& core);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_BINDINGS_H_
