#include "ops/elementwise/minmax.h"

namespace doppio {
namespace {

// NaN wins, wherever it stands.
struct MaxFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return b > a || b != b ? b : a;
  }
};

DOPPIO_FOLD_OPERATOR(Max, "largest", MaxFunction);

}  // namespace
}  // namespace doppio
