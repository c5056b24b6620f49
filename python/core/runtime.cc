#include <pybind11/pybind11.h>

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
  InstallEnding();
  InstallInterruptPoll();
}

}  // namespace doppio::python
