// Operators written in Python with doppio.operator: one class of operators for all, which calls the
// function that is registered for its type.

#include "python/core/python_operator.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/registry.h"
#include "python/core/arrays.h"
#include "python/core/errors.h"
#include "python/core/locked_call.h"
#include "python/core/python_functions.h"
#include "python/core/python_gradient.h"
#include "python/core/release.h"

namespace doppio::python {
namespace {

class PythonOp final : public Operator<CPUContext> {
 public:
  using Context = CPUContext;
  DOPPIO_USE_OPERATOR_FUNCTIONS;

  // Without the interpreter's lock: whoever creates operators may hold locks of doppio.
  explicit PythonOp(OperatorInit* init)
      : Operator<CPUContext>(init), function_(PythonFunction::Find(def().type())) {
    const auto signature = function_->signature();
    if (signature->is_gradient()) gradient_ = ReadGradientShape(init);
    if (signature->is_gradient()) return;
    if (!signature->arguments.has_value()) return;
    const std::vector<std::string> known(signature->arguments->begin(),
                                         signature->arguments->end());
    for (const Argument& argument : def().arg()) {
      if (signature->arguments->count(argument.name()) > 0) continue;
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "has no argument \"", argument.name(), "\"", DidYouMean(argument.name(), known))));
    }
  }

  absl::Status RunOnDevice() override {
    return LockedCall([this] { return Call(); });
  }

 private:
  bool is_gradient() const { return gradient_.forward_inputs >= 0; }

  absl::Status Call() {
    const py::object function = function_->function();  // may be replaced meanwhile
    const py::dict arguments = Arguments();
    std::vector<Tensor> inputs;
    inputs.reserve(InputSize());
    for (int i = 0; i < InputSize(); ++i) inputs.push_back(Input(i));
    const py::tuple arrays = Arrays(inputs);
    auto result = py::reinterpret_steal<py::object>(
        PyObject_Call(function.ptr(), arrays.ptr(), arguments.empty() ? nullptr : arguments.ptr()));
    if (!result) throw py::error_already_set();
    return SetOutputs(std::move(result), inputs);
  }

  py::dict Arguments() {
    if (arguments_ != nullptr && version_ == function_->version()) {
      return py::reinterpret_borrow<py::dict>(ObjectOf(arguments_));
    }
    bool is_constant = false;
    py::dict arguments = ArgumentsOf(def(), schema(), *function_->signature(), &is_constant);
    version_ = function_->version();
    arguments_ = is_constant ? ShareObject(arguments) : nullptr;
    return arguments;
  }

  // What the function is called with: the inputs; of a gradient, zeros for the gradients of outputs
  // on which nothing depends.
  py::tuple Arrays(const std::vector<Tensor>& inputs) const {
    if (!is_gradient() || gradient_.is_complete()) {
      py::tuple arrays(inputs.size());
      for (size_t i = 0; i < inputs.size(); ++i) arrays[i] = ArrayFromTensor(inputs[i]);
      return arrays;
    }
    const int given = gradient_.forward_inputs + gradient_.forward_outputs;
    py::tuple arrays(given + gradient_.forward_outputs);
    for (int i = 0; i < given; ++i) arrays[i] = ArrayFromTensor(inputs[i]);
    for (int o = 0; o < gradient_.forward_outputs; ++o) {
      const Tensor& output = inputs[gradient_.forward_inputs + o];
      const py::module_ numpy = py::module_::import("numpy");
      arrays[given + o] = numpy.attr("broadcast_to")(
          numpy.attr("zeros")(py::tuple(), NumpyType(output.dtype())),
          py::cast(std::vector<int64_t>(output.dims().begin(), output.dims().end())));
    }
    for (size_t k = 0; k < gradient_.outputs.size(); ++k) {
      arrays[given + gradient_.outputs[k]] = ArrayFromTensor(inputs[given + k]);
    }
    return arrays;
  }

  absl::Status SetOutputs(py::object result, const std::vector<Tensor>& inputs) {
    const bool is_list = py::isinstance<py::tuple>(result) ||
                         (OutputSize() != 1 && py::isinstance<py::list>(result));
    const auto count = is_list ? static_cast<int>(py::len(result))
                               : static_cast<int>(OutputSize() > 0 || !result.is_none());
    if (count != OutputSize()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the function must return ", OutputSize(), " ", is_gradient() ? "gradient" : "output",
          OutputSize() == 1 ? "" : "s", ", but returned ", count,
          OutputSize() > 1 && !is_list ? "; return a tuple of arrays" : ""));
    }
    // Nothing is written before everything is right.
    std::vector<Tensor> outputs(OutputSize());
    for (int i = 0; i < OutputSize(); ++i) {
      const std::string what =
          absl::StrCat(def().type(), ": output ", i, ", blob \"", def().output(i), "\",");
      py::object own;  // keeps one reference, as TensorOfResult wants
      py::handle item = result;
      if (is_list && Py_REFCNT(result.ptr()) == 1) {
        item = py::isinstance<py::tuple>(result) ? PyTuple_GET_ITEM(result.ptr(), i)
                                                 : PyList_GET_ITEM(result.ptr(), i);
      } else if (is_list) {
        own = py::reinterpret_borrow<py::sequence>(result)[i];
        item = own;
      }
      if (is_gradient()) {
        DOPPIO_ASSIGN_OR_RETURN(outputs[i], GradientOfResult(item, what, inputs, i));
      } else {
        outputs[i] = TensorOfResult(item, what, inputs);
      }
    }
    for (int i = 0; i < OutputSize(); ++i) SetOutput(i, std::move(outputs[i]));
    return absl::OkStatus();
  }

  // A gradient has the type and shape of its input; None is zeros.
  absl::StatusOr<Tensor> GradientOfResult(py::handle item, const std::string& what,
                                          const std::vector<Tensor>& inputs, int i) const {
    const Tensor& input = inputs[gradient_.inputs[i]];
    const py::module_ numpy = py::module_::import("numpy");
    const py::dtype dtype = NumpyType(input.dtype());
    if (item.is_none()) {
      const py::array zeros = numpy.attr("zeros")(
          py::cast(std::vector<int64_t>(input.dims().begin(), input.dims().end())), dtype);
      return TensorFromArray(zeros, what, /*copy=*/false);
    }
    Tensor gradient = TensorOfResult(item, what, inputs);
    if (gradient.dims() != input.dims()) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " must have the shape ", ShapeToString(input.dims()), " of input ",
                       gradient_.inputs[i], ", but has ", ShapeToString(gradient.dims())));
    }
    if (gradient.dtype() == input.dtype()) return gradient;
    return TensorFromPython(py::cast(gradient), what, /*copy=*/false, dtype);
  }

  PythonFunction* const function_;
  GradientShape gradient_;
  // The keyword arguments as a dict, made on the first run.
  std::shared_ptr<const void> arguments_;
  int version_ = 0;
};

}  // namespace

std::unique_ptr<OperatorBase> CreatePythonOperator(OperatorInit* init) {
  return std::make_unique<PythonOp>(init);
}

}  // namespace doppio::python
