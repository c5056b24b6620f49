// What the sources of doppio._core include, parsed once for all of them
// (cmake/DoppioPrecompile.cmake). No source includes this.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doppio/doppio.h"
