#ifndef DOPPIO_PYTHON_CORE_ARRAYS_H_
#define DOPPIO_PYTHON_CORE_ARRAYS_H_

// Between NumPy's arrays and tensors. The interpreter's lock must be held.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>

#include "absl/strings/string_view.h"
#include "doppio/tensor.h"

namespace doppio::python {

namespace py = pybind11;

// An array over the tensor's elements, which keeps them alive; nothing is copied. It may be written
// to when nobody else has a share of the elements. Strings become an array of bytes objects (a
// copy), bfloat16, which NumPy does not have, float32 (a copy).
py::array ArrayFromTensor(Tensor tensor);

// The same as an array of its own.
py::array CopyOfTensor(const Tensor& tensor);

// A tensor of an array, of something that NumPy makes an array of (numbers, lists), of what speaks
// DLPack, or of a Tensor. The elements are shared where they are as tensors have them (C order,
// native bytes, aligned) and `copy` is false, else copied. `dtype`, where it is not None, is what
// to convert to. `what` names the argument in exceptions.
Tensor TensorFromPython(py::handle value, absl::string_view what, bool copy = false,
                        py::handle dtype = py::none());

// The same of one array; exceptions name `what`.
Tensor TensorFromArray(const py::array& array, absl::string_view what, bool copy);

// NumPy's type for that of a tensor; object for strings, float32 for bfloat16.
py::dtype NumpyType(DataType dtype);

// The tensor type of one of NumPy's, or nothing where there is none.
std::optional<DataType> TypeOfNumpy(const py::dtype& dtype);

// The same of anything that names an element type: "float", np.float32, DataType's numbers.
DataType TypeFromPython(py::handle value, absl::string_view what);

// text, or bytes as they are.
std::string BytesFromPython(py::handle value, absl::string_view what);
// Python's str of bytes that may be no UTF-8 (these become surrogates, and come back as they were).
py::str TextFromBytes(absl::string_view bytes);
template <typename Names>
py::list TextsFromBytes(const Names& names) {
  py::list texts;
  for (const std::string& name : names) texts.append(TextFromBytes(name));
  return texts;
}

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_ARRAYS_H_
