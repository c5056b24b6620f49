#include "ops/elementwise/minmax.h"

namespace doppio {
namespace {

struct MaxFunction {
  DOPPIO_BINARY_KERNEL(Max)
};

DOPPIO_FOLD_OPERATOR(Max, "largest", MaxFunction);

}  // namespace
}  // namespace doppio
