#ifndef DOPPIO_KERNEL_ARG_MIN_H_
#define DOPPIO_KERNEL_ARG_MIN_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "doppio/context.h"
#include "doppio/parallel.h"

namespace doppio {

// ArgMax (arg_reduce.h) for the smallest element: NaN counts as smaller than any number. Plain
// loops: nets look for the largest element.
template <typename T>
void ArgMin(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y, CPUContext*) {
  using Value = std::conditional_t<std::is_arithmetic_v<T>, T, float>;  // 16-bit types as float
  constexpr int64_t kGrain = 8192;  // elements that are worth a thread
  ParallelFor(outer * inner, kGrain / std::max<int64_t>(n, 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* column = x + i / inner * n * inner + i % inner;
      int64_t best = 0;
      for (int64_t j = 1; j < n; ++j) {
        const Value least = static_cast<Value>(column[best * inner]);
        const Value value = static_cast<Value>(column[j * inner]);
        if (value < least || (value != value && least == least)) best = j;
      }
      y[i] = best;
    }
  });
}

}  // namespace doppio

#endif  // DOPPIO_KERNEL_ARG_MIN_H_
