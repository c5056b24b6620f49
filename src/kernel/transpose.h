#ifndef DOPPIO_KERNEL_TRANSPOSE_H_
#define DOPPIO_KERNEL_TRANSPOSE_H_

#include <cstddef>
#include <string>

#include "absl/types/span.h"
#include "doppio/context.h"
#include "doppio/shape.h"

namespace doppio {

// Dimension i of y is dimension axes[i] of x; `axes` is a permutation of 0 to rank - 1.
// `element_size` is 1, 2, 4 or 8 bytes; x and y must not overlap.
void Transpose(size_t element_size, const void* x, DimsView x_dims, absl::Span<const int> axes,
               void* y, CPUContext* context);
void Transpose(const std::string* x, DimsView x_dims, absl::Span<const int> axes, std::string* y,
               CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_TRANSPOSE_H_
