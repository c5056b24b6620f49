#ifndef DOPPIO_KERNEL_PRODUCT_BLOCK_H_
#define DOPPIO_KERNEL_PRODUCT_BLOCK_H_

// What a thread computes of a product (product.h) at a time, in the vectors of this machine.

#include <cstdint>

#include "src/kernel/product.h"

namespace doppio {

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

void MultiplyBlock(const ProductBlock& block);
// Columns [begin, end) of c.
void MultiplyDots(const DotBlock& block, int64_t begin, int64_t end);

int64_t ColumnsOfPanel();
// A panel of `columns` columns of b, that lie beside each other, and zeros.
void PackPanel(const float* b, int64_t stride, int64_t k, int64_t columns, float* panel);
// y[i * y_stride + j] = x[j * x_stride + i].
void CopyTransposed(const float* x, int64_t x_stride, int64_t rows, int64_t columns, float* y,
                    int64_t y_stride);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_PRODUCT_BLOCK_H_
