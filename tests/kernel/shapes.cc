// Optimised, as tests are not: arrays of millions of elements go through it.
#include "tests/kernel/shapes.h"

#include <algorithm>

namespace doppio {

std::vector<int64_t> Offsets(const Shape& dims, const Shape& strides) {
  std::vector<int64_t> offsets(Count(dims));
  for (size_t index = 0; index < offsets.size(); ++index) {
    int64_t rest = static_cast<int64_t>(index);
    for (size_t i = dims.size(); i-- > 0;) {
      offsets[index] += rest % dims[i] * strides[i];
      rest /= dims[i];
    }
  }
  return offsets;
}

std::vector<int64_t> SourceOffsets(const Shape& x_dims, const Shape& y_dims) {
  const Shape x_strides = Strides(x_dims);
  Shape strides(y_dims.size(), 0);
  const size_t both = std::min(x_dims.size(), y_dims.size());
  for (size_t i = 1; i <= both; ++i) {  // from the back
    if (x_dims[x_dims.size() - i] != 1) strides[y_dims.size() - i] = x_strides[x_dims.size() - i];
  }
  return Offsets(y_dims, strides);
}

std::vector<int64_t> RandomNumbers(std::mt19937& generator, int64_t count, int64_t low,
                                   int64_t high) {
  std::vector<int64_t> numbers(count);
  for (int64_t& number : numbers) number = RandomBetween(generator, low, high);
  return numbers;
}

}  // namespace doppio
