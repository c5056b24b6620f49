#ifndef DOPPIO_KERNEL_PRODUCT_H_
#define DOPPIO_KERNEL_PRODUCT_H_

// Products of matrices of float, c = a b, shared out among threads. The bits of an element of c
// depend on the shape and on its row of a and column of b alone.

#include <cstdint>

namespace doppio {

// A matrix in memory. Element (i, j) is data[i * stride + j], or data[j * stride + i] where it is
// transposed.
struct MatrixView {
  const float* data;
  int64_t stride;
  bool transposed = false;

  MatrixView From(int64_t row, int64_t column) const {
    return {data + (transposed ? column * stride + row : row * stride + column), stride,
            transposed};
  }
};

// What becomes of the sums: they are added to what c holds, a bias for each column (or null) is
// added, and what is below 0 becomes 0 (but not NaN).
struct ProductEnd {
  bool add = false;
  const float* bias = nullptr;
  bool relu = false;
};

// Columns of a panel, on this machine.
int64_t PanelColumns();
// Lays b [k,n] out in panels of PanelColumns() columns, the last filled up with zeros; a panel has
// its columns of row 0, then those of row 1, and so on.
void PackPanels(MatrixView b, int64_t k, int64_t n, float* panels);

// c [m,n] = a [m,k] b [k,n], and then the end, with b in panels. Rows of c are `c_stride` apart; c
// overlaps nothing else. An element is summed in the order of k: its bits do not depend on m and n
// either.
void MultiplyPanels(MatrixView a, const float* panels, int64_t m, int64_t n, int64_t k,
                    ProductEnd end, float* c, int64_t c_stride);

// The same for at most kMostFewRows rows and any b, for which it would not be worth it to lay all
// of b out.
constexpr int64_t kMostFewRows = 12;
void MultiplyFewRows(MatrixView a, MatrixView b, int64_t m, int64_t n, int64_t k, ProductEnd end,
                     float* c, int64_t c_stride);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_PRODUCT_H_
