#ifndef DOPPIO_KERNEL_BROADCAST_H_
#define DOPPIO_KERNEL_BROADCAST_H_

// Materialised broadcast by NumPy's rule: y[i] = x[i with every repeated dimension at 0].

#include <cstddef>
#include <string>

#include "doppio/context.h"
#include "doppio/shape.h"

namespace doppio {

// Writes all of y. Shapes are aligned at the last dimension; each size of x equals that of y or is
// 1, and x may lack leading dimensions (or have more of them, of size 1). `element_size` is 1, 2, 4
// or 8 bytes; x and y must not overlap.
void Broadcast(size_t element_size, const void* x, DimsView x_dims, void* y, DimsView y_dims,
               CPUContext* context);
void Broadcast(const std::string* x, DimsView x_dims, std::string* y, DimsView y_dims,
               CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_BROADCAST_H_
