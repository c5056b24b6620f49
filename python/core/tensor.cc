#include "doppio/tensor.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/dlpack.h"
#include "python/core/errors.h"

namespace doppio::python {
namespace {

py::tuple Shape(const Tensor& tensor) {
  py::tuple shape(tensor.rank());
  for (int i = 0; i < tensor.rank(); ++i) shape[i] = tensor.dim(i);
  return shape;
}

// What a view of a tensor's elements refers to until it is released.
struct BufferView {
  Tensor tensor;
  std::string format;
  std::vector<Py_ssize_t> shape;
  std::vector<Py_ssize_t> strides;
};

// Python's buffer protocol (PEP 3118), for reading. No exception may leave these functions.
int GetBuffer(PyObject* self, Py_buffer* buffer, int flags) noexcept {
  buffer->obj = nullptr;
  const auto& tensor = *py::handle(self).cast<const Tensor*>();
  if (!IsNumeric(tensor.dtype()) || tensor.Is<bfloat16>()) {
    PyErr_Format(PyExc_BufferError, "the buffer protocol has no elements of type %s",
                 std::string(DataTypeName(tensor.dtype())).c_str());
    return -1;
  }
  if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
    PyErr_SetString(PyExc_BufferError, "the elements of a tensor can only be read");
    return -1;
  }
  auto view = std::make_unique<BufferView>();
  view->tensor = tensor;
  const auto size = static_cast<Py_ssize_t>(DataTypeSize(tensor.dtype()));
  view->format = NumpyType(tensor.dtype()).char_();
  view->shape.assign(tensor.dims().begin(), tensor.dims().end());
  view->strides = py::detail::c_strides(view->shape, size);
  *buffer = {};
  buffer->buf = const_cast<void*>(tensor.raw_data());
  buffer->len = static_cast<Py_ssize_t>(tensor.bytes());
  buffer->itemsize = size;
  buffer->readonly = 1;
  buffer->ndim = tensor.rank();
  if ((flags & PyBUF_FORMAT) != 0) buffer->format = view->format.data();
  if ((flags & PyBUF_ND) != 0) buffer->shape = view->shape.data();
  if ((flags & PyBUF_STRIDES) == PyBUF_STRIDES) buffer->strides = view->strides.data();
  buffer->internal = view.release();
  buffer->obj = py::handle(self).inc_ref().ptr();
  return 0;
}

void ReleaseBuffer(PyObject*, Py_buffer* buffer) noexcept {
  delete static_cast<BufferView*>(buffer->internal);
}

void AddBufferProtocol(PyHeapTypeObject* type) {
  type->as_buffer.bf_getbuffer = &GetBuffer;
  type->as_buffer.bf_releasebuffer = &ReleaseBuffer;
  type->ht_type.tp_as_buffer = &type->as_buffer;
}

constexpr char kTensorDoc[] = R"DOC(A tensor, for what speaks the buffer protocol or DLPack.

>>> ws = doppio.Workspace()
>>> ws.feed("X", np.zeros((2, 3), np.float16))
>>> tensor = ws.tensor("X")
>>> tensor.dtype, tensor.shape, tensor.nbytes
('float16', (2, 3), 12)
>>> np.from_dlpack(tensor).shape, memoryview(tensor).format
((2, 3), 'e')

`Tensor(value)` makes one of whatever Workspace.feed takes. A tensor is a value: what it holds does
not change when nets run. DLPack can not say that memory is only to be read: do not write to an array
that was made so, or take it from a `copy()`.)DOC";

}  // namespace

void BindTensor(py::module_& core) {
  // The package calls this first, when there is one thread. Later, a thread that waited for
  // another's first use of NumPy, with the interpreter's lock in hand, would wait forever. The
  // module alone, of which the build makes stubs, does without NumPy.
  core.def("import_numpy", [] {
    const auto version = py::module_::import("numpy").attr("__version__").cast<std::string>();
    if (version.rfind("1.", 0) != 0) {  // pybind11 2.10 would misread the types of NumPy 2
      PyErr_SetString(
          PyExc_ImportError,
          absl::StrCat("doppio needs NumPy 1.24 or a later 1.x, not ", version).c_str());
      throw py::error_already_set();
    }
    NumpyType(DataType::kFloat);
  });

  py::class_<Tensor>(core, "Tensor", kTensorDoc, py::custom_type_setup(&AddBufferProtocol))
      .def(py::init([](py::handle value, bool copy, py::handle dtype) {
             return TensorFromPython(value, "Tensor()", copy, dtype);
           }),
           py::arg("value"), py::arg("copy") = false, py::arg("dtype") = py::none())
      .def_property_readonly(
          "dtype",
          [](const Tensor& self) { return py::str(std::string(DataTypeName(self.dtype()))); },
          "The element type: 'float', 'int64', 'bfloat16', ...")
      .def_property_readonly("shape", &Shape, "The dimensions.")
      .def_property_readonly("nbytes", &Tensor::bytes, "The size of the elements, in bytes.")
      .def(
          "numpy", [](const Tensor& self) { return ArrayFromTensor(self); },
          "An array over the elements, to be read; of strings and bfloat16, a copy.")
      .def(
          "copy",
          [](Tensor self) {
            Check(self.MakeUnique());
            return self;
          },
          "A tensor with elements of its own.")
      .def(
          "__array__",
          [](const Tensor& self, py::handle dtype) -> py::object {
            py::object array = ArrayFromTensor(self);
            return dtype.is_none() ? array : array.attr("astype")(dtype);
          },
          py::arg("dtype") = py::none())
      .def(
          "__dlpack__", [](const Tensor& self, py::handle) { return ToDlpack(self); },
          py::arg("stream") = py::none())
      .def("__dlpack_device__", [](const Tensor&) { return py::make_tuple(1, 0); })
      .def("__len__",
           [](const Tensor& self) {
             if (self.rank() == 0) RaiseTypeError("len() of a tensor without dimensions");
             return self.dim(0);
           })
      .def("__repr__", [](const Tensor& self) { return "doppio.Tensor " + self.TypeAndShape(); });
}

}  // namespace doppio::python
