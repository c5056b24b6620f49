#include "src/kernel/fill.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "doppio/dtype.h"
#include "doppio/parallel.h"
#include "src/kernel/bytes.h"

namespace doppio {

template <typename T>
void Fill(const T& value, T* y, int64_t n, CPUContext*) {
  const T copy = value;  // it may be an element of y
  if constexpr (std::is_same_v<T, std::string>) {
    std::fill_n(y, n, copy);
  } else {
    constexpr int64_t kGrain = kGrainBytes / static_cast<int64_t>(sizeof(T));
    ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
      RepeatElements(sizeof(T), &copy, 1, end - begin, y + begin, Stores::kCached);
    });
  }
}

#define DOPPIO_INSTANTIATE_FILL(T, unused) \
  template void Fill<T>(const T& value, T* y, int64_t n, CPUContext*);
DOPPIO_FOR_EACH_NUMERIC_TYPE(DOPPIO_INSTANTIATE_FILL)
DOPPIO_INSTANTIATE_FILL(std::string, )
#undef DOPPIO_INSTANTIATE_FILL

}  // namespace doppio
