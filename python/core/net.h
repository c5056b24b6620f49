#ifndef DOPPIO_PYTHON_CORE_NET_H_
#define DOPPIO_PYTHON_CORE_NET_H_

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/proto_io.h"
#include "python/core/errors.h"

namespace doppio::python {

namespace py = pybind11;

// The definition of a net. Workspaces keep a net that they ran by its identity and version, so that
// running it again costs no comparison.
class PyNet {
 public:
  PyNet() = default;
  explicit PyNet(NetDef def) : def_(std::move(def)) {}

  const NetDef& def() const { return def_; }
  NetDef* mutable_def() {
    version_ = NextVersion();
    return &def_;
  }
  // Another number for every net and every change.
  int64_t version() const { return version_; }

 private:
  static int64_t NextVersion();

  NetDef def_;
  int64_t version_ = NextVersion();
};

// A message of bytes, of a protobuf object of Python (anything with SerializeToString), or of a
// Net. Exceptions name `what`.
template <typename Message>
Message MessageFromPython(py::handle value, const char* what) {
  if constexpr (std::is_same_v<Message, NetDef>) {
    if (py::isinstance<PyNet>(value)) return value.cast<const PyNet&>().def();
  }
  const py::object bytes = py::hasattr(value, "SerializeToString")
                               ? value.attr("SerializeToString")()
                               : py::reinterpret_borrow<py::object>(value);
  if (!py::isinstance<py::bytes>(bytes)) {
    RaiseTypeError(absl::StrCat(what, ": a serialized ", Message::descriptor()->name(),
                                " (bytes) is wanted, not ",
                                std::string(py::str(py::type::of(bytes).attr("__name__")))));
  }
  char* data = nullptr;
  Py_ssize_t size = 0;
  PyBytes_AsStringAndSize(bytes.ptr(), &data, &size);
  Message message;
  Check(ParseProto({data, static_cast<size_t>(size)}, &message, Limits(), what));
  return message;
}

inline py::bytes MessageToPython(const google::protobuf::MessageLite& message) {
  return py::bytes(message.SerializeAsString());
}

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_NET_H_
