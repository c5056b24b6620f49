#ifndef DOPPIO_KERNEL_POOLING_ROWS_H_
#define DOPPIO_KERNEL_POOLING_ROWS_H_

// Pooling of images whose rows lie in memory without gaps (NCHW), a row of places at a time: what
// the rows of the image under it give is put together first, column by column, and then columns.

#include <cstdint>

#include "src/kernel/pooling_loops.h"

namespace doppio {

// Whether the functions below can do it: no gaps within images and between them, and rows that are
// short enough for their scratch.
bool PoolsByRows(const PlainPool& shape);

// Some images of one channel each, one after the other in memory, as MaxPool, AveragePool and their
// gradients have them. T is float or double. Sums are rounded in another order than theirs.
template <typename T>
void MaxPoolRows(const PlainPool& shape, int64_t images, const T* x, T* y);
template <typename T>
void AveragePoolRows(const PlainPool& shape, int64_t images, bool count_include_pad, const T* x,
                     T* y);
template <typename T>
void MaxPoolGradientRows(const PlainPool& shape, int64_t images, const T* x, const T* y,
                         const T* dy, T* dx);
template <typename T>
void AveragePoolGradientRows(const PlainPool& shape, int64_t images, bool count_include_pad,
                             const T* dy, T* dx);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_POOLING_ROWS_H_
