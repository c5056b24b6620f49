#include "python/core/cancellation.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "python/core/bindings.h"
#include "python/core/errors.h"

namespace doppio::python {

namespace py = pybind11;

namespace {

// A tuple of the cancellations that code is in a block of, the innermost last. A variable of the
// context, so that each thread and each task of asyncio has its own.
PyObject* active = nullptr;

py::tuple Active() {
  PyObject* value = nullptr;
  if (PyContextVar_Get(active, nullptr, &value) != 0) throw py::error_already_set();
  return value == nullptr ? py::tuple() : py::reinterpret_steal<py::tuple>(value);
}

void SetActive(const py::list& cancellations) {
  PyObject* const token = PyContextVar_Set(active, py::tuple(cancellations).ptr());
  if (token == nullptr) throw py::error_already_set();
  Py_DECREF(token);
}

void Enter(const py::object& self) {
  py::list cancellations(Active());
  cancellations.append(self);
  SetActive(cancellations);
}

// Its innermost block.
void Leave(const py::object& self) {
  py::list cancellations(Active());
  for (size_t i = cancellations.size(); i-- > 0;) {
    if (py::object(cancellations[i]).ptr() != self.ptr()) continue;
    cancellations.attr("pop")(i);
    break;
  }
  SetActive(cancellations);
}

Cancellation After(std::optional<double> timeout) {
  if (!timeout.has_value()) return Cancellation();
  if (!(*timeout >= 0)) {
    RaiseValueError(
        absl::StrCat("Cancellation: timeout must be a number of seconds, not ", *timeout));
  }
  return Cancellation::After(absl::Seconds(*timeout));
}

}  // namespace

ActiveCancellations::ActiveCancellations() {
  for (const py::handle cancellation : Active()) {
    scopes_.push_back(
        std::make_unique<CancellationScope>(cancellation.cast<const Cancellation&>()));
  }
}

ActiveCancellations::~ActiveCancellations() {
  while (!scopes_.empty()) scopes_.pop_back();
}

void BindCancellation(py::module_& core) {
  active = PyContextVar_New("doppio.cancellations", nullptr);
  if (active == nullptr) throw py::error_already_set();
  py::class_<Cancellation>(core, "Cancellation")
      .def(py::init(&After), py::arg("timeout") = py::none())
      .def("cancel", &Cancellation::Cancel)
      .def("enter", &Enter)
      .def("leave", &Leave);
}

}  // namespace doppio::python
