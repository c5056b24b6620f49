#include "doppio/tensor.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <utility>
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

py::buffer_info Buffer(Tensor& tensor) {
  if (!IsNumeric(tensor.dtype()) || tensor.Is<bfloat16>()) {
    throw py::buffer_error(
        absl::StrCat("the buffer protocol has no elements of type ", DataTypeName(tensor.dtype())));
  }
  const py::dtype dtype = NumpyType(tensor.dtype());
  const auto size = static_cast<py::ssize_t>(dtype.itemsize());
  const std::vector<py::ssize_t> shape(tensor.dims().begin(), tensor.dims().end());
  return py::buffer_info(const_cast<void*>(tensor.raw_data()), size,
                         py::cast<std::string>(dtype.attr("char")),
                         static_cast<py::ssize_t>(shape.size()), shape,
                         py::detail::c_strides(shape, size), /*readonly=*/true);
}

}  // namespace

void BindTensor(py::module_& core) {
  py::class_<Tensor>(core, "Tensor", py::buffer_protocol())
      .def(py::init([](py::handle value, bool copy, py::handle dtype) {
             return TensorFromPython(value, "Tensor()", copy, dtype);
           }),
           py::arg("value"), py::arg("copy") = false, py::arg("dtype") = py::none())
      .def_property_readonly(
          "dtype",
          [](const Tensor& self) { return py::str(std::string(DataTypeName(self.dtype()))); })
      .def_property_readonly("shape", &Shape)
      .def_property_readonly("nbytes", &Tensor::bytes)
      .def("numpy", [](const Tensor& self) { return ArrayFromTensor(self); })
      .def("copy",
           [](Tensor self) {
             Check(self.MakeUnique());
             return self;
           })
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
      .def("__repr__", [](const Tensor& self) { return "doppio.Tensor " + self.TypeAndShape(); })
      .def_buffer(&Buffer);
}

}  // namespace doppio::python
