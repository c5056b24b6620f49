#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(FindTest, GivesTheLastPlaceOfEach) {
  OpTester("Find")
      .Input("index", Tensor::Of<int64_t>({4}, {11, 12, 11, 13}))
      .Input("query", Tensor::Of<int64_t>({2, 2}, {11, 7, 13, 12}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2, 2}, {2, -1, 3, 1}));
}

TEST(FindTest, RejectsAnotherTypeOfQuery) {
  OpTester("Find")
      .Input("index", Tensor::Of<int64_t>({1}, {11}))
      .Input("query", Tensor::Of<int32_t>({1}, {11}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must be of the type of index");
}

TEST(FindDuplicateElementsTest, GivesThePlacesOfRepetitions) {
  OpTester("FindDuplicateElements")
      .Input("data", Tensor::Of<std::string>({5}, {"a", "b", "a", "a", "b"}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int64_t>({3}, {2, 3, 4}));
}

TEST(FindDuplicateElementsTest, NanIsNoDuplicateAndZerosAreEqual) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  OpTester("FindDuplicateElements")
      .Input("data", Tensor::Of<float>({6}, {nan, 0, 2, nan, -0.0f, 2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {4, 5}));
}

TEST(FindDuplicateElementsTest, RejectsWhatIsNoVector) {
  OpTester("FindDuplicateElements")
      .Input("data", Tensor::Of<float>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "data must be a vector");
}

}  // namespace
}  // namespace doppio
