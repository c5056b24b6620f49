#include "python/core/python_functions.h"

#include <pybind11/numpy.h>

#include <map>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "python/core/arguments.h"
#include "python/core/arrays.h"
#include "python/core/errors.h"

namespace doppio::python {
namespace {

// Held for moments only, never while waiting for the interpreter.
absl::Mutex& TableMutex() {
  static auto& mutex = *new absl::Mutex;
  return mutex;
}

std::map<std::string, PythonFunction*, std::less<>>& Table() {
  static auto& table = *new std::map<std::string, PythonFunction*, std::less<>>;
  return table;
}

// Whether nobody but the caller, who has that many references to the array, can reach its memory.
bool IsHeldByCallerAlone(PyObject* array, Py_ssize_t references) {
  for (; Py_REFCNT(array) == references; references = 1) {
    const auto* proxy = py::detail::array_proxy(array);
    if ((proxy->flags & py::detail::npy_api::NPY_ARRAY_OWNDATA_) != 0) return true;
    array = proxy->base;  // of a view
    if (array == nullptr || !py::isinstance<py::array>(array)) return false;
  }
  return false;
}

// The input that the array is a view of, in its whole length.
const Tensor* InputOf(const py::array& array, const std::vector<Tensor>& inputs) {
  if (array.writeable() || (array.flags() & py::array::c_style) == 0 || array.size() == 0) {
    return nullptr;
  }
  for (const Tensor& input : inputs) {
    if (input.raw_data() == array.data() && input.numel() == array.size() &&
        IsNumeric(input.dtype()) && !input.Is<bfloat16>() &&
        NumpyType(input.dtype()).is(array.dtype())) {
      return &input;
    }
  }
  return nullptr;
}

}  // namespace

PythonFunction* PythonFunction::Find(absl::string_view type) {
  absl::MutexLock lock(&TableMutex());
  const auto found = Table().find(type);
  return found == Table().end() ? nullptr : found->second;
}

PythonFunction* PythonFunction::FindOrAdd(absl::string_view type) {
  absl::MutexLock lock(&TableMutex());
  PythonFunction*& function = Table()[std::string(type)];
  if (function == nullptr) function = new PythonFunction(type);
  return function;
}

std::shared_ptr<const PythonSignature> PythonFunction::signature() const {
  absl::MutexLock lock(&TableMutex());
  return signature_;
}

void PythonFunction::Set(py::object function, PythonSignature signature) {
  auto shared = std::make_shared<const PythonSignature>(std::move(signature));
  {
    absl::MutexLock lock(&TableMutex());
    signature_.swap(shared);
  }
  ++version_;
  std::swap(function_, function);  // the old one goes last: its destructor may be Python code
}

py::dict ArgumentsOf(const OperatorDef& def, const OpSchema& schema,
                     const PythonSignature& signature, bool* is_constant) {
  py::dict arguments;
  *is_constant = true;
  for (const Argument& argument : def.arg()) {
    if (signature.arguments.has_value() && signature.arguments->count(argument.name()) == 0) {
      continue;
    }
    py::object value = ArgumentToPython(argument);
    const OpSchema::ArgSpec* spec = schema.FindArg(argument.name());
    if (spec != nullptr && spec->type == OpSchema::ArgType::kBool) value = py::bool_(value);
    *is_constant = *is_constant && !py::isinstance<py::list>(value) && !argument.has_n();
    arguments[TextFromBytes(argument.name())] = std::move(value);
  }
  return arguments;
}

Tensor TensorOfResult(py::handle result, absl::string_view what,
                      const std::vector<Tensor>& inputs) {
  if (result.is_none()) {
    RaiseTypeError(absl::StrCat(what, " is None; an array or a number must be returned for it"));
  }
  if (!py::isinstance<py::array>(result)) {
    return TensorFromPython(result, what, /*copy=*/!py::isinstance<Tensor>(result));
  }
  const auto array = py::reinterpret_borrow<py::array>(result);
  if (const Tensor* input = InputOf(array, inputs)) {
    Tensor tensor = *input;
    Check(tensor.Reshape(DimsView(array.shape(), static_cast<size_t>(array.ndim()))));
    return tensor;
  }
  // The references are that of `result` and that of `array`.
  return TensorFromArray(array, what, /*copy=*/!IsHeldByCallerAlone(array.ptr(), 2));
}

}  // namespace doppio::python
