// What most sources of the rooms below operators include: src/precompiled.h without operators,
// whose headers change more often than kernels, which take long to compile. No source includes
// this.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "doppio/parallel.h"
#include "doppio/tensor.h"
