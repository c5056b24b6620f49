#include "python/core/arrays.h"

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "doppio/limits.h"
#include "python/core/dlpack.h"
#include "python/core/errors.h"
#include "python/core/release.h"

namespace doppio::python {
namespace {

constexpr char kTypes[] =
    "bool, int8, int16, int32, int64, uint8, uint16, float16, float32, float64 and strings";

// All dtype objects, made once.
const py::dtype& CachedType(DataType type) {
  static const auto& types = *new std::map<DataType, py::dtype>{
      {DataType::kFloat, py::dtype("float32")}, {DataType::kDouble, py::dtype("float64")},
      {DataType::kBool, py::dtype("bool")},     {DataType::kInt8, py::dtype("int8")},
      {DataType::kInt16, py::dtype("int16")},   {DataType::kInt32, py::dtype("int32")},
      {DataType::kInt64, py::dtype("int64")},   {DataType::kUInt8, py::dtype("uint8")},
      {DataType::kUInt16, py::dtype("uint16")}, {DataType::kFloat16, py::dtype("float16")},
      {DataType::kString, py::dtype("object")}, {DataType::kBFloat16, py::dtype("float32")}};
  return types.at(type);
}

py::array StringsToArray(const Tensor& tensor) {
  py::array array(CachedType(DataType::kString),
                  std::vector<py::ssize_t>(tensor.dims().begin(), tensor.dims().end()));
  auto* out = static_cast<PyObject**>(array.mutable_data());
  for (const std::string& text : tensor.span<std::string>()) {
    PyObject* bytes = PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
    if (bytes == nullptr) throw py::error_already_set();
    Py_XDECREF(*out);
    *out++ = bytes;
  }
  return array;
}

// An array over memory that `base` keeps alive.
py::array View(const Tensor& tensor, const py::dtype& dtype, py::handle base) {
  return py::array(dtype, std::vector<py::ssize_t>(tensor.dims().begin(), tensor.dims().end()), {},
                   tensor.numel() > 0 ? tensor.raw_data() : nullptr, base);
}

void SetReadOnly(const py::array& array) {
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
}

py::array WidenedCopy(const Tensor& tensor) {
  py::array array(CachedType(DataType::kFloat),
                  std::vector<py::ssize_t>(tensor.dims().begin(), tensor.dims().end()));
  auto* out = static_cast<float*>(array.mutable_data());
  for (const bfloat16 value : tensor.span<bfloat16>()) *out++ = static_cast<float>(value);
  return array;
}

// Bytes objects, and text as UTF-8, to strings.
Tensor StringsFromObjects(const py::array& array, absl::string_view what) {
  const py::array objects = py::module_::import("numpy").attr("array")(
      array, py::arg("dtype") = CachedType(DataType::kString), py::arg("order") = "C");
  const std::vector<int64_t> dims(objects.shape(), objects.shape() + objects.ndim());
  Tensor tensor = ValueOrRaise(Tensor::Create(DataType::kString, dims));
  auto* const* in = static_cast<PyObject* const*>(objects.data());
  std::string* out = tensor.mutable_data<std::string>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    out[i] = BytesFromPython(in[i], absl::StrCat(what, ", element ", i));
  }
  return tensor;
}

// Why an array's type is none of a tensor.
[[noreturn]] void RaiseNoSuchType(const py::dtype& dtype, absl::string_view what) {
  const auto name = py::cast<std::string>(py::str(static_cast<py::handle>(dtype)));
  std::string advice = "convert it with astype() first";
  if (dtype.kind() == 'V') advice = "feed each of its fields on its own";
  if (dtype.kind() == 'c') advice = "feed its real and imaginary parts on their own";
  RaiseTypeError(absl::StrCat(what, ": there are no tensors of ", name, "; there are ", kTypes,
                              ". You may ", advice, "."));
}

}  // namespace

py::dtype NumpyType(DataType dtype) { return CachedType(dtype); }

std::optional<DataType> TypeOfNumpy(const py::dtype& dtype) {
  switch (dtype.kind()) {
    case 'b':
      return DataType::kBool;
    case 'S':
    case 'U':
    case 'O':
      return DataType::kString;
    case 'i':
      switch (dtype.itemsize()) {
        case 1:
          return DataType::kInt8;
        case 2:
          return DataType::kInt16;
        case 4:
          return DataType::kInt32;
        default:
          return DataType::kInt64;
      }
    case 'u':
      if (dtype.itemsize() == 1) return DataType::kUInt8;
      if (dtype.itemsize() == 2) return DataType::kUInt16;
      return std::nullopt;
    case 'f':
      if (dtype.itemsize() == 2) return DataType::kFloat16;
      if (dtype.itemsize() == 4) return DataType::kFloat;
      if (dtype.itemsize() == 8) return DataType::kDouble;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

DataType TypeFromPython(py::handle value, absl::string_view what) {
  if (py::isinstance<py::str>(value)) {
    return ValueOrRaise(DataTypeFromName(py::cast<std::string>(value)));
  }
  if (py::isinstance<py::int_>(value)) {
    return ValueOrRaise(DataTypeFromNumber(py::cast<int64_t>(value)));
  }
  const py::dtype dtype = py::dtype::from_args(py::reinterpret_borrow<py::object>(value));
  const std::optional<DataType> type = TypeOfNumpy(dtype);
  if (!type.has_value()) RaiseNoSuchType(dtype, what);
  return *type;
}

std::string BytesFromPython(py::handle value, absl::string_view what) {
  if (PyBytes_Check(value.ptr())) {
    return {PyBytes_AS_STRING(value.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(value.ptr()))};
  }
  if (PyUnicode_Check(value.ptr())) {
    const auto encoded = py::reinterpret_steal<py::object>(
        PyUnicode_AsEncodedString(value.ptr(), "utf-8", "surrogateescape"));
    if (!encoded) throw py::error_already_set();
    return BytesFromPython(encoded, what);
  }
  RaiseTypeError(
      absl::StrCat(what, ": bytes or str are wanted, not ",
                   py::cast<std::string>(py::str(py::type::handle_of(value).attr("__name__")))));
}

py::str TextFromBytes(absl::string_view bytes) {
  PyObject* text =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

py::array ArrayFromTensor(Tensor tensor) {
  if (tensor.Is<std::string>()) return StringsToArray(tensor);
  if (tensor.Is<bfloat16>()) return WidenedCopy(tensor);
  auto* kept = new Tensor(std::move(tensor));
  const bool is_writable = kept->numel() == 0 || kept->IsUnique();
  const py::capsule base(kept, [](void* pointer) { delete static_cast<Tensor*>(pointer); });
  py::array array = View(*kept, CachedType(kept->dtype()), base);
  if (!is_writable) SetReadOnly(array);
  return array;
}

py::array CopyOfTensor(const Tensor& tensor) {
  if (tensor.Is<std::string>() || tensor.Is<bfloat16>()) return ArrayFromTensor(tensor);
  py::array array(CachedType(tensor.dtype()),
                  std::vector<py::ssize_t>(tensor.dims().begin(), tensor.dims().end()));
  if (tensor.bytes() > 0) std::memcpy(array.mutable_data(), tensor.raw_data(), tensor.bytes());
  return array;
}

Tensor TensorFromArray(const py::array& array, absl::string_view what, bool copy) {
  const py::dtype dtype = array.dtype();
  const std::optional<DataType> type = TypeOfNumpy(dtype);
  if (!type.has_value()) RaiseNoSuchType(dtype, what);
  const Dims dims(array.shape(), array.shape() + array.ndim());
  const absl::StatusOr<int64_t> count = NumElements(dims);
  const int64_t most = Limits().max_tensor_bytes / array.itemsize();
  if (!count.ok() || *count > most) {
    RaiseValueError(absl::StrCat(what, ": an array of shape ", ShapeToString(dims),
                                 " is larger than a tensor may be (", Limits().max_tensor_bytes,
                                 " bytes)"));
  }
  if (*type == DataType::kString) return StringsFromObjects(array, what);

  constexpr int kAsTensorsAre =
      py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  const char order = dtype.byteorder();
  if (!copy && (array.flags() & kAsTensorsAre) == kAsTensorsAre && order != '>') {
    return ValueOrRaise(Tensor::FromExternal(*type, dims, array.data(), ShareObject(array)));
  }
  Tensor tensor = ValueOrRaise(Tensor::Create(*type, dims));
  py::module_::import("numpy").attr("copyto")(View(tensor, CachedType(*type), py::none()), array);
  return tensor;
}

Tensor TensorFromPython(py::handle value, absl::string_view what, bool copy, py::handle dtype) {
  ReleaseLater();
  if (!dtype.is_none()) {
    const DataType type = TypeFromPython(dtype, what);
    if (type == DataType::kBFloat16) {
      RaiseTypeError(absl::StrCat(what, ": NumPy has no bfloat16; feed float32 and Cast it"));
    }
    const py::object converted =
        py::module_::import("numpy").attr("asarray")(value, py::arg("dtype") = CachedType(type));
    return TensorFromArray(converted, what, copy);
  }
  if (py::isinstance<py::array>(value)) {
    return TensorFromArray(py::reinterpret_borrow<py::array>(value), what, copy);
  }
  if (py::isinstance<Tensor>(value)) {
    Tensor tensor = value.cast<const Tensor&>();
    if (copy) Check(tensor.MakeUnique());
    return tensor;
  }
  if (py::hasattr(value, "__dlpack__")) return FromDlpack(value, what, copy);
  py::array array;
  try {
    array = py::module_::import("numpy").attr("asarray")(value);
    const bool is_plain = !py::hasattr(value, "dtype");  // numbers and lists of Python's own
    if (is_plain && (array.dtype().kind() == 'U' || array.dtype().kind() == 'S')) {
      // NumPy writes numbers between strings as strings; as objects they stay what they are.
      array = py::module_::import("numpy").attr("array")(value, py::arg("dtype") = "object");
    } else if (is_plain && TypeOfNumpy(array.dtype()) == DataType::kDouble) {
      array = array.attr("astype")(CachedType(DataType::kFloat));
    }
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_TypeError)) throw;
    RaiseValueError(absl::StrCat(
        what, ": NumPy makes no array of this: ", py::cast<std::string>(py::str(error.value()))));
  }
  return TensorFromArray(array, what, copy);
}

}  // namespace doppio::python
