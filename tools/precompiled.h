// What most sources of the command include, parsed once for all of them
// (cmake/DoppioPrecompile.cmake). No source includes this.
#include <CLI/CLI.hpp>
#include <doppio/doppio.h>
