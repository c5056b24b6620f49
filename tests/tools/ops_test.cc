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

TEST_F(OpsTest, ListsTheOperatorsOfNetsWithTheirSources) {
  NetBuilder body("body");
  body.Op("Tanh", {"y"}, {"y"});
  NetBuilder net("net");
  net.Op("Relu", {"x"}, {"y"});
  net.Op("While", {"condition"}, {}, {MakeArgument("loop_net", body.def())});
  NetBuilder init("init");
  init.Op("XavierFill", {}, {"w"}, {MakeArgument("shape", std::vector<int64_t>{1})});
  const std::string a = Save("net.pb", net.def());
  const std::string b = Save("init.pb", init.def());
  const CommandResult result = Doppio({"ops", "--of", a, "--of", b});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "Relu ops/elementwise/relu.cc\n"
            "Tanh ops/elementwise/tanh.cc\n"
            "While ops/control/while.cc\n"
            "XavierFill ops/fill/xavier_fill.cc\n");
}

TEST_F(OpsTest, ListsWhatThePredictorMakesOfConvolutionsToo) {
  NetBuilder net("net");
  net.Op("Conv", {"x", "w"}, {"y"}, {MakeArgument("kernel", 3)});
  net.Op("Relu", {"y"}, {"y"});
  EXPECT_EQ(Doppio({"ops", "--of", Save("net.pb", net.def())}).out,
            "BlockedConv ops/nn/blocked_conv.cc\n"
            "BlockedRelu ops/nn/blocked_activation.cc\n"
            "Conv ops/nn/conv.cc\n"
            "FromBlocked ops/nn/from_blocked.cc\n"
            "PackWeights ops/nn/pack_weights.cc\n"
            "Relu ops/elementwise/relu.cc\n");
}

TEST_F(OpsTest, ListsWhatThePredictorMakesOfLayersToo) {
  NetBuilder net("net");
  net.Op("FC", {"x", "w", "b"}, {"y"});
  EXPECT_EQ(Doppio({"ops", "--of", Save("net.pb", net.def())}).out,
            "FC ops/nn/fc.cc\n"
            "PackMatrix ops/nn/pack_matrix.cc\n"
            "PackedFC ops/nn/packed_fc.cc\n");
}

TEST_F(OpsTest, AListNamesAllOperatorsThatAreMissing) {
  NetBuilder net("net");
  net.Op("Exapnd", {"x"}, {"y"});
  net.Op("VideoInput", {"y"}, {"z"});
  const CommandResult result = Doppio({"ops", "--of", Save("net.pb", net.def())});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(HasSubstr("did you mean Expand"), HasSubstr("\"VideoInput\"")));
  EXPECT_EQ(Doppio({"ops", "Relu", "--of", "net.pb"}).code, 2);
}

TEST_F(OpsTest, TwoFormatsAtOnceAreAUsageError) {
  EXPECT_EQ(Doppio({"ops", "--json", "--markdown"}).code, 2);
}

}  // namespace
}  // namespace doppio
