#ifndef DOPPIO_PYTHON_CORE_PYTHON_FUNCTIONS_H_
#define DOPPIO_PYTHON_CORE_PYTHON_FUNCTIONS_H_

// The Python functions behind the operators that are written in Python.

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/net.pb.h"
#include "doppio/schema.h"
#include "doppio/tensor.h"

namespace doppio::python {

namespace py = pybind11;

// What can be known of a function without the interpreter's lock. It never changes: a function that
// is registered again gets a new one.
struct PythonSignature {
  // Names of the arguments that the function takes; nothing: all (**kwargs).
  std::optional<std::set<std::string>> arguments;
  std::string forward;               // of a gradient: the operator it belongs to
  std::vector<int> gradient_inputs;  // inputs that have a gradient; none: all of them
  bool is_gradient() const { return !forward.empty(); }
};

// One exists for each operator type written in Python, forever; operators hold it, so that a
// function that is registered again is what nets that exist already run next.
class PythonFunction {
 public:
  // Null where no operator of that type is written in Python.
  static PythonFunction* Find(absl::string_view type);
  static PythonFunction* FindOrAdd(absl::string_view type);

  // Registered strings live forever.
  const char* type() const { return type_.c_str(); }
  std::shared_ptr<const PythonSignature> signature() const;

  // With the interpreter's lock.
  void Set(py::object function, PythonSignature signature);
  const py::object& function() const { return function_; }
  int version() const { return version_; }  // another one after every Set()

 private:
  explicit PythonFunction(absl::string_view type) : type_(type) {}

  std::string type_;
  std::shared_ptr<const PythonSignature> signature_;
  py::object function_;
  int version_ = 0;
};

// The arguments of `def` that the function takes, as Python has them; not those with a default that
// are not given. `is_constant` says whether one dict may serve several calls (no lists in it).
py::dict ArgumentsOf(const OperatorDef& def, const OpSchema& schema,
                     const PythonSignature& signature, bool* is_constant);

// The tensor of what a function returned for an output, for which exceptions say `what`. Tensors
// are values: elements are shared where nobody else can write to them (an array that the function
// made and did not keep, a whole input), else copied.
Tensor TensorOfResult(py::handle result, absl::string_view what, const std::vector<Tensor>& inputs);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_PYTHON_FUNCTIONS_H_
