#ifndef DOPPIO_RANDOM_WEIGHTS_H_
#define DOPPIO_RANDOM_WEIGHTS_H_

// Values for weights that are lost, so that a net can be run and measured without them. What such
// a net says means nothing.
//
// Element i of a blob is low + (high - low) u(i), computed in double, where u(i) is made of the
// first 24 bits of splitmix64: with s = seed + fnv1a64(blob's name) + (i + 1) 0x9e3779b97f4a7c15,
// modulo 2^64,
//   s = (s xor s >> 30) 0xbf58476d1ce4e5b9;  s = (s xor s >> 27) 0x94d049bb133111eb;
//   u = ((s xor s >> 31) >> 40) / 2^24
// so that a blob's values depend on the seed and its name only. The ranges:
//   kFactors    +-sqrt(6 / fan_in), which keeps the variance through a Relu (He et al. 2015)
//   kScale      0.5 to 1, so that sums of many branches stay small
//   kVariance   0.5 to 1.5
//   kSlope      0 to 0.5
//   kBias, kMean, kOther   -0.1 to 0.1
// kAnchors are no random numbers: box i is round the origin, 32 * 2^(i / 3) wide where it is a
// square, and half, once and twice as high as wide in turn.
//
// Threads: all functions may be called from many at once.

#include "doppio/tensor.h"
#include "doppio/weight_shapes.h"

namespace doppio {

// InvalidArgument for weights that are not of float, double, float16 or bfloat16.
absl::StatusOr<Tensor> RandomWeight(const WeightShape& weight, uint64_t seed);

// For a net's data: floating point numbers from -1 to 1, uint8 from 0 to 255, and 0 or 1 for all
// other types, which are often indices.
absl::StatusOr<Tensor> RandomData(absl::string_view blob, DataType dtype, DimsView dims,
                                  uint64_t seed);

}  // namespace doppio

#endif  // DOPPIO_RANDOM_WEIGHTS_H_
