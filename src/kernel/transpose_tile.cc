#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/transpose_tile.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "src/kernel/transpose_tile.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
void TransposePlain(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                    int64_t cols) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) y[i * y_stride + j] = x[j * x_stride + i];
  }
}

#if HWY_TARGET == HWY_SCALAR

template <typename T>
void TransposeVectors(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                      int64_t cols) {
  TransposePlain(x, x_stride, y, y_stride, rows, cols);
}

#else

// A square of 16 bytes by as many rows as 16 bytes have elements: rows of x become columns of y.
// Interleaving the first half of the rows with the second, log2(rows) times, transposes it.
template <typename T>
HWY_INLINE void TransposeSquare(const T* x, int64_t x_stride, T* y, int64_t y_stride) {
  constexpr int kRows = 16 / sizeof(T);
  const hn::FixedTag<T, kRows> d;
  hn::Vec<decltype(d)> rows[kRows];
  hn::Vec<decltype(d)> next[kRows];
  HWY_UNROLL(16)
  for (int i = 0; i < kRows; ++i) rows[i] = hn::LoadU(d, x + i * x_stride);
  HWY_UNROLL(4)
  for (int round = 1; round < kRows; round *= 2) {
    HWY_UNROLL(8)
    for (int i = 0; i < kRows / 2; ++i) {
      next[2 * i] = hn::InterleaveLower(d, rows[i], rows[i + kRows / 2]);
      next[2 * i + 1] = hn::InterleaveUpper(d, rows[i], rows[i + kRows / 2]);
    }
    HWY_UNROLL(16)
    for (int i = 0; i < kRows; ++i) rows[i] = next[i];
  }
  HWY_UNROLL(16)
  for (int i = 0; i < kRows; ++i) hn::StoreU(rows[i], d, y + i * y_stride);
}

// Goes through a buffer, since rows of large tensors are often a power of two apart and then share
// few cache sets.
template <typename T>
void TransposeVectors(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                      int64_t cols) {
  constexpr int64_t kSquare = 16 / sizeof(T);
  if (rows < kSquare || cols < kSquare) {
    return TransposePlain(x, x_stride, y, y_stride, rows, cols);
  }
  HWY_ALIGN T buffer[kTile<T> * kTile<T>];
  // The last squares overlap those before them.
  for (int64_t j = 0; j < cols; j += kSquare) {
    const int64_t col = std::min(j, cols - kSquare);
    for (int64_t i = 0; i < rows; i += kSquare) {
      const int64_t row = std::min(i, rows - kSquare);
      TransposeSquare(x + col * x_stride + row, x_stride, buffer + row * kTile<T> + col, kTile<T>);
    }
  }
  for (int64_t i = 0; i < rows; ++i) {
    if (cols == kTile<T>) {
      std::memcpy(y + i * y_stride, buffer + i * kTile<T>, kTile<T> * sizeof(T));
    } else {
      std::memcpy(y + i * y_stride, buffer + i * kTile<T>, cols * sizeof(T));
    }
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

#define DOPPIO_TRANSPOSE_TILE(T, name)                                                          \
  void name(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows, int64_t cols) { \
    TransposeVectors(x, x_stride, y, y_stride, rows, cols);                                     \
  }
DOPPIO_TRANSPOSE_TILE(uint8_t, Tile8)
DOPPIO_TRANSPOSE_TILE(uint16_t, Tile16)
DOPPIO_TRANSPOSE_TILE(uint32_t, Tile32)
DOPPIO_TRANSPOSE_TILE(uint64_t, Tile64)
#undef DOPPIO_TRANSPOSE_TILE

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_TRANSPOSE_TILE(T, name)                                                      \
  HWY_EXPORT(name);                                                                         \
  template <>                                                                               \
  void TransposeTile<T>(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows, \
                        int64_t cols) {                                                     \
    HWY_DYNAMIC_DISPATCH(name)(x, x_stride, y, y_stride, rows, cols);                       \
  }
DOPPIO_TRANSPOSE_TILE(uint8_t, Tile8)
DOPPIO_TRANSPOSE_TILE(uint16_t, Tile16)
DOPPIO_TRANSPOSE_TILE(uint32_t, Tile32)
DOPPIO_TRANSPOSE_TILE(uint64_t, Tile64)
#undef DOPPIO_TRANSPOSE_TILE

}  // namespace doppio
#endif  // HWY_ONCE
