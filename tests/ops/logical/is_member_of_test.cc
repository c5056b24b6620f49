#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

TEST(IsMemberOfTest, FindsNumbers) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int32_t>({4}, {1, 2, 2, 4}))
      .Arg("value", std::vector<int64_t>{0, 2, 4})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({4}, {false, true, true, true}));
}

TEST(IsMemberOfTest, FindsStrings) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<std::string>({2, 1}, {"b", "c"}))
      .Arg("value", std::vector<std::string>{"b", "a"})
      .Arg("dtype", static_cast<int>(DataType::kString))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({2, 1}, {true, false}));
}

TEST(IsMemberOfTest, FindsTruthValues) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<bool>({2}, {true, false}))
      .Arg("value", std::vector<int64_t>{1})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({2}, {true, false}));
}

TEST(IsMemberOfTest, FindsNothingAmongNoValues) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int64_t>({1}, {0}))
      .Arg("value", std::vector<int64_t>{})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({1}, {false}));
}

TEST(IsMemberOfTest, DoesNotTakeALargeValueForItsLowerBits) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("value", std::vector<int64_t>{(int64_t{1} << 32) + 1})
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<bool>({1}, {false}));
}

TEST(IsMemberOfTest, RejectsAnotherTypeThanItIsTold) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("value", std::vector<int64_t>{1})
      .Arg("dtype", static_cast<int>(DataType::kInt64))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must have the type int64");
}

TEST(IsMemberOfTest, RejectsStringsAmongNumbers) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("value", std::vector<std::string>{"1"})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "holds strings");
}

TEST(IsMemberOfTest, RejectsFloats) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<float>({1}, {1}))
      .Arg("value", std::vector<int64_t>{1})
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type float is not supported here");
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Arg("value", std::vector<int64_t>{1})
      .Arg("dtype", static_cast<int>(DataType::kFloat))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "argument \"dtype\"");
}

TEST(IsMemberOfTest, RejectsMissingValues) {
  OpTester("IsMemberOf")
      .Input("X", Tensor::Of<int32_t>({1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "argument \"value\" is missing");
}

}  // namespace
}  // namespace doppio
