#include "python/core/carried_error.h"

#include <pybind11/pybind11.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/strip.h"
#include "python/core/release.h"

namespace doppio::python {
namespace {

namespace py = pybind11;

constexpr char kPayload[] = "doppio.python/exception";

// The payload of the status is a cord over the bytes of `self`; who drops the last copy of the cord
// drops the exception.
struct Carried {
  Carried* self;
  PyObject* exception;
  std::shared_ptr<const void> share;
  std::string text;
};

std::string Describe(PyObject* exception) {
  std::string text = Py_TYPE(exception)->tp_name;
  const auto message = py::reinterpret_steal<py::object>(PyObject_Str(exception));
  Py_ssize_t size = 0;
  const char* utf8 = message ? PyUnicode_AsUTF8AndSize(message.ptr(), &size) : nullptr;
  if (utf8 == nullptr) {
    PyErr_Clear();  // an exception that can not be shown
  } else if (size > 0) {
    absl::StrAppend(&text, ": ", absl::string_view(utf8, static_cast<size_t>(size)));
  }
  return text;
}

// From Python 3.11 on exceptions have notes, which stand below them in tracebacks.
void AddNote(PyObject* exception, const std::string& note) {
  const py::handle handle(exception);
  if (!py::hasattr(handle, "add_note")) return;
  try {
    const py::object notes = py::getattr(handle, "__notes__", py::tuple());
    const py::str text(note);
    if (!notes.contains(text)) handle.attr("add_note")(text);
  } catch (py::error_already_set&) {
    // The exception itself matters more.
  }
}

}  // namespace

absl::Status CarryPythonError() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  auto* carried = new Carried;
  carried->self = carried;
  carried->exception = value;
  carried->share = ShareObject(py::reinterpret_steal<py::object>(value));
  carried->text = Describe(value);
  const bool is_interrupt = PyErr_GivenExceptionMatches(value, PyExc_KeyboardInterrupt) != 0;
  absl::Status status(is_interrupt ? absl::StatusCode::kCancelled : absl::StatusCode::kUnknown,
                      carried->text);
  status.SetPayload(kPayload,
                    absl::MakeCordFromExternal(
                        {reinterpret_cast<const char*>(&carried->self), sizeof(carried->self)},
                        [carried](absl::string_view) { delete carried; }));
  return status;
}

bool RestorePythonError(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return false;
  const std::string bytes(*payload);
  Carried* carried = nullptr;
  std::memcpy(&carried, bytes.data(), sizeof(carried));
  absl::string_view place = status.message();
  if (absl::ConsumeSuffix(&place, carried->text) && absl::ConsumeSuffix(&place, ": ")) {
    AddNote(carried->exception, absl::StrCat("in ", place));
  }
  PyObject* value = carried->exception;
  Py_INCREF(value);
  Py_INCREF(Py_TYPE(value));
  PyErr_Restore(reinterpret_cast<PyObject*>(Py_TYPE(value)), value,
                PyException_GetTraceback(value));
  return true;
}

}  // namespace doppio::python
