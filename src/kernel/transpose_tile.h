#ifndef DOPPIO_KERNEL_TRANSPOSE_TILE_H_
#define DOPPIO_KERNEL_TRANSPOSE_TILE_H_

#include <cstdint>

namespace doppio {

// Sides of the largest tile, in elements: at least a cache line.
template <typename T>
inline constexpr int64_t kTile = sizeof(T) >= 4 ? 32 : 64;

// y[i * y_stride + j] = x[j * x_stride + i] for i < rows, j < cols, both at most kTile. T is an
// unsigned integer.
template <typename T>
void TransposeTile(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                   int64_t cols);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_TRANSPOSE_TILE_H_
