#include "src/kernel/product.h"

#include <algorithm>

#include "doppio/parallel.h"
#include "src/kernel/product_block.h"

namespace doppio {
namespace {

constexpr int64_t kBlockDepth = 320;  // of k: a panel of that depth stays in the nearest cache
constexpr int64_t kBlockRows = 256;   // of a: of that depth they stay in the second cache
constexpr int64_t kCopiedRows = 96;   // the same, where they are copied first
constexpr int64_t kCopyStride = kBlockDepth + 16;
constexpr int64_t kNear = int64_t{1} << 20;          // elements of b that are soon there
constexpr int64_t kWorthAThread = int64_t{1} << 18;  // multiply-adds
constexpr int64_t kRead = 3;  // what reading an element of b costs, in multiply-adds

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
    CopyTransposed(part.data, part.stride, block.rows, block.depth, room, kCopyStride);
  } else if (blocks.copied) {
    for (int64_t i = 0; i < block.rows; ++i) {
      std::copy_n(part.data + i * part.stride, block.depth, room + i * kCopyStride);
    }
  }
  MultiplyBlock(block);
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

int64_t PanelColumns() { return ColumnsOfPanel(); }

void PackPanels(MatrixView b, int64_t k, int64_t n, float* panels) {
  const int64_t wide = PanelColumns();
  for (int64_t column = 0; column < n; column += wide, panels += k * wide) {
    const int64_t columns = std::min(wide, n - column);
    const MatrixView from = b.From(0, column);
    if (!b.transposed) {
      PackPanel(from.data, from.stride, k, columns, panels);
      continue;
    }
    if (columns < wide) std::fill_n(panels, k * wide, 0.0F);
    CopyTransposed(from.data, from.stride, k, columns, panels, wide);
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
  ParallelFor(n, Grain(m, 1, k),
              [&](int64_t begin, int64_t stop) { MultiplyDots(block, begin, stop); });
}

}  // namespace doppio
