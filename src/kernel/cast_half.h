#ifndef DOPPIO_KERNEL_CAST_HALF_H_
#define DOPPIO_KERNEL_CAST_HALF_H_

#include <cstdint>

#include "doppio/float16.h"

namespace doppio {

// Conversions with the processor's instructions where it has them, on the calling thread; the same
// bits as those of the constructors of float16.
void CastHalf(const float* x, float16* y, int64_t n);
void CastHalf(const float16* x, float* y, int64_t n);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CAST_HALF_H_
