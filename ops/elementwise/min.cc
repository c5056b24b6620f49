#include "ops/elementwise/minmax.h"

namespace doppio {
namespace {

struct MinFunction {
  DOPPIO_BINARY_KERNEL(Min)
};

DOPPIO_FOLD_OPERATOR(Min, "smallest", MinFunction);

}  // namespace
}  // namespace doppio
