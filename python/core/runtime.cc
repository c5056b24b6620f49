#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "doppio/allocator.h"
#include "doppio/parallel.h"
#include "python/core/bindings.h"
#include "python/core/ending.h"
#include "python/core/errors.h"
#include "python/core/interrupt.h"

namespace doppio::python {

namespace py = pybind11;

void BindRuntime(py::module_& core) {
  core.def("num_threads", &NumThreads);
  core.def("set_num_threads", [](int count) {
    if (count < 1) {
      RaiseValueError(absl::StrCat("set_num_threads: at least 1 is wanted, not ", count));
    }
    SetNumThreads(count);
  });
  // None: no limit.
  core.def("set_memory_limit", [](std::optional<int64_t> bytes) {
    if (bytes.has_value() && *bytes < 0) {
      RaiseValueError(absl::StrCat("set_memory_limit: a number of bytes is wanted, not ", *bytes));
    }
    SetMemoryLimit(bytes.value_or(INT64_MAX));
  });
  InstallEnding();
  InstallInterruptPoll();
}

}  // namespace doppio::python
