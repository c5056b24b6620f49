#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/product.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>
#include <cstring>

#include "doppio/parallel.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "src/kernel/product.h"

#ifndef DOPPIO_KERNEL_PRODUCT_CC_ONCE
#define DOPPIO_KERNEL_PRODUCT_CC_ONCE
namespace doppio {
namespace {

constexpr int64_t kBlockDepth = 320;  // of k: a panel of that depth stays in the nearest cache
constexpr int64_t kBlockRows = 256;   // of a: of that depth they stay in the second cache
constexpr int64_t kCopiedRows = 96;   // the same, where they are copied first
constexpr int64_t kCopyStride = kBlockDepth + 16;
constexpr int64_t kMostWide = 32;                    // columns of a panel
constexpr int64_t kNear = int64_t{1} << 20;          // elements of b that are soon there
constexpr int64_t kWorthAThread = int64_t{1} << 18;  // multiply-adds
constexpr int64_t kRead = 3;  // what reading an element of b costs, in multiply-adds

// The part of a product that is computed at a time.
struct ProductBlock {
  const float* a;  // not transposed
  int64_t a_stride;
  const float* panel;    // the first one, from its first row on
  int64_t panel_step;    // from row to row
  int64_t panel_stride;  // from panel to panel
  bool panels_are_far;   // they come from memory or the last cache
  int64_t rows;
  int64_t columns;
  int64_t depth;
  ProductEnd end;  // with the bias of the first column
  float* c;
  int64_t c_stride;
};

// A product with few rows, in which neither factor has to be laid out anew: rows of a times rows of
// what b is the transpose of.
struct DotBlock {
  MatrixView a;
  MatrixView b;
  int64_t rows;
  int64_t k;
  ProductEnd end;
  float* c;
  int64_t c_stride;
};

}  // namespace
}  // namespace doppio
#endif  // DOPPIO_KERNEL_PRODUCT_CC_ONCE

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
    const float* next = panel + block.panel_stride;
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
  int64_t l = 0;
  for (; l + lanes <= block.k; l += lanes) {
    V left[kRows];
    HWY_UNROLL(4)
    for (int r = 0; r < kRows; ++r) left[r] = hn::LoadU(d, a + r * block.a.stride + l);
    HWY_UNROLL(8)
    for (int j = 0; j < kColumns; ++j) {
      const V right = hn::LoadU(d, b + j * block.b.stride + l);
      HWY_UNROLL(4)
      for (int r = 0; r < kRows; ++r) sums[r][j] = hn::MulAdd(left[r], right, sums[r][j]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int j = 0; j < kColumns; ++j) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[r][j]));
      for (int64_t rest = l; rest < block.k; ++rest) {
        sum += a[r * block.a.stride + rest] * b[j * block.b.stride + rest];
      }
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
HWY_EXPORT(CopyTransposed);
HWY_EXPORT(PackPanel);
HWY_EXPORT(MultiplyDots);

// How a product is cut into blocks of rows.
struct RowBlocks {
  RowBlocks(MatrixView a, int64_t m, int64_t n)
      // Rows that are a page apart push each other out of the nearest cache.
      : copied(a.transposed || (a.stride % 1024 == 0 && m > 3 && n > 64)),
        count((m - 1) / (copied ? kCopiedRows : kBlockRows) + 1),
        rows((m - 1) / count + 1) {}

  bool copied;
  int64_t count;
  int64_t rows;
};

// Rows [row, row + block.rows) of a product, by depths from `depth` on. `room` is for copies of
// them.
void MultiplyRows(MatrixView a, const RowBlocks& blocks, int64_t row, int64_t depth, float* room,
                  ProductBlock block) {
  const MatrixView part = a.From(row, depth);
  block.a = blocks.copied ? room : part.data;
  block.a_stride = blocks.copied ? kCopyStride : part.stride;
  if (a.transposed) {
    HWY_DYNAMIC_DISPATCH(CopyTransposed)
    (part.data, part.stride, block.rows, block.depth, room, kCopyStride);
  } else if (blocks.copied) {
    for (int64_t i = 0; i < block.rows; ++i) {
      std::copy_n(part.data + i * part.stride, block.depth, room + i * kCopyStride);
    }
  }
  HWY_DYNAMIC_DISPATCH(MultiplyBlock)(block);
}

// How k is cut into pieces, about equally long.
int64_t DepthOf(int64_t k) {
  const int64_t count = k == 0 ? 1 : (k - 1) / kBlockDepth + 1;
  return std::max<int64_t>((k - 1) / count + 1, 1);
}

// The end of the sums over [depth, depth + more) of k: the whole end comes with the last piece.
ProductEnd EndOfDepth(const ProductEnd& end, int64_t column, int64_t depth, int64_t more,
                      int64_t k) {
  const bool is_last = depth + more == k;
  return {end.add || depth > 0, is_last && end.bias != nullptr ? end.bias + column : nullptr,
          is_last && end.relu};
}

int64_t Grain(int64_t rows, int64_t columns, int64_t k) {
  return kWorthAThread / (std::max(rows, kRead) * columns * std::max<int64_t>(k, 1)) + 1;
}

}  // namespace

int64_t PanelColumns() { return HWY_DYNAMIC_DISPATCH(ColumnsOfPanel)(); }

void PackPanels(MatrixView b, int64_t k, int64_t n, float* panels) {
  const int64_t wide = PanelColumns();
  for (int64_t column = 0; column < n; column += wide, panels += k * wide) {
    const int64_t columns = std::min(wide, n - column);
    const MatrixView from = b.From(0, column);
    if (!b.transposed) {
      HWY_DYNAMIC_DISPATCH(PackPanel)(from.data, from.stride, k, columns, panels);
      continue;
    }
    if (columns < wide) std::fill_n(panels, k * wide, 0.0F);
    HWY_DYNAMIC_DISPATCH(CopyTransposed)(from.data, from.stride, k, columns, panels, wide);
  }
}

void MultiplyPanels(MatrixView a, const float* panels, int64_t m, int64_t n, int64_t k,
                    ProductEnd end, float* c, int64_t c_stride) {
  if (m == 0 || n == 0) return;
  const int64_t wide = PanelColumns();
  const int64_t across = (n - 1) / wide + 1;
  const RowBlocks blocks(a, m, n);
  const int64_t piece = DepthOf(k);
  ParallelFor(blocks.count * across, Grain(blocks.rows, wide, k), [&](int64_t begin, int64_t stop) {
    float room[kCopiedRows * kCopyStride];
    while (begin < stop) {
      const int64_t row = begin / across * blocks.rows;
      const int64_t first = begin % across;
      const int64_t last = std::min(across, first + stop - begin);
      begin += last - first;
      const int64_t column = first * wide;
      ProductBlock block{};
      block.panel_step = wide;
      block.panel_stride = k * wide;
      block.panels_are_far = k * n > kNear;
      block.rows = std::min(blocks.rows, m - row);
      block.columns = std::min(n, last * wide) - column;
      block.c = c + row * c_stride + column;
      block.c_stride = c_stride;
      for (int64_t depth = 0; depth == 0 || depth < k; depth += piece) {
        block.depth = std::min(piece, k - depth);
        block.panel = panels + first * block.panel_stride + depth * wide;
        block.end = EndOfDepth(end, column, depth, block.depth, k);
        MultiplyRows(a, blocks, row, depth, room, block);
      }
    }
  });
}

namespace {

// A few panels of b at a time, and b as it is where that is whole ones: few rows read it as fast as
// they would panels.
void MultiplyStrips(MatrixView a, MatrixView b, int64_t m, int64_t n, int64_t k, ProductEnd end,
                    float* c, int64_t c_stride) {
  constexpr int64_t kColumns = 64;
  const int64_t wide = PanelColumns();
  const RowBlocks blocks(a, m, n);
  const int64_t piece = DepthOf(k);
  ParallelFor((n - 1) / kColumns + 1, Grain(m, kColumns, k), [&](int64_t begin, int64_t stop) {
    float room[kMostFewRows * kCopyStride];
    float panels[kColumns * kBlockDepth];
    for (int64_t depth = 0; depth == 0 || depth < k; depth += piece) {
      ProductBlock block{};
      block.depth = std::min(piece, k - depth);
      block.rows = m;
      block.c_stride = c_stride;
      for (int64_t strip = begin; strip < stop; ++strip) {
        const int64_t column = strip * kColumns;
        const MatrixView part = b.From(depth, column);
        block.columns = std::min(kColumns, n - column);
        const bool packs = b.transposed || block.columns % wide != 0;
        if (packs) PackPanels(part, block.depth, block.columns, panels);
        block.panel = packs ? panels : part.data;
        block.panel_step = packs ? wide : part.stride;
        block.panel_stride = packs ? block.depth * wide : wide;
        block.c = c + column;
        block.end = EndOfDepth(end, column, depth, block.depth, k);
        MultiplyRows(a, blocks, 0, depth, room, block);
      }
    }
  });
}

// Whether rows of a are best multiplied with rows of a transposed b as they are: the sums are long,
// or a row of b is used too seldom to be laid out.
bool AreDots(MatrixView a, MatrixView b, int64_t m, int64_t k) {
  constexpr int64_t kLong = 256;
  return b.transposed && !a.transposed && (k >= kLong || m <= 2);
}

}  // namespace

void MultiplyFewRows(MatrixView a, MatrixView b, int64_t m, int64_t n, int64_t k, ProductEnd end,
                     float* c, int64_t c_stride) {
  if (m == 0 || n == 0) return;
  if (!AreDots(a, b, m, k)) return MultiplyStrips(a, b, m, n, k, end, c, c_stride);
  const DotBlock block{a, b, m, k, end, c, c_stride};
  ParallelFor(n, Grain(m, 1, k), [&](int64_t begin, int64_t stop) {
    HWY_DYNAMIC_DISPATCH(MultiplyDots)(block, begin, stop);
  });
}

}  // namespace doppio
#endif  // HWY_ONCE
