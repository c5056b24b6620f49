// What most tests include, parsed once for all of them (cmake/DoppioPrecompile.cmake). No test
// includes this.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "doppio/doppio.h"
