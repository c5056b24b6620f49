#ifndef DOPPIO_TESTS_TABLE_REFERENCE_H_
#define DOPPIO_TESTS_TABLE_REFERENCE_H_

// What references of the table are written with: slow and obvious, element by element.

#include <functional>

#include "doppio/tensor.h"
#include "tests/support/tensor_match.h"

namespace doppio {

// Calls f with every index of the shape, the last dimension fastest; once with {} for a scalar.
void ForEachIndex(DimsView dims, const std::function<void(const Dims&)>& f);

// Where the element at `index` stands in row-major order. Aligned at the last dimension as NumPy
// broadcasts: leading indices too many are dropped, and dimensions of size 1 are stretched.
int64_t FlatIndex(DimsView dims, DimsView index);

// That element of a tensor of numbers (with the same broadcasting).
double At(const Tensor& tensor, DimsView index);

// Element i of a tensor of whole numbers.
int64_t IntegerAt(const Tensor& tensor, int64_t i);

// A tensor of numbers whose element at `index` is f(index), converted.
Tensor Generate(DataType dtype, DimsView dims, const std::function<double(const Dims&)>& f);

// A tensor of any type whose element at `index` is the one of `source` at flat position f(index).
Tensor Pick(const Tensor& source, DimsView dims, const std::function<int64_t(const Dims&)>& f);

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_REFERENCE_H_
