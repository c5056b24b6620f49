#include <limits>

#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(StumpFuncTest, OneOfTwoValues) {
  OpTester tester("StumpFunc");
  tester.Input("X", Tensor::Of<float>({2, 2}, {-1, 0, 2, kNan}))
      .Arg("low_value", 1.0f)
      .Arg("high_value", 5.0f)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 1, 5, 5}));
}

TEST(StumpFuncTest, TellsWhereTheyAre) {
  OpTester tester("StumpFuncIndex");
  tester.Input("X", Tensor::Of<float>({5}, {3, -1, 0, kNan, 2}))
      .Outputs({"low", "high"})
      .ExpectOutput(0, Tensor::Of<int64_t>({2}, {1, 2}))
      .ExpectOutput(1, Tensor::Of<int64_t>({3}, {0, 3, 4}));
}

TEST(StumpFuncTest, RejectsOtherTypes) {
  for (const char* type : {"StumpFunc", "StumpFuncIndex"}) {
    OpTester tester(type);
    tester.Input("X", Tensor::Of<double>({1}, {1})).Outputs({"low"});
    if (std::string(type) == "StumpFuncIndex") tester.Outputs({"high"});
    tester.ExpectError(absl::StatusCode::kInvalidArgument, "double");
  }
}

}  // namespace
}  // namespace doppio
