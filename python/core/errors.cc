#include "python/core/errors.h"

#include <pybind11/pybind11.h>

#include <string>

#include "python/core/carried_error.h"

namespace py = pybind11;

namespace doppio::python {
namespace {

const char* ClassName(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return "InvalidArgumentError";
    case absl::StatusCode::kNotFound:
      return "NotFoundError";
    case absl::StatusCode::kAlreadyExists:
      return "AlreadyExistsError";
    case absl::StatusCode::kFailedPrecondition:
      return "FailedPreconditionError";
    case absl::StatusCode::kUnimplemented:
      return "UnimplementedError";
    case absl::StatusCode::kResourceExhausted:
      return "ResourceExhaustedError";
    case absl::StatusCode::kDataLoss:
      return "DataLossError";
    case absl::StatusCode::kPermissionDenied:
      return "PermissionDeniedError";
    case absl::StatusCode::kCancelled:
      return "CancelledError";
    case absl::StatusCode::kDeadlineExceeded:
      return "DeadlineExceededError";
    default:
      return "Error";
  }
}

}  // namespace

void Raise(const absl::Status& status) {
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();
  if (RestorePythonError(status)) throw py::error_already_set();
  const py::object type = py::module_::import("doppio.errors").attr(ClassName(status.code()));
  // Names of blobs may hold any bytes.
  const std::string message(status.message());
  const auto text = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
      message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace"));
  PyErr_SetObject(type.ptr(), text.ptr());
  throw py::error_already_set();
}

void RaiseTypeError(const std::string& message) {
  PyErr_SetString(PyExc_TypeError, message.c_str());
  throw py::error_already_set();
}

void RaiseValueError(const std::string& message) {
  PyErr_SetString(PyExc_ValueError, message.c_str());
  throw py::error_already_set();
}

}  // namespace doppio::python
