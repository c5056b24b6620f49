#include "doppio/proto_io.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

using GradTest = CommandTest;

TEST_F(GradTest, WritesForwardAndGradientOperatorsAndPrintsTheMap) {
  const std::string out = Path("backward.pbtxt");
  const CommandResult result = Doppio({"grad", Save("net.pb", ReluNet()), "--of", "Y", "-o", out});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "blob  gradient\nX     X_grad\nY     Y_autogen_grad\n" + out +
                            ": 1 forward operator and 2 gradient operators\n");
  const absl::StatusOr<NetDef> net = LoadNet(out);
  ASSERT_TRUE(net.ok()) << net.status();
  ASSERT_EQ(net->op_size(), 3);
  EXPECT_EQ(net->op(1).type(), "ConstantFill");
  EXPECT_EQ(net->op(2).type(), "ReluGradient");
}

TEST_F(GradTest, AGivenGradientIsUsedAndTheForwardNetCanBeLeftOut) {
  const std::string out = Path("gradient.pb");
  const CommandResult result = Doppio(
      {"grad", Save("net.pb", ReluNet()), "--of", "Y=dY", "--gradient-only", "-o", out, "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"X\": \"X_grad\""), HasSubstr("\"Y\": \"dY\""),
                                HasSubstr("\"gradient_operators\": 1")));
  const absl::StatusOr<NetDef> net = LoadNet(out);
  ASSERT_TRUE(net.ok()) << net.status();
  ASSERT_EQ(net->op_size(), 1);
  EXPECT_EQ(net->op(0).input(1), "dY");
}

TEST_F(GradTest, ABlobThatIsNotInTheNetIsAnErrorAndNothingIsWritten) {
  const std::string out = Path("backward.pb");
  const CommandResult result = Doppio({"grad", Save("net.pb", ReluNet()), "--of", "Z", "-o", out});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("\"Z\""));
  EXPECT_THAT(Read(out), IsEmpty());
}

TEST_F(GradTest, AnOperatorWithoutAGradientIsNamed) {
  const NetDef net = NetBuilder("n").Op("NoSuchOperator", {"X"}, {"Y"}).def();
  const CommandResult result =
      Doppio({"grad", Save("net.pb", net), "--of", "Y", "-o", Path("backward.pb")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("NoSuchOperator"));
}

TEST_F(GradTest, WhatToDifferentiateAndWhereToWriteMustBeSaid) {
  const std::string net = Save("net.pb", ReluNet());
  EXPECT_EQ(Doppio({"grad", net, "-o", Path("b.pb")}).code, 2);
  EXPECT_EQ(Doppio({"grad", net, "--of", "Y"}).code, 2);
  EXPECT_EQ(Doppio({"grad", net, "--of", "Y=", "-o", Path("b.pb")}).code, 2);
}

}  // namespace
}  // namespace doppio
