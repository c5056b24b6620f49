#include "ops/elementwise/minmax.h"

namespace doppio {
namespace {

// NaN wins, wherever it stands.
struct MinFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return b < a || b != b ? b : a;
  }
};

DOPPIO_FOLD_OPERATOR(Min, "smallest", MinFunction);

}  // namespace
}  // namespace doppio
