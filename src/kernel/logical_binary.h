#ifndef DOPPIO_KERNEL_LOGICAL_BINARY_H_
#define DOPPIO_KERNEL_LOGICAL_BINARY_H_

// Comparisons, and functions of bits, of two operands with NumPy's broadcasting.

#include "doppio/context.h"
#include "doppio/dtype.h"
#include "doppio/shape.h"

namespace doppio {

// Greater is less with the operands exchanged.
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual };

// c = a (op) b, where c_dims is the broadcast of a_dims and b_dims (BroadcastShapes). `type`, that
// of a and b, is any but string. A NaN is unequal to everything, itself included, and neither less
// nor greater than anything. False is less than true.
void Compare(Comparison comparison, DataType type, const void* a, DimsView a_dims, const void* b,
             DimsView b_dims, bool* c, DimsView c_dims, CPUContext* context);

enum class BitFunction { kAnd, kOr, kXor };

// The same for bits. `element_size` is 1, 2, 4 or 8 bytes; c may be a where their shapes are equal,
// and likewise b.
void CombineBits(BitFunction function, size_t element_size, const void* a, DimsView a_dims,
                 const void* b, DimsView b_dims, void* c, DimsView c_dims, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_LOGICAL_BINARY_H_
