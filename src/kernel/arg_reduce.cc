#include "src/kernel/arg_reduce.h"

#include "doppio/dtype.h"

namespace doppio {
namespace {

template <typename T>
struct Comparable {
  using type = T;
};
template <>
struct Comparable<float16> {
  using type = float;
};
template <>
struct Comparable<bfloat16> {
  using type = float;
};

}  // namespace

template <typename T>
void ArgMax(const T* x, int64_t outer, int64_t n, int64_t inner, int64_t* y, CPUContext*) {
  using V = typename Comparable<T>::type;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t j = 0; j < inner; ++j) {
      const T* column = x + o * n * inner + j;
      V best = static_cast<V>(column[0]);
      int64_t index = 0;
      for (int64_t i = 1; i < n && best == best; ++i) {
        const V value = static_cast<V>(column[i * inner]);
        if (value > best || value != value) {
          best = value;
          index = i;
        }
      }
      y[o * inner + j] = index;
    }
  }
}

#define DOPPIO_INSTANTIATE_ARG_MAX(T, unused) \
  template void ArgMax<T>(const T*, int64_t, int64_t, int64_t, int64_t*, CPUContext*);
DOPPIO_FOR_EACH_NUMERIC_TYPE(DOPPIO_INSTANTIATE_ARG_MAX)
#undef DOPPIO_INSTANTIATE_ARG_MAX

}  // namespace doppio
