#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

using CheckTest = CommandTest;

Argument Shape(const std::vector<int64_t>& dims) {
  return MakeArgument<std::vector<int64_t>>("shape", dims);
}

TEST_F(CheckTest, AGoodNetHasNoProblemAndTellsWhatItNeeds) {
  const CommandResult result = Doppio({"check", Save("net.pb", ReluNet())});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "net \"relu_net\": 1 operator, no problem\nto be fed: X\n");
}

TEST_F(CheckTest, EveryProblemIsListedAtOnce) {
  const NetDef net = NetBuilder("bad")
                         .Op("NoSuchOperator", {"X"}, {"A"})
                         .Op("Relu", {"A", "X"}, {"B"})
                         .Op("Relu", {"nowhere"}, {"C"})
                         .ExternalInput("X")
                         .ExternalOutput("D")
                         .def();
  const CommandResult result = Doppio({"check", Save("bad.pb", net)});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("NoSuchOperator"), HasSubstr("op 1 Relu(A, X) -> B"),
                    HasSubstr("\"nowhere\""), HasSubstr("\"D\""), HasSubstr("4 problems")));
}

TEST_F(CheckTest, ShapesThatDoNotGoTogetherAreFoundWithoutRunning) {
  const NetDef init = NetBuilder("init")
                          .Op("ConstantFill", {}, {"A"}, {Shape({2, 3})})
                          .Op("ConstantFill", {}, {"B"}, {Shape({4, 5})})
                          .def();
  const NetDef net =
      NetBuilder("product").Op("MatMul", {"A", "B"}, {"C"}).Op("MatMul", {"B", "A"}, {"D"}).def();
  const CommandResult result =
      Doppio({"check", Save("net.pb", net), "--init", Save("init.pb", init)});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("op 0 MatMul(A, B) -> C"),
                                HasSubstr("op 1 MatMul(B, A) -> D"), HasSubstr("2 problems")));
}

TEST_F(CheckTest, FedShapesCountToo) {
  const NetDef net = NetBuilder("product").Op("MatMul", {"A", "A"}, {"C"}).def();
  const std::string a = Save("a.npy", Tensor::Of<float>({1, 2}, {1, 2}));
  const CommandResult result = Doppio({"check", Save("net.pb", net), "--feed", "A=" + a});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("op 0 MatMul(A, A) -> C"));
}

TEST_F(CheckTest, PrintsJsonWithTheShapesThatAreKnown) {
  const std::string x = Save("x.npy", Tensor::Of<float>({1, 2}, {1, 2}));
  const CommandResult result =
      Doppio({"check", Save("net.pb", ReluNet()), "--feed", "X=" + x, "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"ok\": true"), HasSubstr("\"problems\": []"),
                                HasSubstr("\"Y\": {"), HasSubstr("\"shape\": [1, 2]")));
}

TEST_F(CheckTest, ProblemsInJsonGiveExitCode1Too) {
  const NetDef net = NetBuilder("bad").Op("NoSuchOperator", {"X"}, {"A"}).def();
  const CommandResult result = Doppio({"check", Save("bad.pb", net), "--json"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("\"ok\": false"), HasSubstr("\"missing_operator\": true")));
}

}  // namespace
}  // namespace doppio
