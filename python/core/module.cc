#include "doppio/version.h"
#include "python/core/bindings.h"

PYBIND11_MODULE(_core, core) {
  namespace py = doppio::python;
  core.attr("__version__") = DOPPIO_VERSION;
  py::BindTensor(core);
  py::BindNet(core);
  py::BindOperators(core);
  py::BindGraph(core);
  py::BindTraining(core);
  py::BindWorkspace(core);
  py::BindPredictor(core);
  py::BindFiles(core);
  py::BindDatabases(core);
  py::BindPythonOperators(core);
  py::BindOpTensor(core);
  py::BindCaffe2Operators(core);
  py::BindCancellation(core);
  py::BindRuntime(core);
  py::BindCaffe2Blobs(core);
  py::BindCaffe2(core);
}
