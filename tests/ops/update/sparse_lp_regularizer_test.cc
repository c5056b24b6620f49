#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Step(float p, float lambda) {
  return OpTester("SparseLpRegularizer")
      .Input("param", Tensor::Of<float>({2, 2}, {1, -1, 0.25, 3}))
      .Arg("p", p)
      .Arg("reg_lambda", lambda);
}

TEST(SparseLpRegularizerTest, TakesFromTheSizeOfEachElement) {
  Step(1, 0.5)
      .Input("indices", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"param"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, -1, 0, 2.5}));
}

TEST(SparseLpRegularizerTest, OfTwoMakesSmallerByAFactorOncePerIndex) {
  Step(2, 0.5)
      .Input("indices", Tensor::Of<int64_t>({2, 1}, {0, 0}))
      .Input("grad", Tensor::Of<double>({1}, {7}))
      .Outputs({"param"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {0.25, -0.25, 0.25, 3}));
}

TEST(SparseLpRegularizerTest, ChangesNothingWithoutIndices) {
  Step(2, 0.5)
      .Input("indices", Tensor::Of<int64_t>({0}, {}))
      .Outputs({"param"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, -1, 0.25, 3}));
}

TEST(SparseLpRegularizerTest, KeepsNaNAndInfinity) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  for (float p : {1.0f, 2.0f}) {
    OpTester("SparseLpRegularizer")
        .Input("param", Tensor::Of<float>({3}, {nan, inf, -inf}))
        .Input("indices", Tensor::Of<int32_t>({3}, {0, 1, 2}))
        .Arg("p", p)
        .Outputs({"param"})
        .ExpectOutput(0, Tensor::Of<float>({3}, {nan, inf, -inf}));
  }
}

TEST(SparseLpRegularizerTest, RejectsIndicesOfNoRow) {
  for (int32_t index : {-1, 2}) {
    Step(2, 0.5)
        .Input("indices", Tensor::Of<int32_t>({2}, {0, index}))
        .Outputs({"param"})
        .ExpectError(kInvalid, absl::StrCat("index 1 is ", index));
  }
}

TEST(SparseLpRegularizerTest, RejectsOtherNorms) {
  Step(3, 0.5)
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "p must be 1 or 2, but is 3");
  for (float lambda : {0.0f, 1.0f, std::numeric_limits<float>::quiet_NaN()}) {
    Step(2, lambda)
        .Input("indices", Tensor::Of<int32_t>({1}, {0}))
        .Outputs({"param"})
        .ExpectError(kInvalid, "reg_lambda must be above 0 and below 1");
  }
}

TEST(SparseLpRegularizerTest, RejectsOtherTypesScalarsAndOutputs) {
  OpTester("SparseLpRegularizer")
      .Input("param", Tensor::Of<double>({1}, {1}))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "param must be of float");
  OpTester("SparseLpRegularizer")
      .Input("param", Tensor::Scalar<float>(1))
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "at least a vector");
  Step(2, 0.5)
      .Input("indices", Tensor::Of<float>({1}, {0}))
      .Outputs({"param"})
      .ExpectError(kInvalid, "float");
  Step(2, 0.5)
      .Input("indices", Tensor::Of<int32_t>({1}, {0}))
      .Outputs({"other"})
      .ExpectError(kInvalid, "must be the same blob");
}

}  // namespace
}  // namespace doppio
