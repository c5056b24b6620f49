#ifndef DOPPIO_OPS_SPARSE_ADD_ROWS_H_
#define DOPPIO_OPS_SPARSE_ADD_ROWS_H_

#include <algorithm>

#include "doppio/parallel.h"
#include "src/kernel/reduce_box.h"

namespace doppio {

// y [outer, size, block] = 0, and then y[o, index] += x[o, k] for each block k of x [outer, count,
// block]. Its index, below `size` and not negative unless it counts from the end, is indices[k], or
// indices[o * count + k] where every o has its own. Integers wrap.
//
// Blocks are added one after the other, since an index may stand there twice; threads share out the
// columns, so that the order of the sums does not depend on them.
template <typename T, typename Index>
void AddRows(const T* x, const Index* indices, bool own_indices, int64_t outer, int64_t count,
             int64_t size, int64_t block, T* y) {
  constexpr int64_t kGrain = 1 << 15;
  const int64_t grain = kGrain / (count + size + 1) + 16;
  ParallelFor(outer * block, grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t o = begin / block;
      const int64_t first = begin % block;
      const int64_t last = std::min(block, first + end - begin);
      const Index* index = indices + (own_indices ? o * count : 0);
      const T* from = x + o * count * block;
      T* to = y + o * size * block;
      for (int64_t i = 0; i < size; ++i)
        std::fill(to + i * block + first, to + i * block + last, 0);
      for (int64_t k = 0; k < count; ++k) {
        const int64_t row = index[k] < 0 ? index[k] + size : index[k];
        for (int64_t j = first; j < last; ++j) {
          T& sum = to[row * block + j];
          sum = static_cast<T>(static_cast<Acc<T>>(sum) + static_cast<Acc<T>>(from[k * block + j]));
        }
      }
      begin += last - first;
    }
  });
}

}  // namespace doppio

#endif  // DOPPIO_OPS_SPARSE_ADD_ROWS_H_
