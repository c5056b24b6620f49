#ifndef DOPPIO_TESTS_TABLE_ROWS_LENGTHS_H_
#define DOPPIO_TESTS_TABLE_ROWS_LENGTHS_H_

// What rows of operators on lengths of segments draw, and what their references read.

#include <vector>

#include "tests/table/op_table.h"

namespace doppio {

inline int64_t IntegerAt(const Tensor& tensor, int64_t i) {
  return static_cast<int64_t>(ElementAsDouble(tensor, i));
}

inline int64_t Sum(const Tensor& lengths) {
  int64_t sum = 0;
  for (int64_t i = 0; i < lengths.numel(); ++i) sum += IntegerAt(lengths, i);
  return sum;
}

inline Tensor Lengths(CaseMaker& c, double most = 5) {
  return c.Random(DataType::kInt32, {c.Size()}, 0, most);
}

// The segment and the place in it of every element that the lengths count.
struct Element {
  int64_t segment;
  int64_t place;
};
inline std::vector<Element> Elements(const Tensor& lengths) {
  std::vector<Element> elements;
  for (int64_t i = 0; i < lengths.numel(); ++i) {
    for (int64_t j = 0; j < IntegerAt(lengths, i); ++j) elements.push_back({i, j});
  }
  return elements;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_ROWS_LENGTHS_H_
