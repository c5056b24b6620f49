#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using OpsTest = CommandTest;

TEST_F(OpsTest, ListsOperatorsByFamily) {
  const CommandResult result = Doppio({"ops"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("\nshape\n"), HasSubstr("\n  Expand "),
                                HasSubstr("\n  ExpandGradient ")));
}

TEST_F(OpsTest, ExplainsOne) {
  const CommandResult result = Doppio({"ops", "Expand"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("Expand  (shape)"), HasSubstr("Inputs (2)\n  X "),
                                HasSubstr("Outputs (1)\n  Y "), HasSubstr("Gradient:"),
                                HasSubstr("yes"), HasSubstr("Devices:"), HasSubstr("CPU")));
}

TEST_F(OpsTest, ShowsArgumentsWithTypesAndDefaults) {
  const CommandResult result = Doppio({"ops", "ConstantFill"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("Arguments\n"), HasSubstr("extra_shape"),
                                HasSubstr("input_as_shape"), HasSubstr("none needed")));
}

TEST_F(OpsTest, PrintsJson) {
  const CommandResult result = Doppio({"ops", "Relu", "--json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"type\": \"Relu\""), HasSubstr("\"gradient\": \"yes\""),
                                HasSubstr("\"in_place\": \"X as Y\"")));
}

TEST_F(OpsTest, TellsWhatOfCaffe2IsThere) {
  const CommandResult result = Doppio({"ops", "--coverage"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("Caffe2 registered 843 operators for the CPU. doppio has "),
                    HasSubstr("runs code of PyTorch: ATen, ScriptModule, ScriptModuleLoad\n")));
}

TEST_F(OpsTest, CoverageIsOfAllOperatorsOrNone) {
  EXPECT_EQ(Doppio({"ops", "Expand", "--coverage"}).code, 2);
  EXPECT_EQ(Doppio({"ops", "--coverage", "--json"}).code, 2);
}

TEST_F(OpsTest, WhatCaffe2HasAndDoppioDoesNotIsToldSo) {
  EXPECT_THAT(
      Doppio({"ops", "VideoInput"}).err,
      HasSubstr("there is no operator \"VideoInput\" for the CPU; Caffe2 has it, doppio does "
                "not yet"));
  EXPECT_THAT(Doppio({"ops", "ATen"}).err,
              HasSubstr("Caffe2 has it; doppio is not going to: it runs code of PyTorch"));
}

TEST_F(OpsTest, ANameOfAnotherFrameworkIsToldTheNameHere) {
  EXPECT_THAT(Doppio({"ops", "Gemm"}).err, HasSubstr("; its name here is MatMul or FC"));
  EXPECT_THAT(Doppio({"ops", "BatchNormalization"}).err, HasSubstr("its name here is SpatialBN"));
  EXPECT_THAT(Doppio({"ops", "GlobalAveragePool"}).err,
              HasSubstr("its name here is AveragePool with global_pooling"));
}

TEST_F(OpsTest, ATypoIsToldWhatIsNear) {
  const CommandResult result = Doppio({"ops", "Exapnd"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("doppio ops: "), HasSubstr("\"Exapnd\""),
                                HasSubstr("did you mean Expand")));
}

TEST_F(OpsTest, TwoFormatsAtOnceAreAUsageError) {
  EXPECT_EQ(Doppio({"ops", "--json", "--markdown"}).code, 2);
}

}  // namespace
}  // namespace doppio
