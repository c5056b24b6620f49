#include "python/core/caffe2_operator.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/core/errors.h"
#include "python/core/locked_call.h"
#include "python/core/op_tensor.h"
#include "python/core/release.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

// T: OpTensor or DlpackOpTensor.
template <typename T>
class Caffe2PythonOp final : public Operator<CPUContext> {
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
    if (is_gradient) token_ += kCaffe2GradientSuffix;
    for (const std::string& name : def().input()) inputs_.push_back(init->scope()->FindBlob(name));
    for (const std::string& name : def().output()) {
      outputs_.push_back(init->scope()->CreateBlob(name));
    }
  }

  absl::Status RunOnDevice() override {
    return LockedCall([this] { return Call(builder_.empty() ? Registered() : Built()); });
  }

 private:
  Caffe2Function Registered() const {
    const auto found = Caffe2Functions().find(token_);
    if (found != Caffe2Functions().end()) return found->second;
    Raise(absl::NotFoundError(
        absl::StrCat("no Python function is registered for the token \"", token_,
                     "\"; functions must be registered in each process that runs the net")));
  }

  // What the pickled (function, arguments, keyword arguments) makes, once.
  Caffe2Function Built() {
    if (built_ == nullptr) {
      const py::tuple call = py::module_::import("pickle").attr("loads")(py::bytes(builder_));
      if (call.size() != 3) {
        Raise(absl::InvalidArgumentError("pickled_builder must hold (function, args, kwargs)"));
      }
      py::object made = call[0](*py::tuple(call[1]), **py::dict(call[2]));
      made = py::module_::import("doppio.caffe2_state.registry").attr("dressed")(made, "builder");
      built_ = ShareObject(std::move(made));
    }
    return {py::reinterpret_borrow<py::object>(ObjectOf(built_)), wants_workspace_};
  }

  absl::Status Call(const Caffe2Function& function) {
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
      inputs.push_back(same == outputs_.end() ? std::make_shared<T>(blob, /*is_output=*/false)
                                              : outputs[same - outputs_.begin()]);
    }
    absl::Status status = CallWith(function, inputs, outputs);
    for (const auto* tensors : {&inputs, &outputs}) {
      for (const std::shared_ptr<T>& tensor : *tensors) tensor->Detach();
    }
    // As in Caffe2 an output may stay without a value; who reads it says so.
    return status;
  }

  absl::Status CallWith(const Caffe2Function& function,
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
      status = CarryPythonError();
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

}  // namespace

std::map<std::string, Caffe2Function>& Caffe2Functions() {
  static auto& functions = *new std::map<std::string, Caffe2Function>;
  return functions;
}

std::unique_ptr<OperatorBase> CreateCaffe2PythonOp(OperatorInit* init, bool is_gradient) {
  return std::make_unique<Caffe2PythonOp<OpTensor>>(init, is_gradient);
}

std::unique_ptr<OperatorBase> CreateCaffe2DlpackOp(OperatorInit* init, bool is_gradient) {
  return std::make_unique<Caffe2PythonOp<DlpackOpTensor>>(init, is_gradient);
}

}  // namespace doppio::python
