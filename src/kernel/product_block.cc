#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/product_block.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "src/kernel/product_block.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
constexpr int kVectors = 2;  // of a panel
// Sums of that many rows, and what they are made of, fill the registers.
constexpr int kMostRows = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

int64_t ColumnsOfPanel() { return kVectors * static_cast<int64_t>(hn::Lanes(D())); }

// kRows rows of a times kPanels panels that lie behind each other.
template <int kRows, int kPanels>
HWY_INLINE void Tile(const ProductBlock& block, const float* a, const float* panel, int64_t column,
                     float* c) {
  const D d;
  using V = hn::Vec<D>;
  constexpr int kAcross = kVectors * kPanels;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t wide = kVectors * lanes;
  const int64_t left = block.columns - column;
  const bool whole = left >= kPanels * wide;
  V sums[kRows][kAcross];
  HWY_ALIGN float edge[kRows][kAcross * 16];
  if (!whole && (block.end.add || block.end.bias != nullptr)) std::memset(edge, 0, sizeof(edge));
  if (block.end.add) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const float* from = c + r * block.c_stride;
      if (!whole) {
        std::copy_n(from, left, edge[r]);
        from = edge[r];
      }
      HWY_UNROLL(8)
      for (int v = 0; v < kAcross; ++v) sums[r][v] = hn::LoadU(d, from + v * lanes);
    }
  } else {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8)
      for (int v = 0; v < kAcross; ++v) sums[r][v] = hn::Zero(d);
    }
  }
  for (int64_t l = 0; l < block.depth; ++l, panel += block.panel_step, ++a) {
    V b[kAcross];
    HWY_UNROLL(8)
    for (int v = 0; v < kAcross; ++v) {
      b[v] = hn::LoadU(d, panel + v / kVectors * block.panel_stride + v % kVectors * lanes);
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, a[r * block.a_stride]);
      HWY_UNROLL(8)
      for (int v = 0; v < kAcross; ++v) sums[r][v] = hn::MulAdd(factor, b[v], sums[r][v]);
    }
  }
  if (block.end.bias != nullptr) {
    const float* bias = block.end.bias + column;
    if (!whole) {
      std::copy_n(bias, left, edge[0]);
      bias = edge[0];
    }
    HWY_UNROLL(8)
    for (int v = 0; v < kAcross; ++v) {
      const V more = hn::LoadU(d, bias + v * lanes);
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) sums[r][v] = hn::Add(sums[r][v], more);
    }
  }
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    float* to = whole ? c + r * block.c_stride : edge[r];
    HWY_UNROLL(8)
    for (int v = 0; v < kAcross; ++v) {
      const V sum = sums[r][v];
      const V end = block.end.relu ? hn::IfThenZeroElse(hn::Lt(sum, hn::Zero(d)), sum) : sum;
      hn::StoreU(end, d, to + v * lanes);
    }
    if (!whole) std::copy_n(edge[r], left, c + r * block.c_stride);
  }
}

// All columns of so few rows that a sum would wait for the one before it: several panels at once.
template <int kRows>
void FewRows(const ProductBlock& block) {
  constexpr int kPanels = kRows == 1 ? 4 : 2;
  const int64_t wide = ColumnsOfPanel();
  const float* panel = block.panel;
  int64_t column = 0;
  for (; block.columns - column > (kPanels - 1) * wide; column += kPanels * wide) {
    Tile<kRows, kPanels>(block, block.a, panel, column, block.c + column);
    panel += kPanels * block.panel_stride;
  }
  for (; column < block.columns; column += wide, panel += block.panel_stride) {
    Tile<kRows, 1>(block, block.a, panel, column, block.c + column);
  }
}

template <int kRows>
HWY_INLINE void TileOf(int64_t rows, const ProductBlock& block, const float* a, const float* panel,
                       int64_t column, float* c) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return Tile<kRows, 1>(block, a, panel, column, c);
    TileOf<kRows - 1>(rows, block, a, panel, column, c);
  }
}

void MultiplyBlock(const ProductBlock& block) {
  switch (block.rows) {
    case 1:
      return FewRows<1>(block);
    case 2:
      return FewRows<2>(block);
    case 3:
      return FewRows<3>(block);
  }
  const int64_t wide = ColumnsOfPanel();
  const int64_t tiles = (block.rows + kMostRows - 1) / kMostRows;
  // The next panel comes a part with each tile: at once it would take longer than a tile does.
  const int64_t ahead = block.panels_are_far && tiles > 3 ? block.depth * wide / tiles : 0;
  const float* panel = block.panel;
  for (int64_t column = 0; column < block.columns; column += wide, panel += block.panel_stride) {
    const float* next = column + wide < block.columns ? panel + block.panel_stride : panel;
    int64_t row = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      for (int64_t i = 0; i < ahead; i += 16) hwy::Prefetch(next + tile * ahead + i);
      const int64_t rows = (block.rows - row) / (tiles - tile);
      TileOf<kMostRows>(rows, block, block.a + row * block.a_stride, panel, column,
                        block.c + row * block.c_stride + column);
      row += rows;
    }
  }
}

// y[i * y_stride + j] = x[j * x_stride + i].
void CopyTransposed(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                    int64_t y_stride) {
  int64_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  for (; j + 4 <= columns; j += 4) {
    const float* from = x + j * x_stride;
    float* to = y + j;
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4, from += 4, to += 4 * y_stride) {
      const auto row0 = hn::LoadU(d, from);
      const auto row1 = hn::LoadU(d, from + x_stride);
      const auto row2 = hn::LoadU(d, from + 2 * x_stride);
      const auto row3 = hn::LoadU(d, from + 3 * x_stride);
      const auto even_low = hn::InterleaveLower(d, row0, row2);
      const auto even_high = hn::InterleaveUpper(d, row0, row2);
      const auto odd_low = hn::InterleaveLower(d, row1, row3);
      const auto odd_high = hn::InterleaveUpper(d, row1, row3);
      hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, to);
      hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, to + y_stride);
      hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, to + 2 * y_stride);
      hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, to + 3 * y_stride);
    }
    for (; i < rows; ++i, ++from, to += y_stride) {
      for (int64_t r = 0; r < 4; ++r) to[r] = from[r * x_stride];
    }
  }
#endif
  for (; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) y[i * y_stride + j] = x[j * x_stride + i];
  }
}

// A panel of columns that lie beside each other.
void PackPanel(const float* b, int64_t stride, int64_t k, int64_t columns, float* panel) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t wide = kVectors * lanes;
  const auto first = hn::FirstN(d, static_cast<size_t>(std::min(columns, lanes)));
  const auto second = hn::FirstN(d, static_cast<size_t>(std::max<int64_t>(columns - lanes, 0)));
  // Rows behind which there is enough of the matrix to be read as if they were whole.
  const int64_t missing = (wide - columns + stride - 1) / stride;
  int64_t l = 0;
  for (; l < k - missing; ++l, b += stride, panel += wide) {
    hn::StoreU(hn::IfThenElseZero(first, hn::LoadU(d, b)), d, panel);
    hn::StoreU(hn::IfThenElseZero(second, hn::LoadU(d, b + lanes)), d, panel + lanes);
  }
  for (; l < k; ++l, b += stride, panel += wide) {
    std::fill(std::copy_n(b, columns, panel), panel + wide, 0.0F);
  }
}

// kRows rows of a times kColumns columns of a transposed b, whose elements lie behind each other.
template <int kRows, int kColumns>
HWY_INLINE void DotTile(const DotBlock& block, int64_t row, int64_t column) {
  const D d;
  using V = hn::Vec<D>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* a = block.a.data + row * block.a.stride;
  const float* b = block.b.data + column * block.b.stride;
  V sums[kRows][kColumns];
  HWY_UNROLL(4)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (int j = 0; j < kColumns; ++j) sums[r][j] = hn::Zero(d);
  }
  const auto add = [&](const float* a, int64_t a_stride, const float* b, int64_t b_stride)
                       HWY_ATTR {
                         V left[kRows];
                         HWY_UNROLL(4)
                         for (int r = 0; r < kRows; ++r) left[r] = hn::LoadU(d, a + r * a_stride);
                         HWY_UNROLL(8)
                         for (int j = 0; j < kColumns; ++j) {
                           const V right = hn::LoadU(d, b + j * b_stride);
                           HWY_UNROLL(4)
                           for (int r = 0; r < kRows; ++r)
                             sums[r][j] = hn::MulAdd(left[r], right, sums[r][j]);
                         }
                       };
  int64_t l = 0;
  for (; l + lanes <= block.k; l += lanes) add(a + l, block.a.stride, b + l, block.b.stride);
  if (l < block.k) {
    constexpr int64_t kRoom = 16;
    float left[kRows * kRoom] = {};
    float right[kColumns * kRoom] = {};
    for (int r = 0; r < kRows; ++r) {
      std::copy_n(a + r * block.a.stride + l, block.k - l, left + r * kRoom);
    }
    for (int j = 0; j < kColumns; ++j) {
      std::copy_n(b + j * block.b.stride + l, block.k - l, right + j * kRoom);
    }
    add(left, kRoom, right, kRoom);
  }
  for (int r = 0; r < kRows; ++r) {
    for (int j = 0; j < kColumns; ++j) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[r][j]));
      float* to = block.c + (row + r) * block.c_stride + column + j;
      if (block.end.add) sum += *to;
      if (block.end.bias != nullptr) sum += block.end.bias[column + j];
      *to = block.end.relu && sum < 0 ? 0 : sum;
    }
  }
}

template <int kRows, int kColumns>
void DotRows(const DotBlock& block, int64_t row, int64_t begin, int64_t end) {
  for (; begin + kColumns <= end; begin += kColumns) DotTile<kRows, kColumns>(block, row, begin);
  for (; begin < end; ++begin) DotTile<kRows, 1>(block, row, begin);
}

// Columns [begin, end) of c: as many at once as registers hold, and those for all rows before the
// next ones are read.
void MultiplyDots(const DotBlock& block, int64_t begin, int64_t end) {
  constexpr int64_t kStrip = 12;
  const int64_t strip = block.rows <= 4 ? end - begin : kStrip;
  for (; begin < end; begin += strip) {
    const int64_t stop = std::min(begin + strip, end);
    int64_t row = 0;
    for (; row + 4 <= block.rows; row += 4) DotRows<4, 3>(block, row, begin, stop);
    switch (block.rows - row) {
      case 1:
        DotRows<1, 8>(block, row, begin, stop);
        break;
      case 2:
        DotRows<2, 6>(block, row, begin, stop);
        break;
      case 3:
        DotRows<3, 4>(block, row, begin, stop);
        break;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {
namespace {

HWY_EXPORT(ColumnsOfPanel);
HWY_EXPORT(MultiplyBlock);
HWY_EXPORT(MultiplyDots);
HWY_EXPORT(PackPanel);
HWY_EXPORT(CopyTransposed);

}  // namespace

int64_t ColumnsOfPanel() { return HWY_DYNAMIC_DISPATCH(ColumnsOfPanel)(); }

void MultiplyBlock(const ProductBlock& block) { HWY_DYNAMIC_DISPATCH(MultiplyBlock)(block); }

void MultiplyDots(const DotBlock& block, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(MultiplyDots)(block, begin, end);
}

void PackPanel(const float* b, int64_t stride, int64_t k, int64_t columns, float* panel) {
  HWY_DYNAMIC_DISPATCH(PackPanel)(b, stride, k, columns, panel);
}

void CopyTransposed(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                    int64_t y_stride) {
  HWY_DYNAMIC_DISPATCH(CopyTransposed)(x, x_stride, rows, columns, y, y_stride);
}

}  // namespace doppio
#endif  // HWY_ONCE
