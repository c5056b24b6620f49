#ifndef DOPPIO_KERNEL_CAST_H_
#define DOPPIO_KERNEL_CAST_H_

#include <cstdint>

#include "doppio/context.h"
#include "doppio/dtype.h"

namespace doppio {

// y[i] = x[i] converted, for n elements of any two numeric types (IsNumeric), as static_cast does
// it where C++ defines the result:
// - to bool: whether x is not zero (NaN is not);
// - between integers: modulo 2^bits of the new type; bool is 0 or 1;
// - floating point to integer: truncated toward zero; a value out of range becomes the nearest one
//   that the type has, and NaN becomes 0 (here C++ leaves the result open);
// - to floating point: rounded once to the nearest value, ties to even; too large becomes infinity.
// x and y must not overlap, unless they are the same and the types have the same size.
void Cast(DataType from, const void* x, DataType to, void* y, int64_t n, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CAST_H_
