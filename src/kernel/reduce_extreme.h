#ifndef DOPPIO_KERNEL_REDUCE_EXTREME_H_
#define DOPPIO_KERNEL_REDUCE_EXTREME_H_

// The largest or smallest elements along dimensions.

#include <cstdint>

#include "doppio/shape.h"
#include "doppio/status.h"

namespace doppio {

// Calls f(i, j, first) for every element i of a tensor `x_dims`, in order, where j is the element
// of the reduced tensor that it belongs to: `kept` is x_dims with 1 for every reduced dimension.
// `first` says that none came before for that j.
template <typename F>
void ForEachReduced(DimsView x_dims, DimsView kept, const F& f) {
  const int rank = static_cast<int>(x_dims.size());
  const int64_t size = SizeFromDim(x_dims, 0);
  Dims strides = ContiguousStrides(kept);
  for (int d = 0; d < rank; ++d) {
    if (kept[d] != x_dims[d]) strides[d] = 0;
  }
  Dims index(x_dims.size(), 0);
  int64_t to = 0;
  int64_t reduced = 0;  // the sum of the indices that are reduced
  for (int64_t i = 0; i < size; ++i) {
    f(i, to, reduced == 0);
    for (int d = rank - 1; d >= 0; --d) {
      const bool is_reduced = strides[d] == 0 && x_dims[d] != 1;
      to += strides[d];
      reduced += is_reduced ? 1 : 0;
      if (++index[d] < x_dims[d]) break;
      to -= strides[d] * x_dims[d];
      reduced -= is_reduced ? x_dims[d] : 0;
      index[d] = 0;
    }
  }
}

// y[j] = the largest (or smallest) of its elements of x, whose shape is `kept`; NaN wins, and -0 is
// less than 0. Leaves y alone where there are none. T is float, double, int32_t, int64_t, float16
// or bfloat16. The same bits for any number of threads. Errors: as those of ReduceSumTo (reduce.h).
template <bool kLargest, typename T>
absl::Status ReduceExtremeTo(const T* x, DimsView x_dims, T* y, DimsView kept);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_REDUCE_EXTREME_H_
