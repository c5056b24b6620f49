#include "src/kernel/fill.h"

#include <algorithm>
#include <string>

#include "doppio/dtype.h"
#include "doppio/parallel.h"

namespace doppio {

template <typename T>
void Fill(const T& value, T* y, int64_t n, CPUContext*) {
  const T copy = value;  // it may be an element of y
  std::fill_n(y, n, copy);
}

#define DOPPIO_INSTANTIATE_FILL(T, unused) \
  template void Fill<T>(const T& value, T* y, int64_t n, CPUContext*);
DOPPIO_FOR_EACH_NUMERIC_TYPE(DOPPIO_INSTANTIATE_FILL)
DOPPIO_INSTANTIATE_FILL(std::string, )
#undef DOPPIO_INSTANTIATE_FILL

}  // namespace doppio
