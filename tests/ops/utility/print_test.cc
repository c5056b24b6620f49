#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

// What the operator writes in so many runs.
std::string Printed(const Tensor& value, const std::vector<Argument>& args, int runs = 1) {
  MapScope scope;
  scope.Feed("X", value);
  const auto op = CreateOperator(CreateOperatorDef("Print", "", {"X"}, {}, args), &scope);
  EXPECT_TRUE(op.ok()) << op.status();
  if (!op.ok()) return "";
  testing::internal::CaptureStderr();
  for (int i = 0; i < runs; ++i) EXPECT_TRUE((*op)->Run().ok());
  return testing::internal::GetCapturedStderr();
}

TEST(PrintTest, WritesNameTypeShapeAndElements) {
  EXPECT_EQ(Printed(*Tensor::Of<float>({2, 2}, {1, 2.5, 3, 4}), {}),
            "X float[2,2]: 1, 2.5, 3, 4\n");
}

TEST(PrintTest, WritesEveryType) {
  EXPECT_EQ(Printed(*Tensor::Of<bool>({2}, {true, false}), {}), "X bool[2]: 1, 0\n");
  EXPECT_EQ(Printed(*Tensor::Of<int8_t>({1}, {-5}), {}), "X int8[1]: -5\n");
  EXPECT_EQ(Printed(*Tensor::Of<float16>({1}, {float16(0.5f)}), {}), "X float16[1]: 0.5\n");
  EXPECT_EQ(Printed(*Tensor::Of<std::string>({1}, {"a\"\n"}), {}), "X string[1]: \"a\\\"\\n\"\n");
}

TEST(PrintTest, WritesEmptyTensorsByTheirShape) {
  EXPECT_EQ(Printed(*Tensor::Of<int64_t>({0, 2}, {}), {}), "X int64[0,2]:\n");
}

TEST(PrintTest, StopsAtTheLimit) {
  EXPECT_EQ(Printed(*Tensor::Of<int32_t>({3}, {1, 2, 3}), {MakeArgument("limit", 2)}),
            "X int32[3]: 1, 2, ...\n");
}

TEST(PrintTest, WritesInTheFirstOfEveryNRuns) {
  EXPECT_EQ(Printed(*Tensor::Of<int32_t>({1}, {1}), {MakeArgument("every_n", 3)}, 7),
            "X int32[1]: 1\nX int32[1]: 1\nX int32[1]: 1\n");
}

TEST(PrintTest, WritesTheTypeOfOtherBlobs) {
  MapScope scope;
  scope.CreateBlob("X")->GetMutable<std::string>();
  const auto op = CreateOperator(CreateOperatorDef("Print", "", {"X"}, {}), &scope);
  ASSERT_TRUE(op.ok()) << op.status();
  testing::internal::CaptureStderr();
  EXPECT_TRUE((*op)->Run().ok());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "X holds std::string\n");
}

TEST(PrintTest, RejectsAnIntervalOfZeroAndANegativeLimit) {
  const auto x = Tensor::Of<float>({1}, {1});
  for (const char* name : {"every_n", "limit"}) {
    OpTester("Print")
        .Input("X", x)
        .Arg(name, std::string(name) == "limit" ? -1 : 0)
        .ExpectError(absl::StatusCode::kInvalidArgument, "every_n is ");
  }
}

}  // namespace
}  // namespace doppio
