#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Of(const char* type, absl::StatusOr<Tensor> x) {
  return OpTester(type).Input("X", std::move(x)).Outputs({"Y"});
}

absl::StatusOr<Tensor> Words() { return Tensor::Of<std::string>({2}, {"apple", "an"}); }

TEST(StringPartTest, KeepsAtMostSoManyBytes) {
  Of("StringPrefix", Words()).ExpectOutput(0, Tensor::Of<std::string>({2}, {"app", "an"}));
  Of("StringSuffix", Words()).ExpectOutput(0, Tensor::Of<std::string>({2}, {"ple", "an"}));
  Of("StringPrefix", Words())
      .Arg("length", 0)
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"", ""}));
  Of("StringSuffix", Words())
      .Arg("length", 0)
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"", ""}));
}

TEST(StringPartTest, CountsBytesAndKeepsZeros) {
  const std::string zeros("a\0b\0c", 5);
  Of("StringSuffix", Tensor::Of<std::string>({1}, {zeros}))
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {zeros.substr(2)}));
}

TEST(StringPartTest, RejectsANegativeLength) {
  for (const char* type : {"StringPrefix", "StringSuffix"}) {
    Of(type, Words()).Arg("length", -1).ExpectError(kInvalid, "must not be negative");
  }
}

TEST(StringTestTest, LooksAtTheBeginningTheEndOrAll) {
  Of("StringStartsWith", Words())
      .Arg("prefix", "ap")
      .ExpectOutput(0, Tensor::Of<bool>({2}, {true, false}));
  Of("StringEndsWith", Words())
      .Arg("suffix", "n")
      .ExpectOutput(0, Tensor::Of<bool>({2}, {false, true}));
  Of("StringEquals", Words())
      .Arg("text", "an")
      .ExpectOutput(0, Tensor::Of<bool>({2}, {false, true}));
}

TEST(StringTestTest, LooksNotBeyondAString) {
  for (const char* type : {"StringStartsWith", "StringEndsWith"}) {
    Of(type, Tensor::Of<std::string>({2}, {"", "a"}))
        .Arg(type == std::string("StringEndsWith") ? "suffix" : "prefix", "aa")
        .ExpectOutput(0, Tensor::Of<bool>({2}, {false, false}));
    Of(type, Tensor::Of<std::string>({1}, {""})).ExpectOutput(0, Tensor::Of<bool>({1}, {true}));
  }
}

TEST(StringTestTest, RejectsTensorsOfNumbers) {
  for (const char* type :
       {"StringPrefix", "StringSuffix", "StringStartsWith", "StringEndsWith", "StringEquals"}) {
    Of(type, Tensor::Of<float>({1}, {1})).ExpectError(kInvalid, "float");
  }
}

absl::StatusOr<Tensor> Letters() { return Tensor::Of<std::string>({2, 2}, {"a", "b", "c", "d"}); }

TEST(StringJoinTest, PutsADelimiterBehindEveryElement) {
  Of("StringJoin", Letters()).ExpectOutput(0, Tensor::Of<std::string>({2}, {"a,b,", "c,d,"}));
  Of("StringJoin", Letters())
      .Arg("axis", 1)
      .Arg("delimiter", "; ")
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"a; c; ", "b; d; "}));
  Of("StringJoin", Words()).ExpectOutput(0, Tensor::Of<std::string>({2}, {"apple,", "an,"}));
}

TEST(StringJoinTest, WritesNumbers) {
  Of("StringJoin", Tensor::Of<float>({1, 3}, {3.9f, 1e20f, -0.5f}))
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"3.9,1e+20,-0.5,"}));
  Of("StringJoin", Tensor::Of<int8_t>({1, 2}, {-65, 65}))
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"-65,65,"}));
  Of("StringJoin", Tensor::Of<bool>({1, 2}, {true, false}))
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {"1,0,"}));
}

TEST(StringJoinTest, JoinsNothing) {
  Of("StringJoin", Tensor::Of<float>({2, 0}, {}))
      .ExpectOutput(0, Tensor::Of<std::string>({2}, {"", ""}));
  Of("StringJoin", Tensor::Of<float>({0, 1}, {}))
      .Arg("axis", 1)
      .ExpectOutput(0, Tensor::Of<std::string>({1}, {""}));
}

TEST(StringJoinTest, RejectsOtherRanksAndAxes) {
  Of("StringJoin", Tensor::Scalar<float>(1)).ExpectError(kInvalid, "a matrix or a vector");
  Of("StringJoin", Words()).Arg("axis", 1).ExpectError(kInvalid, "a matrix for axis=1");
  Of("StringJoin", Letters()).Arg("axis", 2).ExpectError(kInvalid, "must be 0 or 1");
  Of("StringJoin", Letters()).Arg("axis", -1).ExpectError(kInvalid, "must be 0 or 1");
}

}  // namespace
}  // namespace doppio
