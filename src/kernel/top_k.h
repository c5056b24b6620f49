#ifndef DOPPIO_KERNEL_TOP_K_H_
#define DOPPIO_KERNEL_TOP_K_H_

// The largest elements of vectors, largest first. Of equal elements (0 and -0 are equal) the one
// with the smaller index comes first; NaN is larger than all else, and all NaN are equal.

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"

namespace doppio {

// Memory that is kept from one call to the next.
class TopKScratch {
 public:
  // At least `words` of them, unspecified.
  uint64_t* Get(int64_t words) {
    if (static_cast<int64_t>(words_.size()) < words) words_.resize(static_cast<size_t>(words));
    return words_.data();
  }

 private:
  std::vector<uint64_t> words_;
};

// A vector whose elements stand side by side, and where its k results go. `k` may be larger than
// `size`: the rest are padded with the value 0 and the index -1.
template <typename T, typename Index>
struct TopKRow {
  const T* x;
  int64_t size;
  int64_t k;
  T* values;
  Index* indices;
};

// Of `count` rows, `row(i)` being one, on the calling thread or several. T is float or double,
// Index int32_t or int64_t (which holds any index of a row).
template <typename T, typename Index>
void TopKOfRows(int64_t count, absl::FunctionRef<TopKRow<T, Index>(int64_t)> row,
                TopKScratch* scratch);

// Of x [outer, size, inner] along the middle dimension: values and indices are [outer, k, inner],
// and `flat` (null, or of the same size) are the positions in x, padded with -1 too.
template <typename T>
void TopKAlongAxis(const T* x, int64_t outer, int64_t size, int64_t inner, int64_t k, T* values,
                   int64_t* indices, int64_t* flat, TopKScratch* scratch);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_TOP_K_H_
