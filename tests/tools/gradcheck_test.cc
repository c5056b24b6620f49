#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using GradcheckTest = CommandTest;

TEST_F(GradcheckTest, RightGradientsArePrintedAndTheExitCodeIsZero) {
  const std::string x = Save("x.npy", Tensor::Of<float>({3}, {-1, 2, 3}));
  const CommandResult result =
      Doppio({"gradcheck", Save("net.pb", ReluNet()), "--of", "Y", "--feed", "X=" + x});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("blob  shape  compared  wrong"), HasSubstr("X     [3]"),
                                HasSubstr("in double, step 1e-05, tolerance 1e-05\n"),
                                HasSubstr("right: 3 derivatives\n")));
}

TEST_F(GradcheckTest, WrongGradientsGiveTheExitCodeOne) {
  const NetDef net = NetBuilder("net")
                         .Op("Copy", {"X"}, {"c"})
                         .Op("StopGradient", {"c"}, {"c"})
                         .Op("Mul", {"X", "c"}, {"Y"})
                         .def();
  const std::string x = Save("x.npy", Tensor::Of<float>({2}, {1, 3}));
  const std::vector<std::string> command = {"gradcheck", Save("net.pb", net), "--of", "Y", "--feed",
                                            "X=" + x};
  const CommandResult result = Doppio(command);
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("wrong: 2 of 2 derivatives\n"));
  std::vector<std::string> json = command;
  json.push_back("--json");
  EXPECT_THAT(Doppio(json).out, AllOf(HasSubstr("\"right\": false"), HasSubstr("\"wrong\": 2")));
}

TEST_F(GradcheckTest, FloatIsUsedWhereItIsAskedFor) {
  const std::string x = Save("x.npy", Tensor::Of<float>({3}, {-1, 2, 3}));
  const CommandResult result = Doppio({"gradcheck", Save("net.pb", ReluNet()), "--of", "Y",
                                       "--feed", "X=" + x, "--float", "--samples", "2"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("in float, step 0.01"), HasSubstr("2 derivatives")));
}

TEST_F(GradcheckTest, WhatIsMissingIsToldWithWhatToWrite) {
  const CommandResult result = Doppio({"gradcheck", Save("net.pb", ReluNet()), "--of", "Y"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("--feed X=FILE"));
}

TEST_F(GradcheckTest, OptionsThatMakeNoSenseAreUsageErrors) {
  const std::string net = Save("net.pb", ReluNet());
  EXPECT_EQ(Doppio({"gradcheck", net}).code, 2);
  EXPECT_EQ(Doppio({"gradcheck", net, "--of", "Y", "--step", "-1"}).code, 2);
  EXPECT_EQ(Doppio({"gradcheck", net, "--of", "Y", "--samples", "0"}).code, 2);
}

}  // namespace
}  // namespace doppio
