// Schemas and gradients of Caffe2's operators written in Python, and how their functions are
// registered.

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "python/core/bindings.h"
#include "python/core/caffe2_operator.h"
#include "python/core/errors.h"

namespace doppio::python {
namespace {

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
      .Arg<bool>("pass_workspace", "with a builder: the function's third argument is the workspace",
                 false)
      .OptionalArg<std::vector<int64_t>>("grad_output_indices",
                                         "outputs whose gradients the gradient is given; all")
      .OptionalArg<std::vector<int64_t>>("grad_input_indices", "inputs that have a gradient; all");
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

template <auto create, bool is_gradient>
std::unique_ptr<OperatorBase> Create(OperatorInit* init) {
  return create(init, is_gradient);
}

bool Register(const char* type, OperatorFactory factory) {
  return OperatorRegistry::Register(type, DeviceType::kCpu, "", factory, __FILE__, __LINE__);
}

[[maybe_unused]] const bool is_registered =
    Register("Python", &Create<&CreateCaffe2PythonOp, false>) &&
    Register("PythonGradient", &Create<&CreateCaffe2PythonOp, true>) &&
    Register("PythonDLPack", &Create<&CreateCaffe2DlpackOp, false>) &&
    Register("PythonDLPackGradient", &Create<&CreateCaffe2DlpackOp, true>);

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
  for (int i = 1; Caffe2Functions().count(token) > 0; ++i) token = absl::StrCat(name, ":", i);
  Caffe2Functions()[token] = {function, pass_workspace};
  return token;
}

void RegisterPythonGradientOp(const std::string& token, const py::object& function) {
  if (function.is_none()) {
    RaiseTypeError("register_python_gradient_op: a function is wanted, not None");
  }
  if (Caffe2Functions().count(token) == 0) {
    Raise(absl::NotFoundError(
        absl::StrCat("register_python_gradient_op: there is no token \"", token, "\"")));
  }
  Caffe2Functions()[token + kCaffe2GradientSuffix] = {function, false};
}

}  // namespace

void BindCaffe2Operators(py::module_& core) {
  core.def("register_python_op", &RegisterPythonOp, py::arg("function"),
           py::arg("pass_workspace") = false, py::arg("name") = "");
  core.def("register_python_gradient_op", &RegisterPythonGradientOp);
}

}  // namespace doppio::python
