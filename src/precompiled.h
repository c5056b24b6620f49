// What most sources of src and ops include, parsed once for all of them
// (cmake/DoppioPrecompile.cmake). No source includes this.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
