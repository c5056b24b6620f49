#include <dlfcn.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "absl/strings/str_replace.h"
#include "doppio/gradient_maker.h"
#include "doppio/op_def.h"
#include "doppio/operator_library.h"
#include "doppio/registry.h"
#include "doppio/schema.h"
#include "python/core/arguments.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/net.h"

namespace doppio::python {
namespace {

// Strings are called as in Python.
std::string TypeName(OpSchema::ArgType type) {
  return absl::StrReplaceAll(OpSchema::ArgTypeName(type), {{"string", "str"}});
}

// (name, doc) of each.
py::list Blobs(const std::vector<OpSchema::BlobSpec>& specs) {
  py::list list;
  for (const OpSchema::BlobSpec& spec : specs) list.append(py::make_tuple(spec.name, spec.doc));
  return list;
}

// (name, doc, type, required, default) of each; None is no default.
py::list Arguments(const OpSchema& schema) {
  py::list list;
  for (const OpSchema::ArgSpec& spec : schema.args()) {
    py::object fallback = spec.fallback ? ArgumentToPython(*spec.fallback) : py::none();
    if (spec.fallback && spec.type == OpSchema::ArgType::kBool) fallback = py::bool_(fallback);
    list.append(py::make_tuple(spec.name, spec.doc, TypeName(spec.type), spec.required, fallback));
  }
  return list;
}

int OrMinusOne(int count) { return count == OpSchema::kMany ? -1 : count; }

py::object Schema(const std::string& type) {
  const OpSchema* schema = OpSchemaRegistry::Schema(type);
  if (schema == nullptr) return py::none();
  py::dict fields;
  fields["type"] = schema->type();
  fields["doc"] = schema->doc();
  fields["file"] = schema->file();
  fields["line"] = schema->line();
  fields["inputs"] = Blobs(schema->inputs());
  fields["outputs"] = Blobs(schema->outputs());
  fields["args"] = Arguments(*schema);
  fields["min_inputs"] = schema->min_inputs();
  fields["max_inputs"] = OrMinusOne(schema->max_inputs());
  fields["min_outputs"] = schema->min_outputs();
  fields["max_outputs"] = OrMinusOne(schema->max_outputs());
  fields["has_gradient"] = GradientRegistry::Kind(type) == GradientKind::kMaker;
  fields["has_side_effects"] = schema->has_side_effects();
  return std::move(fields);
}

// Caffe2's names of registered operators: Type, or Type_ENGINE_engine.
std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (const OperatorKey& key : OperatorRegistry::Keys()) {
    keys.push_back(key.engine.empty() ? key.type : key.type + "_ENGINE_" + key.engine);
  }
  return keys;
}

// Python keeps the symbols of an extension module to itself. A plug-in, which brings no doppio of
// its own, finds them only once this module's are everybody's. That can not be taken back, and it
// makes the libraries that doppio uses everybody's too, so it waits for the first plug-in.
std::vector<std::string> LoadLibrary(const std::string& path) {
  static const bool is_shown = [] {
    Dl_info self;
    return dladdr(reinterpret_cast<const void*>(&Schema), &self) != 0 &&
           dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL) != nullptr;
  }();
  if (!is_shown) RaiseValueError("load_library: this module can not show its symbols to plug-ins");
  return ValueOrRaise(LoadOperatorLibrary(path));
}

}  // namespace

void BindOperators(py::module_& core) {
  core.def("operator_types", [] { return OperatorRegistry::Types(); });
  core.def("operator_keys", &Keys);
  core.def("has_operator", [](const std::string& type) { return OperatorRegistry::Has(type); });
  core.def("missing_operator", [](const std::string& type) {
    return OperatorRegistry::MissingMessage(type, DeviceType::kCpu);
  });
  core.def(
      "near_names",
      [](const std::string& name, const std::vector<std::string>& candidates, size_t most) {
        return NearestNames(name, candidates, most);
      },
      py::arg("name"), py::arg("candidates"), py::arg("most") = 3);
  core.def("schema", &Schema);
  core.def("allows_inplace", [](const std::string& type, int input, int output) {
    const OpSchema* schema = OpSchemaRegistry::Schema(type);
    return schema != nullptr && schema->AllowsInplace(input, output);
  });
  core.def("load_library", &LoadLibrary);
}

}  // namespace doppio::python
