#include <chrono>
#include <limits>

#include "doppio/gradient.h"
#include "doppio/infer.h"
#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

constexpr absl::StatusCode kFailed = absl::StatusCode::kFailedPrecondition;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(IsNanTest, MarksNan) {
  OpTester("IsNaN")
      .Input("X", Tensor::Of<float>({3}, {1, kNan, kInfinity}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<uint8_t>({3}, {0, 1, 0}));
}

TEST(IsNanTest, RejectsIntegers) {
  OpTester("IsNaN")
      .Input("X", Tensor::Scalar<int32_t>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type int32 is not supported here");
}

TEST(AssertTest, AcceptsWhatIsTrue) {
  EXPECT_TRUE(OpTester("Assert").Input("X", Tensor::Of<bool>({2}, {true, true})).Run().ok());
  EXPECT_TRUE(OpTester("Assert").Input("X", Tensor::Of<int32_t>({1, 2}, {-1, 7})).Run().ok());
  EXPECT_TRUE(OpTester("Assert").Input("X", Tensor::Scalar<int64_t>(int64_t{1} << 32)).Run().ok());
  EXPECT_TRUE(OpTester("Assert").Input("X", Tensor::Create(DataType::kBool, {0, 2})).Run().ok());
}

TEST(AssertTest, FailsWithItsMessage) {
  OpTester("Assert")
      .Input("X", Tensor::Of<int32_t>({2, 2}, {1, 1, 0, 1}))
      .Arg("error_msg", "no rows")
      .ExpectError(kFailed, "element 2 of \"X\" int32[2,2] is 0: no rows");
  OpTester("Assert")
      .Input("X", Tensor::Scalar<bool>(false))
      .ExpectError(kFailed, "element 0 of \"X\" bool[] is false");
  OpTester("Assert").Input("X", Tensor::Scalar<int64_t>(0)).ExpectError(kFailed, "int64[] is 0");
}

TEST(AssertTest, RejectsFloats) {
  OpTester("Assert")
      .Input("X", Tensor::Scalar<float>(1))
      .ExpectError(kInvalid, "element type float is not supported here");
}

TEST(EnforceFiniteTest, AcceptsFiniteNumbersAlone) {
  EXPECT_TRUE(OpTester("EnforceFinite").Input("X", Tensor::Of<float>({2}, {1, 2})).Run().ok());
  EXPECT_TRUE(
      OpTester("EnforceFinite").Input("X", Tensor::Create(DataType::kFloat, {0})).Run().ok());
  OpTester("EnforceFinite")
      .Input("X", Tensor::Of<float>({2}, {1, kInfinity}))
      .ExpectError(kFailed, "element 1 of \"X\" float[2] is inf");
  OpTester("EnforceFinite")
      .Input("X", Tensor::Of<double>({1}, {kNan}))
      .ExpectError(kFailed, "element 0 of \"X\" double[1] is nan");
}

TEST(EnforceFiniteTest, RejectsIntegers) {
  OpTester("EnforceFinite")
      .Input("X", Tensor::Scalar<int32_t>(1))
      .ExpectError(kInvalid, "element type int32 is not supported here");
}

OpTester EnforceShape(const absl::StatusOr<Tensor>& x) {
  OpTester tester("EnforceShape");
  tester.Input("X", x);
  return tester;
}

TEST(EnforceShapeTest, TakesWhatIsSaid) {
  const auto x = Tensor::Of<float>({1, 3}, {1, 2, 3});
  EXPECT_TRUE(EnforceShape(x).Run().ok());
  EXPECT_TRUE(EnforceShape(x).Arg("dtype", "float").Run().ok());
  EXPECT_TRUE(EnforceShape(x).Arg("shape", std::vector<int64_t>{-1, 3}).Run().ok());
  EXPECT_TRUE(EnforceShape(Tensor::Scalar<bool>(true))
                  .Arg("dtype", "bool")
                  .Arg("shape", std::vector<int64_t>())
                  .Run()
                  .ok());
}

TEST(EnforceShapeTest, FailsForOtherShapesAndTypes) {
  const auto x = Tensor::Of<float>({1, 3}, {1, 2, 3});
  EnforceShape(x)
      .Arg("shape", std::vector<int64_t>{-1, 4})
      .Arg("dtype", "float")
      .ExpectError(kInvalid, "it is float[1,3], but must be float[?,4]");
  EnforceShape(x)
      .Arg("shape", std::vector<int64_t>{-1})
      .ExpectError(kInvalid, "it is float[1,3], but must be of shape [?]");
  EnforceShape(x)
      .Arg("dtype", "double")
      .ExpectError(kInvalid, "it is float[1,3], but must be double");
  EnforceShape(x)
      .Arg("shape", std::vector<int64_t>())
      .ExpectError(kInvalid, "it is float[1,3], but must be of shape []");
}

TEST(EnforceShapeTest, IsKnownBeforeTheRun) {
  NetBuilder net("n");
  net.Op("EnforceShape", {"X"}, {}, {MakeArgument<std::vector<int64_t>>("shape", {2})});
  const BlobInfos known = {{"X", {DataType::kFloat, Dims{3}, std::nullopt}}};
  const absl::StatusOr<NetInference> inferred = InferNet(net.def(), known);
  EXPECT_THAT(std::string(inferred.status().message()),
              testing::HasSubstr("it is float[3], but must be of shape [2]"));
}

TEST(HasElementsTest, LooksAtAllTensors) {
  const auto empty = Tensor::Create(DataType::kFloat, {0, 4});
  OpTester("HasElements")
      .Input("A", empty)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<bool>(false));
  OpTester("HasElements")
      .Input("A", empty)
      .Input("B", Tensor::Create(DataType::kString, {2}))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<bool>(true));
  OpTester("HasElements")
      .Input("A", Tensor::Scalar<float>(0))
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Scalar<bool>(true));
}

TEST(HasElementsTest, RejectsABlobWithoutValue) {
  OpTester("HasElements")
      .FeedBlob("x", [](Blob*) {})
      .Input("x")
      .Outputs({"Y"})
      .ExpectError(kFailed, "\"x\", has no value yet");
}

TEST(FailTest, FailsWithTheMessage) {
  for (const char* type : {"Fail", "LogFatal", "ThrowException", "ThrowChildThreadException"}) {
    OpTester(type).Arg("message", "on purpose").ExpectError(kFailed, "on purpose");
  }
}

TEST(FailTest, HasTheMessagesOfCaffe2) {
  OpTester("ThrowException").ExpectError(kFailed, "Exception from ThrowExceptionOp");
  OpTester("ThrowChildThreadException")
      .ExpectError(kFailed, "Exception from ThrowChildThreadExceptionOp");
  OpTester("LogFatal").ExpectError(kFailed, "Logging from LogFatalOp");
}

TEST(FailTest, MakesANetFailAndNotTheProcess) {
  for (const char* executor : {"simple", "parallel"}) {
    NetDef net;
    net.set_name("net");
    net.set_type(executor);
    *net.add_op() = CreateOperatorDef("LogFatal", "", {}, {});
    Workspace workspace;
    const absl::Status status = workspace.RunNetOnce(net);
    EXPECT_EQ(status.code(), kFailed) << status;
    EXPECT_NE(status.message().find("Logging from LogFatalOp"), absl::string_view::npos) << status;
  }
}

TEST(FailTest, RejectsInputs) {
  OpTester("Fail").Input("X", Tensor::Scalar<float>(1)).ExpectError(kInvalid, "inputs");
}

TEST(WallClockTimeTest, GivesNanosecondsOfTheDay) {
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const int64_t before = now();
  OpTester tester("WallClockTime");
  tester.Outputs({"time"});
  ASSERT_TRUE(tester.Run().ok());
  ASSERT_TRUE(tester.Output(0).Is<int64_t>());
  EXPECT_EQ(tester.Output(0).rank(), 0);
  EXPECT_GE(*tester.Output(0).data<int64_t>(), before);
  EXPECT_LE(*tester.Output(0).data<int64_t>(), now());
}

TEST(WallClockTimeTest, RejectsInputs) {
  OpTester("WallClockTime")
      .Input("X", Tensor::Scalar<float>(1))
      .Outputs({"time"})
      .ExpectError(kInvalid, "inputs");
}

TEST(ZeroGradientTest, DoesNothing) {
  EXPECT_TRUE(OpTester("ZeroGradient").Input("X", Tensor::Of<float>({2}, {1, 2})).Run().ok());
}

TEST(ZeroGradientTest, GivesZeros) {
  const auto meta = GetGradientForOp(CreateOperatorDef("ZeroGradient", "", {"X"}, {}), {});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "ConstantFill(X) -> X_grad");
  EXPECT_EQ(meta->g_input[0], GradientWrapper::Dense("X_grad"));
  OpTester(meta->ops[0])
      .Feed("X", Tensor::Of<float>({2}, {1, 2}))
      .ExpectOutput(0, Tensor::Of<float>({2}, {0, 0}));
}

TEST(ZeroGradientTest, RejectsOutputs) {
  OpTester("ZeroGradient")
      .Input("X", Tensor::Scalar<float>(1))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "outputs");
}

}  // namespace
}  // namespace doppio
