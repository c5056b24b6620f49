// Makes operators of Python functions: schema, gradient maker and operator, in the registries that
// those of C++ are in.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/registry.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/carried_error.h"
#include "python/core/errors.h"
#include "python/core/python_functions.h"
#include "python/core/python_gradient.h"
#include "python/core/python_operator.h"
#include "python/core/release.h"

namespace doppio::python {
namespace {

std::string Text(py::handle fields, const char* name) {
  return BytesFromPython(fields[name], name);
}
int Count(py::handle fields, const char* name) {
  const int count = fields[name].cast<int>();
  return count < 0 ? OpSchema::kMany : count;
}

// What the function `infer(blobs, arguments)` says of the outputs. Only where the interpreter's
// lock is held already: whoever asks for shapes may hold locks of doppio. Elsewhere they are not
// known before a run.
absl::Status InferByPython(py::handle infer, const std::string& type, InferenceContext* context) {
  if (PyGILState_Check() == 0) return absl::OkStatus();
  try {
    py::list blobs;
    for (int i = 0; i < context->InputSize(); ++i) {
      py::tuple shape(context->dims(i).size());
      for (size_t d = 0; d < context->dims(i).size(); ++d) shape[d] = context->dims(i)[d];
      blobs.append(py::make_tuple(shape, NumpyType(context->dtype(i))));
    }
    bool is_constant = false;
    const py::dict arguments = ArgumentsOf(context->def(), *OpSchemaRegistry::Schema(type),
                                           *PythonFunction::Find(type)->signature(), &is_constant);
    const py::object inferred = infer(blobs, arguments, context->OutputSize());
    int output = 0;
    for (const py::handle info : inferred) {
      const auto [shape, dtype] = info.cast<std::pair<std::vector<int64_t>, py::object>>();
      context->SetOutput(output++, TypeFromPython(dtype, type), shape);
    }
    return absl::OkStatus();
  } catch (py::error_already_set& error) {
    error.restore();
    return CarryPythonError();
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("inference of ", type, ": ", error.what()));
  }
}

void AddArgument(py::handle spec, OpSchema* schema) {
  const auto [name, doc, type, is_required, fallback] =
      spec.cast<std::tuple<std::string, std::string, std::string, bool, py::object>>();
  const bool has_default = !fallback.is_none();
  const auto add = [&, name = name, doc = doc, is_required = is_required,
                    fallback = fallback](auto of_type) {
    using T = decltype(of_type);
    if (is_required) {
      schema->RequiredArg<T>(name, doc);
    } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
      schema->OptionalArg<T>(name, doc);
    } else if (has_default) {
      if constexpr (std::is_same_v<T, std::string>) {
        schema->Arg<T>(name, doc, BytesFromPython(fallback, name));
      } else {
        schema->Arg<T>(name, doc, fallback.template cast<T>());
      }
    } else {
      schema->OptionalArg<T>(name, doc);
    }
  };
  if (type == "bool") return add(bool{});
  if (type == "int") return add(int64_t{});
  if (type == "float") return add(float{});
  if (type == "str") return add(std::string{});
  if (type == "ints") return add(std::vector<int64_t>{});
  if (type == "floats") return add(std::vector<float>{});
  if (type == "strs") return add(std::vector<std::string>{});
  schema->AnyArg(name, doc);
}

OpSchema SchemaOf(const std::string& type, py::handle fields) {
  OpSchema schema(type, Text(fields, "file"), fields["line"].cast<int>());
  schema.NumInputs(Count(fields, "min_inputs"), Count(fields, "max_inputs"))
      .NumOutputs(Count(fields, "min_outputs"), Count(fields, "max_outputs"))
      .Doc(Text(fields, "doc"));
  int index = 0;
  for (const py::handle name : fields["inputs"]) {
    schema.Input(index++, BytesFromPython(name, "input"), "");
  }
  index = 0;
  for (const py::handle name : fields["outputs"]) {
    schema.Output(index++, BytesFromPython(name, "output"), "");
  }
  for (const py::handle spec : fields["args"]) AddArgument(spec, &schema);
  schema.AllowInplace(fields["inplace"].cast<std::vector<std::pair<int, int>>>());
  if (fields["side_effects"].cast<bool>()) schema.HasSideEffects();
  const py::object infer = fields["infer"];
  if (!infer.is_none()) {
    const std::shared_ptr<const void> shared = ShareObject(infer);
    schema.TensorInference([shared, type](InferenceContext* context) {
      return InferByPython(ObjectOf(shared), type, context);
    });
  }
  return schema;
}

PythonSignature SignatureOf(py::handle arguments) {
  PythonSignature signature;
  if (!arguments.is_none()) signature.arguments = arguments.cast<std::set<std::string>>();
  return signature;
}

// Refuses types that are taken by something else.
void CheckFree(const std::string& type, const std::string& forward) {
  const PythonFunction* known = PythonFunction::Find(type);
  if (known == nullptr) {
    if (!OperatorRegistry::Has(type) && OpSchemaRegistry::Schema(type) == nullptr) return;
    Raise(absl::AlreadyExistsError(
        absl::StrCat("there is an operator \"", type,
                     "\" already, which is not written in Python; give yours another name")));
  }
  const std::string& owner = known->signature()->forward;
  if (owner == forward) return;
  Raise(absl::AlreadyExistsError(owner.empty() ? absl::StrCat("there is an operator \"", type,
                                                              "\" already; the gradient of ",
                                                              forward, " would replace it")
                                               : absl::StrCat("\"", type, "\" is the gradient of ",
                                                              owner, "; give yours another name")));
}

// `known` is the function of that type, maybe a new one.
void RegisterOperator(const PythonFunction& known, OpSchema schema) {
  const std::string file = schema.file();
  const int line = schema.line();
  const bool is_new = !OperatorRegistry::Has(known.type());
  OpSchemaRegistry::Replace(std::move(schema));
  if (is_new) {
    OperatorRegistry::Register(known.type(), DeviceType::kCpu, "", &CreatePythonOperator,
                               file.c_str(), line);
  }
}

void RegisterFunction(const std::string& type, const py::function& function,
                      const py::dict& fields) {
  CheckFree(type, "");
  OpSchema schema = SchemaOf(type, fields);
  PythonSignature signature = SignatureOf(fields["takes"]);
  // From here on nothing can fail.
  PythonFunction* known = PythonFunction::FindOrAdd(type);
  known->Set(function, std::move(signature));
  GradientRegistry::Replace(type, GradientKind::kNotImplemented, nullptr, schema.file(),
                            schema.line());
  RegisterOperator(*known, std::move(schema));
}

void RegisterGradient(const std::string& forward, const py::function& function,
                      const py::dict& fields) {
  const std::string type = GradientType(forward);
  CheckFree(type, forward);
  const OpSchema& forward_schema = *OpSchemaRegistry::Schema(forward);
  const std::string file = Text(fields, "file");
  const int line = fields["line"].cast<int>();
  PythonSignature signature = SignatureOf(fields["takes"]);
  signature.forward = forward;
  signature.gradient_inputs = fields["gradient_inputs"].cast<std::vector<int>>();
  const auto gradients = static_cast<int>(signature.gradient_inputs.size());
  OpSchema schema(type, file, line);
  schema.Doc(Text(fields, "doc")).NumOutputs(0, gradients > 0 ? gradients : OpSchema::kMany);
  for (const OpSchema::ArgSpec& arg : forward_schema.args()) {
    schema.AnyArg(arg.name, arg.doc);
  }
  StateGradient(&schema);
  PythonFunction* known = PythonFunction::FindOrAdd(type);
  known->Set(function, std::move(signature));
  RegisterOperator(*known, std::move(schema));
  GradientRegistry::Replace(type, GradientKind::kNotImplemented, nullptr, file, line);
  GradientRegistry::Replace(forward, GradientKind::kMaker, &CreatePythonGradientMaker, file, line);
}

}  // namespace

void BindPythonOperators(py::module_& core) {
  core.def("register_python_operator", &RegisterFunction);
  core.def("register_python_gradient", &RegisterGradient);
}

}  // namespace doppio::python
