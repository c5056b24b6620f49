#ifndef DOPPIO_TESTS_KERNEL_SHAPES_H_
#define DOPPIO_TESTS_KERNEL_SHAPES_H_

// Shapes to test kernels with: all small ones, and random larger ones.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <vector>

#include "doppio/parallel.h"
#include "doppio/shape.h"
#include "hwy/targets.h"

namespace doppio {

using Shape = std::vector<int64_t>;

inline int64_t Count(const Shape& shape) {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}

// Every shape of rank 0 to max_rank with sizes 0 to max_size.
inline std::vector<Shape> AllShapes(int max_rank, int64_t max_size) {
  std::vector<Shape> shapes = {{}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (static_cast<int>(shapes[i].size()) == max_rank) continue;
    for (int64_t size = 0; size <= max_size; ++size) {
      Shape longer = shapes[i];
      longer.push_back(size);
      shapes.push_back(longer);
    }
  }
  return shapes;
}

// Every shape that broadcasts to y_dims: each size kept or 1, leading ones dropped or not.
inline std::vector<Shape> AllSources(const Shape& y_dims) {
  std::vector<Shape> sources;
  for (size_t dropped = 0; dropped <= y_dims.size(); ++dropped) {
    const size_t rank = y_dims.size() - dropped;
    for (uint32_t ones = 0; ones < (1u << rank); ++ones) {
      Shape source(y_dims.begin() + dropped, y_dims.end());
      for (size_t i = 0; i < rank; ++i) {
        if ((ones >> i) & 1u) source[i] = 1;
      }
      sources.push_back(source);
    }
  }
  return sources;
}

// For each index of an array of that shape, in order, the sum of its positions times `strides`.
std::vector<int64_t> Offsets(const Shape& dims, const Shape& strides);

inline Shape Strides(const Shape& dims) {
  Shape strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

// For each element of y, the offset in x, of the shape x_dims, of what broadcasts to it.
std::vector<int64_t> SourceOffsets(const Shape& x_dims, const Shape& y_dims);

// A generator whose seed is printed and can be given as DOPPIO_TEST_SEED.
inline std::mt19937 SeededGenerator() {
  const char* given = std::getenv("DOPPIO_TEST_SEED");
  const uint32_t seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10))
                                         : std::random_device()();
  std::cout << "DOPPIO_TEST_SEED=" << seed << std::endl;
  return std::mt19937(seed);
}

inline int64_t RandomBetween(std::mt19937& generator, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(generator);
}

std::vector<int64_t> RandomNumbers(std::mt19937& generator, int64_t count, int64_t low,
                                   int64_t high);

// A shape of rank 1 to 5 with about 2 to the power of 4 to 20 elements.
inline Shape RandomShape(std::mt19937& generator) {
  const int64_t rank = RandomBetween(generator, 1, 5);
  const int64_t bits = RandomBetween(generator, 4, 20);
  Shape shape;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t most = int64_t{2} << (bits / rank);
    shape.push_back(RandomBetween(generator, 1, most));
  }
  return shape;
}

// Some of the sizes of y_dims become 1, and perhaps the leading ones go.
inline Shape RandomSource(std::mt19937& generator, const Shape& y_dims) {
  Shape source(y_dims);
  for (int64_t& size : source) {
    if (RandomBetween(generator, 0, 1) == 0) size = 1;
  }
  while (!source.empty() && source[0] == 1 && RandomBetween(generator, 0, 1) == 0) {
    source.erase(source.begin());
  }
  return source;
}

// Sets the number of threads and brings the old one back at the end.
class ThreadsFor {
 public:
  explicit ThreadsFor(int count) : previous_(NumThreads()) { SetNumThreads(count); }
  ~ThreadsFor() { SetNumThreads(previous_); }
  ThreadsFor(const ThreadsFor&) = delete;
  ThreadsFor& operator=(const ThreadsFor&) = delete;

 private:
  int previous_;
};

// Calls body() once for every kind of vectors that this processor has, and once without any.
template <typename Body>
void ForEachTarget(const Body& body) {
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_KERNEL_SHAPES_H_
