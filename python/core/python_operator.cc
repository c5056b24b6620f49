#include "python/core/bindings.h"

namespace doppio::python {

void BindPythonOperators(pybind11::module_&) {}

}  // namespace doppio::python
