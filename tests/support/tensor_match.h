#ifndef DOPPIO_TESTS_SUPPORT_TENSOR_MATCH_H_
#define DOPPIO_TESTS_SUPPORT_TENSOR_MATCH_H_

// Comparing tensors, with messages that say which elements differ:
//
//   EXPECT_TRUE(TensorEquals(*y, Tensor::Of<float>({2}, {1, 2})));
//   EXPECT_TRUE(TensorNear(*y, expected, 1e-5));

#include <string>

#include "doppio/tensor.h"
#include "gtest/gtest.h"

namespace doppio {

// Same type, shape and values. NaN equals NaN, and 0 equals -0.
testing::AssertionResult TensorEquals(const Tensor& actual, const Tensor& expected);
testing::AssertionResult TensorEquals(const Tensor& actual, const absl::StatusOr<Tensor>& expected);

// Same type and shape, and |actual - expected| <= tolerance + tolerance * |expected| for each
// element (numpy.allclose with rtol = atol); with tolerance 0, and for strings, TensorEquals.
testing::AssertionResult TensorNear(const Tensor& actual, const Tensor& expected, double tolerance);
testing::AssertionResult TensorNear(const Tensor& actual, const absl::StatusOr<Tensor>& expected,
                                    double tolerance);

// Same type, shape and bits.
testing::AssertionResult TensorBitsEqual(const Tensor& actual, const Tensor& expected);

// Type, shape and the first elements: "float[2,3] {1, 2, 3, 4, 5, 6}".
std::string TensorToString(const Tensor& tensor);

// Element i of a tensor of numbers, as a double (exact except for large int64).
double ElementAsDouble(const Tensor& tensor, int64_t i);

// The tensor's elements converted to `dtype` by static_cast, for tensors of numbers.
absl::StatusOr<Tensor> ConvertTensor(const Tensor& tensor, DataType dtype);

// A copy that shares nothing.
Tensor DeepCopy(const Tensor& tensor);

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_TENSOR_MATCH_H_
