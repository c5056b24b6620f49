// Caffe2's own operators written in Python: the types Python and PythonGradient, which call a
// function registered under a token, or one that a pickled builder makes, as f(inputs, outputs).
// What is asked of them, names of arguments included: caffe2/python/pybind_state.h and core.py
// (Net.Python).

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/operator.h"
#include "doppio/registry.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/carried_error.h"
#include "python/core/ending.h"
#include "python/core/errors.h"
#include "python/core/op_tensor.h"
#include "python/core/release.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

struct Function {
  py::object function;
  bool wants_workspace = false;
};

// By token; that of a gradient is the operator's and "_gradient". With the interpreter's lock.
std::map<std::string, Function>& Functions() {
  static auto& functions = *new std::map<std::string, Function>;
  return functions;
}

constexpr char kGradientSuffix[] = "_gradient";

// The exception that is set becomes a RuntimeError, as all errors of Caffe2 are, with the original
// as its cause; but Ctrl-C and the like stay.
absl::Status CarryRuntimeError() {
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return CarryPythonError();
  const absl::Status original = CarryPythonError();
  const std::string text = absl::StrCat("Exception encountered running PythonOp function: ",
                                        absl::string_view(original.message()));
  RestorePythonError(original);
  py::error_already_set cause;
  const py::object error = py::module_::import("doppio.errors").attr("Error")(TextFromBytes(text));
  PyException_SetCause(error.ptr(), cause.value().inc_ref().ptr());
  PyErr_SetObject(error.get_type().ptr(), error.ptr());
  return CarryPythonError();
}

// T: OpTensor or DlpackOpTensor.
template <typename T>
class Caffe2PythonOp : public Operator<CPUContext> {
 public:
  Caffe2PythonOp(OperatorInit* init, bool is_gradient)
      : Operator<CPUContext>(init),
        builder_(init->GetSingleArgument<std::string>(
            is_gradient ? "pickled_grad_builder" : "pickled_builder", "")),
        token_(init->GetSingleArgument<std::string>("token", "")),
        wants_workspace_(init->GetSingleArgument<bool>("pass_workspace", false)),
        scope_(init->scope()) {
    if (token_.empty() && builder_.empty()) {
      init->Fail(absl::InvalidArgumentError(
          "needs the argument \"token\" (of register_python_op) or \"pickled_builder\""));
    }
    if (is_gradient) token_ += kGradientSuffix;
    for (const std::string& name : def().input()) inputs_.push_back(init->scope()->FindBlob(name));
    for (const std::string& name : def().output()) {
      outputs_.push_back(init->scope()->CreateBlob(name));
    }
  }

  absl::Status RunOnDevice() override {
    const PythonPermission permission;
    if (!permission.is_granted()) return absl::CancelledError("the Python interpreter is ending");
    const py::gil_scoped_acquire locked;
    if (PyErr_Occurred() != nullptr) return absl::CancelledError("interrupted");
    try {
      return Call(builder_.empty() ? Registered() : Built());
    } catch (py::error_already_set& error) {
      error.restore();
      return CarryRuntimeError();
    } catch (const std::exception& error) {
      return absl::InternalError(error.what());
    }
  }

 private:
  Function Registered() const {
    const auto found = Functions().find(token_);
    if (found != Functions().end()) return found->second;
    Raise(absl::NotFoundError(absl::StrCat(
        "no Python function is registered for the token \"", token_,
        "\"; functions must be registered in each process that runs the net")));
  }

  // What the pickled (function, arguments, keyword arguments) makes, once.
  Function Built() {
    if (built_ == nullptr) {
      const py::tuple call = py::module_::import("pickle").attr("loads")(py::bytes(builder_));
      if (call.size() != 3) RaiseValueError("pickled_builder must hold (function, args, kwargs)");
      py::object made = call[0](*py::tuple(call[1]), **py::dict(call[2]));
      made = py::module_::import("doppio.caffe2_state.registry").attr("dressed")(made, "builder");
      built_ = Share(made.release().ptr(),
                     [](void* object) { Py_DECREF(static_cast<PyObject*>(object)); });
    }
    return {py::reinterpret_borrow<py::object>(
                static_cast<PyObject*>(const_cast<void*>(built_.get()))),
            wants_workspace_};
  }

  absl::Status Call(const Function& function) {
    std::vector<std::shared_ptr<T>> outputs;
    std::vector<std::shared_ptr<T>> inputs;
    // In place, what the function writes to the output shows in the input.
    for (const std::shared_ptr<Blob>& blob : outputs_) {
      if (std::find(inputs_.begin(), inputs_.end(), blob) != inputs_.end()) {
        DOPPIO_RETURN_IF_ERROR(blob->GetMutable<Tensor>()->MakeUnique());
      }
      outputs.push_back(std::make_shared<T>(blob, /*is_output=*/true));
    }
    for (const std::shared_ptr<Blob>& blob : inputs_) {
      const auto same = std::find(outputs_.begin(), outputs_.end(), blob);
      inputs.push_back(same == outputs_.end()
                           ? std::make_shared<T>(blob, /*is_output=*/false)
                           : outputs[same - outputs_.begin()]);
    }
    const absl::Status status = CallWith(function, inputs, outputs);
    for (const auto* tensors : {&inputs, &outputs}) {
      for (const std::shared_ptr<T>& tensor : *tensors) tensor->Detach();
    }
    // As in Caffe2 an output may stay without a value; who reads it says so.
    return status;
  }

  absl::Status CallWith(const Function& function,
                        const std::vector<std::shared_ptr<T>>& inputs,
                        const std::vector<std::shared_ptr<T>>& outputs) {
    std::shared_ptr<PyWorkspace> workspace;
    absl::Status status;
    try {
      if (function.wants_workspace) {
        workspace = PyWorkspace::Lend(dynamic_cast<Workspace*>(scope_));
        function.function(py::cast(inputs), py::cast(outputs), workspace);
      } else {
        function.function(py::cast(inputs), py::cast(outputs));
      }
    } catch (py::error_already_set& error) {
      error.restore();
      status = CarryRuntimeError();
    }
    if (workspace != nullptr) workspace->EndLoan();
    return status;
  }

  const std::string builder_;
  std::string token_;
  const bool wants_workspace_;
  BlobScope* const scope_;
  std::shared_ptr<const void> built_;
  std::vector<std::shared_ptr<Blob>> inputs_;
  std::vector<std::shared_ptr<Blob>> outputs_;
};

class GetPythonGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;

  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs;
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(I(i));
    for (int o = 0; o < OutputSize(); ++o) inputs.push_back(O(o));
    for (const int o : Indices("grad_output_indices", OutputSize())) inputs.push_back(GO(o));
    std::vector<std::string> outputs;
    for (const int i : Indices("grad_input_indices", InputSize())) outputs.push_back(GI(i));
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, outputs);
  }

  // Those of the argument; without them all.
  std::vector<int> Indices(const char* name, int count) {
    ArgumentReader reader(Def(), nullptr);
    std::vector<int> indices = reader.GetRepeatedArgument<int>(name);
    if (!reader.status().ok()) Fail(reader.status());
    if (indices.empty()) {
      for (int i = 0; i < count; ++i) indices.push_back(i);
    }
    for (const int index : indices) {
      if (index >= 0 && index < count) continue;
      Fail(absl::InvalidArgumentError(
          absl::StrCat("argument \"", name, "\": ", index, " is none of ", count)));
      return {};
    }
    return indices;
  }
};

void StateCaffe2(OpSchema& schema) {
  schema.AllowAnyInplace()
      .HasSideEffects()
      .OptionalArg<std::string>("token", "what register_python_op returned for the function")
      .OptionalArg<std::string>("pickled_builder",
                                "pickled (f, args, kwargs) where f(*args, **kwargs) makes the "
                                "function; in the place of a token")
      .OptionalArg<std::string>("pickled_grad_builder", "the same for the gradient")
      .Arg<bool>("pass_workspace",
                 "with a builder: the function's third argument is the workspace", false)
      .OptionalArg<std::vector<int64_t>>("grad_output_indices",
                                         "outputs whose gradients the gradient is given; all")
      .OptionalArg<std::vector<int64_t>>("grad_input_indices",
                                         "inputs that have a gradient; all");
}

DOPPIO_OPERATOR_SCHEMA(Python)
    .Doc(R"DOC(
Calls a Python function as f(inputs, outputs), lists of tensors: `tensor.data` is a NumPy array,
`tensor.shape` its shape; outputs take their shape by `tensor.reshape(shape)` or `tensor.init(dims,
type)` and their elements by `tensor.data[...] = ` or `tensor.feed(array)`.
)DOC")
    .FillUsing(&StateCaffe2);

DOPPIO_OPERATOR_SCHEMA(PythonGradient)
    .Doc(R"DOC(
The gradient of Python: calls the function that was registered as its gradient, with the inputs and
the outputs of the operator and the gradients of its outputs; it writes the gradients of the inputs.
)DOC")
    .FillUsing(&StateCaffe2);

DOPPIO_OPERATOR_SCHEMA(PythonDLPack)
    .Doc("Like Python, but `tensor.data` and `tensor.feed()` have DLPack capsules.")
    .FillUsing(&StateCaffe2);

DOPPIO_OPERATOR_SCHEMA(PythonDLPackGradient)
    .Doc("The gradient of PythonDLPack, as PythonGradient is that of Python.")
    .FillUsing(&StateCaffe2);

template <typename T, bool is_gradient>
class TypedPythonOp final : public Caffe2PythonOp<T> {
 public:
  explicit TypedPythonOp(OperatorInit* init) : Caffe2PythonOp<T>(init, is_gradient) {}
};

DOPPIO_REGISTER_CPU_OPERATOR(Python, TypedPythonOp<OpTensor, false>);
DOPPIO_REGISTER_CPU_OPERATOR(PythonGradient, TypedPythonOp<OpTensor, true>);
DOPPIO_REGISTER_CPU_OPERATOR(PythonDLPack, TypedPythonOp<DlpackOpTensor, false>);
DOPPIO_REGISTER_CPU_OPERATOR(PythonDLPackGradient, TypedPythonOp<DlpackOpTensor, true>);

DOPPIO_REGISTER_GRADIENT(Python, GetPythonGradient);
DOPPIO_REGISTER_GRADIENT(PythonDLPack, GetPythonGradient);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(PythonGradient);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(PythonDLPackGradient);

// The function's name, with a number where that is taken: a token.
std::string RegisterPythonOp(const py::object& function, bool pass_workspace, std::string name) {
  if (function.is_none()) RaiseTypeError("register_python_op: a function is wanted, not None");
  if (!name.empty()) name += ":";
  name += function.attr("__name__").cast<std::string>();
  std::string token = name;
  for (int i = 1; Functions().count(token) > 0; ++i) token = absl::StrCat(name, ":", i);
  Functions()[token] = {function, pass_workspace};
  return token;
}

void RegisterPythonGradientOp(const std::string& token, const py::object& function) {
  if (function.is_none()) {
    RaiseTypeError("register_python_gradient_op: a function is wanted, not None");
  }
  if (Functions().count(token) == 0) {
    Raise(absl::NotFoundError(
        absl::StrCat("register_python_gradient_op: there is no token \"", token, "\"")));
  }
  Functions()[token + kGradientSuffix] = {function, false};
}

}  // namespace

void BindCaffe2Operators(py::module_& core) {
  core.def("register_python_op", &RegisterPythonOp, py::arg("function"),
           py::arg("pass_workspace") = false, py::arg("name") = "");
  core.def("register_python_gradient_op", &RegisterPythonGradientOp);
}

}  // namespace doppio::python
