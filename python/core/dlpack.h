#ifndef DOPPIO_PYTHON_CORE_DLPACK_H_
#define DOPPIO_PYTHON_CORE_DLPACK_H_

// Tensors that other libraries made or take, by DLPack (https://dmlc.github.io/dlpack).

#include <pybind11/pybind11.h>

#include "absl/strings/string_view.h"
#include "doppio/tensor.h"

namespace doppio::python {

namespace py = pybind11;

// A capsule "dltensor" that shares the tensor's elements.
py::capsule ToDlpack(const Tensor& tensor);

// The tensor of an object that has __dlpack__. Its elements are shared, where they are in C order.
Tensor FromDlpack(py::handle object, absl::string_view what, bool copy);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_DLPACK_H_
