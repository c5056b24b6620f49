// The helper of all operators' tests must see what it says it sees.

#include "tests/support/op_tester.h"

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "tests/support/allocation_counter.h"

namespace doppio {
namespace {

using testing::HasSubstr;

// Each of these does one thing wrong, named by its argument.
DOPPIO_OPERATOR_SCHEMA(TestWrong)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Copies X, with one fault.")
    .RequiredArg<std::string>("fault", "which one")
    .Input(0, "X", "float tensor")
    .Output(0, "Y", "X")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const std::string fault = context->GetSingleArgument<std::string>("fault");
      if (fault == "inference refuses") return absl::InternalError("inference refuses");
      const DataType dtype = fault == "inferred type" ? DataType::kDouble : context->dtype(0);
      Dims dims(context->dims(0).begin(), context->dims(0).end());
      if (fault == "inferred shape") dims.push_back(1);
      context->SetOutput(0, dtype, dims);
      return absl::OkStatus();
    });

template <class Context>
class TestWrongOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TestWrongOp(OperatorInit* init)
      : Operator<Context>(init), fault_(init->GetSingleArgument<std::string>("fault")) {}

  absl::Status RunOnDevice() override {
    ++runs_;
    const Tensor& x = Input(0);
    if (fault_ == "writes input") const_cast<float*>(x.data<float>())[0] += 1;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), x.dims()));
    DOPPIO_RETURN_IF_ERROR(y->CopyFrom(x));
    if (fault_ == "second run differs") y->mutable_data<float>()[0] = static_cast<float>(runs_);
    if (fault_ == "second run fails" && runs_ == 2) return absl::InternalError("second run");
    return absl::OkStatus();
  }

 private:
  std::string fault_;
  int runs_ = 0;
};

DOPPIO_REGISTER_CPU_OPERATOR(TestWrong, TestWrongOp<CPUContext>);

// What `f` makes a test fail with.
std::string Failures(const std::function<void()>& f) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    f();
  }
  std::string text;
  for (int i = 0; i < results.size(); ++i) {
    absl::StrAppend(&text, results.GetTestPartResult(i).message(), "\n");
  }
  return text;
}

OpTester Tester(const char* fault) {
  OpTester tester("TestWrong");
  tester.Input("X", Tensor::Of<float>({2}, {5, 6})).Outputs({"Y"}).Arg("fault", fault);
  return tester;
}

std::string FailuresWith(const char* fault) {
  return Failures([&] { Tester(fault).Run().IgnoreError(); });
}

TEST(OpTesterTest, SeesNoFaultWhereNoneIs) { EXPECT_EQ(FailuresWith("none"), ""); }

TEST(OpTesterTest, SeesWrongInference) {
  EXPECT_THAT(FailuresWith("inferred type"), HasSubstr("inference with the values of the inputs"));
  EXPECT_THAT(FailuresWith("inferred shape"), HasSubstr("[2,1]"));
  EXPECT_THAT(FailuresWith("inference refuses"), HasSubstr("refuses what runs"));
}

TEST(OpTesterTest, SeesWhatARunDoesWrong) {
  EXPECT_THAT(FailuresWith("writes input"), HasSubstr("the run changed its input \"X\""));
  EXPECT_THAT(FailuresWith("second run differs"), HasSubstr("output 0 differs in a second run"));
  EXPECT_THAT(FailuresWith("second run fails"), HasSubstr("a second run fails"));
}

TEST(OpTesterTest, SeesAnotherOutput) {
  const auto expect = [](float last) {
    return Failures([=] { Tester("none").ExpectOutput(0, Tensor::Of<float>({2}, {5, last})); });
  };
  EXPECT_EQ(expect(6), "");
  EXPECT_THAT(expect(7), HasSubstr("at [1]: got 6, expected 7"));
}

TEST(OpTesterTest, SeesAnotherErrorAndNone) {
  const auto expect = [](absl::StatusCode code, const char* part) {
    return Failures([=] {
      OpTester("TestWrong")
          .Input("X", Tensor::Of<float>({2}, {5, 6}))
          .Outputs({"Y"})
          .ExpectError(code, part);
    });
  };
  EXPECT_EQ(expect(absl::StatusCode::kInvalidArgument, "\"fault\" is missing"), "");
  EXPECT_THAT(expect(absl::StatusCode::kInvalidArgument, "else"), HasSubstr("and has not: else"));
  EXPECT_THAT(expect(absl::StatusCode::kNotFound, "\"fault\" is missing"),
              HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(Failures([] { Tester("none").ExpectError(absl::StatusCode::kInternal, ""); }),
              HasSubstr("INTERNAL"));
}

TEST(TensorMatchTest, ComparesTypesShapesAndValues) {
  const Tensor a = *Tensor::Of<float>({2}, {1, 2});
  EXPECT_TRUE(TensorEquals(a, a));
  EXPECT_FALSE(TensorEquals(a, Tensor::Of<double>({2}, {1, 2})));
  EXPECT_FALSE(TensorEquals(a, Tensor::Of<float>({1, 2}, {1, 2})));
  EXPECT_FALSE(TensorEquals(a, Tensor::Of<float>({2}, {1, 2.5f})));
  EXPECT_FALSE(TensorEquals(a, Tensor()));
  EXPECT_TRUE(TensorEquals(Tensor(), Tensor()));
  EXPECT_FALSE(TensorEquals(a, Tensor::Of<float>({2}, {1})));
}

TEST(TensorMatchTest, ToleranceIsAbsoluteAndRelative) {
  const Tensor a = *Tensor::Of<float>({2}, {0.01f, 1000});
  EXPECT_TRUE(TensorNear(a, Tensor::Of<float>({2}, {0.02f, 1010}), 0.011));
  EXPECT_FALSE(TensorNear(a, Tensor::Of<float>({2}, {0.03f, 1000}), 0.011));
  EXPECT_FALSE(TensorNear(a, Tensor::Of<float>({2}, {0.01f, 1012}), 0.011));
}

TEST(TensorMatchTest, NaNEqualsNaNAndInfinityOnlyItself) {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor a = *Tensor::Of<float>({2}, {nan, infinity});
  EXPECT_TRUE(TensorEquals(a, a));
  EXPECT_FALSE(TensorNear(a, Tensor::Of<float>({2}, {nan, 1e30f}), 1));
  EXPECT_FALSE(TensorNear(a, Tensor::Of<float>({2}, {0, infinity}), 1));
  EXPECT_FALSE(TensorNear(a, Tensor::Of<float>({2}, {nan, -infinity}), 1));
}

TEST(TensorMatchTest, ComparesHalvesAndStrings) {
  const Tensor halves = *Tensor::Of<float16>({2}, {float16(1.0f), float16(0.5f)});
  EXPECT_TRUE(TensorEquals(halves, halves));
  EXPECT_FALSE(TensorEquals(halves, Tensor::Of<float16>({2}, {float16(1.0f), float16(0.25f)})));
  const Tensor words = *Tensor::Of<std::string>({2}, {"a", "b\n"});
  EXPECT_TRUE(TensorEquals(words, words));
  EXPECT_FALSE(TensorNear(words, Tensor::Of<std::string>({2}, {"a", "c"}), 100));
  EXPECT_EQ(TensorToString(words), "string[2] {\"a\", \"b\\n\"}");
}

TEST(TensorMatchTest, BitsTellTheZerosApart) {
  const Tensor zero = *Tensor::Scalar<float>(0.0f);
  const Tensor negative = *Tensor::Scalar<float>(-0.0f);
  EXPECT_TRUE(TensorEquals(zero, negative));
  EXPECT_FALSE(TensorBitsEqual(zero, negative));
}

TEST(AllocationCounterTest, CountsStringsAndTensors) {
  AllocationCounter nothing;
  EXPECT_EQ(nothing.count(), 0);
  AllocationCounter counter;
  const std::string text(100, 'x');
  EXPECT_EQ(counter.count(), 1);
  const Tensor tensor = *Tensor::Create(DataType::kFloat, {10});
  EXPECT_GT(counter.count(), 2);
}

}  // namespace
}  // namespace doppio
