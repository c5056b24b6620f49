#ifndef DOPPIO_OPS_SEQUENCE_ROW_SUM_H_
#define DOPPIO_OPS_SEQUENCE_ROW_SUM_H_

#include <algorithm>
#include <type_traits>

#include "doppio/parallel.h"

namespace doppio {

// y[k] = the sum of x[row * block + k] over the rows for which `for_each_row` calls what it is
// given. Floating point is summed in double, in that order; integers wrap around as NumPy's do.
template <typename T, typename ForEachRow>
void SumRows(const T* x, int64_t block, const ForEachRow& for_each_row, T* y) {
  constexpr int64_t kColumns = 256;  // summed at a time
  using Sum = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
  // float16 converts to float alone.
  using Via = std::conditional_t<std::is_arithmetic_v<T>, Sum, float>;
  ParallelFor((block + kColumns - 1) / kColumns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t first = piece * kColumns;
      const int64_t count = std::min(kColumns, block - first);
      Sum sums[kColumns] = {};
      for_each_row([&](int64_t row) {
        const T* in = x + row * block + first;
        for (int64_t k = 0; k < count; ++k) sums[k] += static_cast<Via>(in[k]);
      });
      for (int64_t k = 0; k < count; ++k) y[first + k] = T(static_cast<Via>(sums[k]));
    }
  });
}

}  // namespace doppio

#endif  // DOPPIO_OPS_SEQUENCE_ROW_SUM_H_
