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

TEST_F(CheckTest, ReportsWhatRunWill) {
  const std::string net = Write("cuda.pbtxt",
                                "name: 'says_cuda' device_option { device_type: 1 } "
                                "op { type: 'Relu' input: 'x' output: 'y' } "
                                "op { type: 'Exapnd' input: 'y' input: 'shape' output: 'z' }");
  const std::string x = Save("x.npy", Tensor::Of<float>({1}, {1}));
  const CommandResult result = Doppio({"check", net});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("2 operators are to run on CUDA, which is not there"),
                                HasSubstr("did you mean Expand"), HasSubstr("2 problems")));
  const CommandResult run = Doppio({"run", net, "--feed", "x=" + x, "--feed", "shape=" + x});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("2 operators are to run on CUDA, which is not there"),
                             HasSubstr("did you mean Expand")));
  EXPECT_THAT(Doppio({"check", net, "--device", "cpu"}).out, HasSubstr("1 problem\n"));
  EXPECT_EQ(Doppio({"check", net, "--device", "gpu"}).code, 2);
}

TEST_F(CheckTest, AnExecutorThatIsNotThereIsAProblem) {
  NetDef net = ReluNet();
  net.set_type("quantum");
  EXPECT_THAT(Doppio({"check", Save("net.pb", net)}).out,
              HasSubstr("there is no net type \"quantum\"; there are "));
}

TEST_F(CheckTest, FillsWithoutAShapeNameTheArgument) {
  const std::string net =
      Write("fill.pbtxt",
            "name: 'fill_without_shape' op { type: 'XavierFill' output: 'w' } "
            "op { type: 'GivenTensorFill' output: 'b' "
            "     arg { name: 'values' floats: 1 floats: 2 } } "
            "op { type: 'MSRAFill' output: 'm' } op { type: 'ConstantFill' output: 'scalar' }");
  const CommandResult result = Doppio({"check", net});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("a scalar has no fan-in: the rank must be at least 1; the argument "
                              "\"shape\" is missing"),
                    HasSubstr("2 values are given; the argument \"shape\" is missing"),
                    HasSubstr("no fan-out: the rank must be at least 2; the argument \"shape\""),
                    HasSubstr("3 problems")));
}

TEST_F(CheckTest, AFileThatIsNoNetIsNamed) {
  for (const auto& [content, what] :
       {std::pair<std::string, std::string>{"version https://git-lfs.github.com/spec/v1\noid x\n",
                                            "a Git LFS pointer"},
        {"<!DOCTYPE html>\n<html></html>", "a web page"},
        {"", "empty"}}) {
    const std::string file = Write("net.pb", content);
    for (const char* command : {"check", "run", "inspect", "bench", "draw"}) {
      const CommandResult result = Doppio({command, file});
      EXPECT_EQ(result.code, 1) << command;
      EXPECT_THAT(result.err, AllOf(HasSubstr("net.pb"), HasSubstr(what))) << command;
    }
  }
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
