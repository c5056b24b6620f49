#include <filesystem>

#include "doppio/npy.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RunTest : public CommandTest {
 protected:
  const std::string net_ = Save("net.pbtxt", ReluNet());
  const std::string x_ = Save("x.npy", Tensor::Of<float>({2, 2}, {-1, 2, -3, 4}));
};

TEST_F(RunTest, DescribesTheExternalOutputs) {
  const CommandResult result = Doppio({"run", net_, "--feed", "X=" + x_});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_EQ(result.out, "Y: float[2,2], min 0, max 4, mean 1.5\n  0, 2, 0, 4\n");
}

TEST_F(RunTest, WritesWhatIsFetched) {
  for (const char* file : {"y.npy", "y.pb", "y.pbtxt", "y.json"}) {
    const std::string y = Path(file);
    const CommandResult result = Doppio({"run", net_, "--feed", "X=" + x_, "--fetch", "Y=" + y});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "Y: float[2,2] -> " + y + "\n");
    const absl::StatusOr<Tensor> written = LoadTensor(y);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_THAT(written->span<float>(), ElementsAre(0, 2, 0, 4)) << file;
  }
}

TEST_F(RunTest, FeedsWhateverTheContentIs) {
  const std::string blob = Path("x.pb");
  ASSERT_EQ(Doppio({"convert", x_, blob}).code, 0);
  const CommandResult result = Doppio({"run", net_, "--feed", "X=" + blob});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("0, 2, 0, 4"));
}

TEST_F(RunTest, RunsInitNetsFirst) {
  const NetDef init =
      NetBuilder("init")
          .Op("ConstantFill", {}, {"X"},
              {MakeArgument<std::vector<int64_t>>("shape", {3}), MakeArgument<float>("value", 7)})
          .def();
  const CommandResult result = Doppio({"run", net_, "--init", Save("init.pb", init)});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("7, 7, 7"));
}

TEST_F(RunTest, TakesTheLastOperatorsOutputsWhereTheNetDeclaresNone) {
  const NetDef net = NetBuilder("chain").Op("Relu", {"X"}, {"A"}).Op("Relu", {"A"}, {"B"}).def();
  const CommandResult result = Doppio({"run", Save("chain.pb", net), "--feed", "X=" + x_});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("B: float"), Not(HasSubstr("A: float"))));
}

TEST_F(RunTest, FeedsEveryArrayOfAnArchiveUnderItsName) {
  const std::vector<NamedTensor> tensors = {{"A", *Tensor::Of<float>({2}, {1, 2})},
                                            {"B", *Tensor::Of<float>({2}, {10, 20})}};
  const std::string archive = Write("ab.npz", *FormatNpz(tensors));
  const std::string net = Save("sum.pb", NetBuilder("sum").Op("Add", {"A", "B"}, {"C"}).def());
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"run", net, "--feed", archive},
           {"run", net, "--feed", "A=" + archive, "--feed", "B=" + archive}}) {
    const CommandResult result = Doppio(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("11, 22"));
  }
}

TEST_F(RunTest, RunsPlans) {
  PlanDef plan;
  plan.set_name("plan");
  *plan.add_network() = ReluNet();
  ExecutionStep* step = plan.add_execution_step();
  step->set_num_iter(2);
  step->add_network("relu_net");
  ASSERT_TRUE(SaveProto(plan, Path("plan.pbtxt")).ok());
  const CommandResult result = Doppio({"run", Path("plan.pbtxt"), "--feed", "X=" + x_});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("0, 2, 0, 4"));
  EXPECT_EQ(Doppio({"run", Path("plan.pbtxt"), "--iterations", "2"}).code, 2);

  plan.mutable_execution_step(0)->set_network(0, "no_such_net");
  ASSERT_TRUE(SaveProto(plan, Path("bad.pbtxt")).ok());
  const CommandResult bad = Doppio({"run", Path("bad.pbtxt"), "--feed", "X=" + x_});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("no_such_net"));
}

TEST_F(RunTest, TheExecutorCanBeChosen) {
  const CommandResult parallel =
      Doppio({"run", net_, "--feed", "X=" + x_, "--net-type", "parallel", "--threads", "2"});
  EXPECT_EQ(parallel.code, 0) << parallel.err;
  EXPECT_THAT(parallel.out, HasSubstr("0, 2, 0, 4"));
  const CommandResult unknown = Doppio({"run", net_, "--feed", "X=" + x_, "--net-type", "quick"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("\"quick\""), HasSubstr("parallel")));
}

TEST_F(RunTest, PrintsJson) {
  const CommandResult result =
      Doppio({"run", net_, "--feed", "X=" + x_, "--iterations", "3", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"iterations\": 3"), HasSubstr("\"shape\": [2, 2]"),
                                HasSubstr("\"mean\": 1.5")));
}

TEST_F(RunTest, WritesATraceOfEveryOperator) {
  const std::string trace = Path("trace.json");
  const CommandResult result =
      Doppio({"run", net_, "--feed", "X=" + x_, "--profile", trace, "--threads", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(Read(trace), AllOf(HasSubstr("traceEvents"), HasSubstr("\"Relu\"")));
}

TEST_F(RunTest, MissingInputsAreListedWithWhatToWrite) {
  const NetDef net = NetBuilder("sum").Op("Add", {"A", "B"}, {"C"}).def();
  const CommandResult result = Doppio({"run", Save("sum.pb", net)});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("needs 2 blobs"), HasSubstr("--feed A=FILE"),
                                HasSubstr("--feed B=FILE"), HasSubstr("op 0 Add(A, B) -> C")));
}

TEST_F(RunTest, AMissingInputIsComparedWithWhatWasFedForNothing) {
  const NetDef net = NetBuilder("net").Op("Relu", {"data"}, {"Y"}).def();
  const CommandResult result = Doppio({"run", Save("data.pbtxt", net), "--feed", "dta=" + x_});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("op 0 Relu(data) -> Y; nothing reads \"dta\""));
}

TEST_F(RunTest, AMissingOperatorComesWithNearNames) {
  const NetDef net = NetBuilder("typo").Op("Rleu", {"X"}, {"Y"}).def();
  const CommandResult result = Doppio({"run", Save("typo.pb", net), "--feed", "X=" + x_});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("\"Rleu\""), HasSubstr("Relu"), HasSubstr("--load")));
}

TEST_F(RunTest, RefusesToFeedWhatIsNoTensor) {
  const CommandResult result = Doppio({"run", net_, "--feed", "X=" + net_});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("--feed X="));
}

TEST_F(RunTest, ATypeThatTheOperatorCanNotTakeIsAnErrorOfTheNet) {
  const std::string words = Save("words.npy", Tensor::Of<std::string>({2}, {"a", "b"}));
  const CommandResult result = Doppio({"run", net_, "--feed", "X=" + words});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("op 0 Relu(X) -> Y"));
}

TEST_F(RunTest, FetchingABlobThatIsNotThereIsAnError) {
  const CommandResult result = Doppio({"run", net_, "--feed", "X=" + x_, "--fetch", "Z"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("\"Z\""));
}

TEST_F(RunTest, AFeedWithoutABlobOrAFileIsAUsageError) {
  for (const std::string& feed : {"=" + x_, std::string("X=")}) {
    const CommandResult result = Doppio({"run", net_, "--feed", feed});
    EXPECT_EQ(result.code, 2) << feed;
    EXPECT_THAT(result.err, HasSubstr("write BLOB=FILE"));
  }
}

TEST_F(RunTest, IterationsMustBeAPositiveNumber) {
  for (const char* count : {"0", "-3", "many"}) {
    EXPECT_EQ(Doppio({"run", net_, "--iterations", count}).code, 2) << count;
  }
}

TEST_F(RunTest, ALibraryThatIsNoneIsRefused) {
  const CommandResult result = Doppio({"run", net_, "--load", x_});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("x.npy"));
}

NetDef ScoreNet() {
  return NetBuilder("score").Op("FC", {"X", "w", "b"}, {"Y"}).Op("Softmax", {"Y"}, {"P"}).def();
}

TEST_F(RunTest, ShowsEveryHeadOfANetThatListsNoOutput) {
  const std::string net = Write("heads.pbtxt",
                                "op { type: 'Relu' input: 'x' output: 'h' } "
                                "op { type: 'Sigmoid' input: 'h' output: 'first' } "
                                "op { type: 'Tanh' input: 'h' output: 'second' }");
  const std::string x = Save("x.npy", Tensor::Of<float>({1}, {0}));
  for (const bool optimize : {true, false}) {
    std::vector<std::string> command = {"run", net, "--feed", "x=" + x};
    if (!optimize) command.push_back("--no-optimize");
    const CommandResult result = Doppio(command);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, AllOf(HasSubstr("first: float[1]"), HasSubstr("second: float[1]")));
  }
}

TEST_F(RunTest, WhatExternalInputDoesNotListMayBeFed) {
  const std::string net = Write("some.pbtxt",
                                "name: 'some' op { type: 'Mul' input: 'x' input: 'w' output: 'y' } "
                                "external_input: 'x' external_output: 'y'");
  const std::string x = Save("x.npy", Tensor::Of<float>({1}, {3}));
  for (const bool optimize : {true, false}) {
    std::vector<std::string> command = {"run", net, "--feed", "x=" + x};
    if (!optimize) command.push_back("--no-optimize");
    EXPECT_THAT(Doppio(command).err, HasSubstr("--feed w=FILE"));
    command.insert(command.end(), {"--feed", "w=" + x});
    const CommandResult result = Doppio(command);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("  9"));
  }
}

TEST_F(RunTest, ANetOfAMachineWithAGpuRunsOnTheCpuWhenAsked) {
  NetDef net = ReluNet();
  net.mutable_device_option()->set_device_type(1);
  NetDef init = NetBuilder("init").Op("ConstantFill", {}, {"X"}).def();
  init.mutable_device_option()->set_device_type(1);
  const std::vector<std::string> files = {Save("net.pb", net), "--init", Save("init.pb", init)};
  for (const char* command : {"run", "bench"}) {
    std::vector<std::string> words = {command};
    words.insert(words.end(), files.begin(), files.end());
    EXPECT_THAT(Doppio(words).err, HasSubstr("to run on CUDA, which is not there"));
    words.insert(words.end(), {"--device", "cpu"});
    const CommandResult result = Doppio(words);
    EXPECT_EQ(result.code, 0) << result.err;
  }
}

TEST_F(RunTest, ANetMayComeFromAPipe) {
  const std::string net = Save("net.pb", ReluNet());
  const std::string x = Save("x.npy", Tensor::Of<float>({2}, {-1, 4}));
  const std::string doppio = std::string(DOPPIO_BIN_DIR) + "/doppio";
  const auto shell = [&](const std::string& command) {
    const int code = std::system((command + " > " + Path("out") + " 2>&1").c_str());
    return std::to_string(code) + " " + Read(Path("out"));
  };
  EXPECT_THAT(shell("cat " + net + " | " + doppio + " run /dev/stdin --feed X=" + x),
              AllOf(HasSubstr("0 Y: float[2]"), HasSubstr("0, 4")));
  EXPECT_THAT(shell("cat " + x + " | " + doppio + " run " + net + " --feed X=/dev/stdin"),
              HasSubstr("0 Y: float[2]"));
  for (const char* command : {"check", "inspect"}) {
    EXPECT_THAT(shell("cat " + net + " | " + doppio + " " + command + " /dev/stdin"),
                HasSubstr("1 operator"));
  }
  EXPECT_THAT(shell(": | " + doppio + " run /dev/stdin"), HasSubstr("/dev/stdin: empty"));
  EXPECT_THAT(shell("mkfifo " + Path("fifo") + " && " + doppio + " run " + Path("fifo")),
              HasSubstr("a named pipe can be read only once"));
}

TEST_F(RunTest, APublishedNetIsKnownByItsLayersUnderAnyName) {
  NetBuilder net("someone's");
  std::string x = "data";
  int k = 0;
  // Those of SqueezeNet 1.1; 0 is a max pool.
  for (const int kernel :
       {3, 0, 1, 1, 3, 1, 1, 3, 0, 1, 1, 3, 1, 1, 3, 0, 1, 1, 3, 1, 1, 3, 1, 1, 3, 1, 1, 3, 1}) {
    const std::string y = "y" + std::to_string(++k);
    if (kernel == 0) {
      net.Op("MaxPool", {x}, {y}, {MakeArgument<int>("kernel", 1)});
    } else {
      net.Op("Conv", {x, y + "/weights"}, {y},
             {MakeArgument<int>("kernel", kernel), MakeArgument<int>("pad", kernel / 2)});
    }
    x = y;
  }
  const CommandResult result = Doppio(
      {"run", Save("net.pb", net.def()), "--random-weights", "1", "--shape", "data=1,3,2,2"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("26 widths from the table: SqueezeNet 1.1, by its layers, Iandola"),
                    HasSubstr("float[1,1000,2,2]")));
}

TEST_F(RunTest, MakesUpWeightsAndSaysSo) {
  const std::string net = Save("net.pbtxt", ScoreNet());
  const std::string widths =
      Write("widths.txt", "net Score\nsource a book\nname score\nguess w 10\n");
  const auto run = [&](const std::string& seed) {
    return Doppio({"run", net, "--random-weights", seed, "--shape", "X=3,20", "--widths", widths});
  };
  const CommandResult result = run("7");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("the weights are random (seed 7), so the results mean nothing: "
                              "2 blobs, 210 numbers"),
                    HasSubstr("1 width from the table: Score, a book"),
                    HasSubstr("1 width guessed: w [10,20] (table)"),
                    HasSubstr("random too: X float[3,20]"), HasSubstr("P: float[3,10]")));
  EXPECT_EQ(result.out, run("7").out);
  EXPECT_NE(result.out, run("8").out);
}

TEST_F(RunTest, FedBlobsAreNotMadeUp) {
  const std::string x = Save("x.npy", Tensor::Of<float>({1, 2}, {1, 2}));
  const std::string b = Save("b.npy", Tensor::Of<float>({3}, {1, 1, 1}));
  const CommandResult result = Doppio({"run", Save("net.pbtxt", ScoreNet()), "--random-weights",
                                       "1", "--feed", "X=" + x, "--feed", "b=" + b});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("1 blob, 6 numbers"), HasSubstr("P: float[1,3]")));
}

TEST_F(RunTest, APlaceholderOfAnInitNetIsReplaced) {
  const std::string net = Save("net.pbtxt", ReluNet());
  const std::string one = Save("one.npy", Tensor::Of<float>({1}, {5}));
  const std::string two = Save("two.npy", Tensor::Of<float>({2}, {5, 6}));
  const auto run = [&](const std::string& x) {
    return Doppio({"run", net, "--feed", "X=" + x, "--random-weights", "1", "--shape", "X=3,20"});
  };
  EXPECT_THAT(run(one).out, HasSubstr("Y: float[3,20]"));
  EXPECT_EQ(run(two).code, 2);
  EXPECT_THAT(run(two).err, HasSubstr("--shape says that X is float[3,20], but it was filled as"));
}

TEST_F(RunTest, WeightsThatCanNotBeMadeUpAreListed) {
  const std::string net = Save("net.pbtxt", ScoreNet());
  const CommandResult result = Doppio({"run", net, "--random-weights", "1", "--shape", "X=3,20"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("no table has this net"),
                                HasSubstr("w    op 0 FC does not tell how many outputs")));
  EXPECT_EQ(Doppio({"run", net, "--shape", "X=3,20"}).code, 2);
  EXPECT_EQ(Doppio({"run", net, "--random-weights", "-1"}).code, 2);
}

// Of a net with a weight, and operators that nobody asks for.
NetDef WeightedNet() {
  NetDef net = NetBuilder("weighted")
                   .Op("FC", {"X", "w", "b"}, {"Y"})
                   .Op("Abs", {"Y"}, {"unasked"})
                   .Op("Relu", {"Y"}, {"Z"})
                   .def();
  for (const char* name : {"X", "w", "b"}) net.add_external_input(name);
  net.add_external_output("Z");
  return net;
}

NetDef WeightedInit() {
  const auto shape = [](std::vector<int64_t> dims) {
    return MakeArgument<std::vector<int64_t>>("shape", dims);
  };
  return NetBuilder("init")
      .Op("ConstantFill", {}, {"w"}, {shape({2, 2}), MakeArgument<float>("value", 1)})
      .Op("ConstantFill", {}, {"b"}, {shape({2}), MakeArgument<float>("value", 3)})
      .def();
}

TEST_F(RunTest, RewritesTheNetUnlessToldNotTo) {
  const std::string net = Save("weighted.pb", WeightedNet());
  const std::string init = Save("init.pb", WeightedInit());
  const std::vector<std::string> arguments = {"run", net, "--init", init, "--feed", "X=" + x_};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), more.begin(), more.end());
    return Doppio(all);
  };
  EXPECT_EQ(with({}).out, "Z: float[2,2], min 4, max 4, mean 4\n  4, 4, 4, 4\n");
  EXPECT_EQ(with({"--no-optimize"}).out, with({}).out);
  EXPECT_THAT(with({"--fetch", "unasked", "--fetch", "w"}).out,
              AllOf(HasSubstr("unasked: float[2,2]"), HasSubstr("w: float[2,2]")));
  const std::string trace = Path("trace.json");
  EXPECT_EQ(with({"--profile", trace}).code, 0);
  EXPECT_THAT(Read(trace), Not(HasSubstr("unasked")));
  EXPECT_EQ(with({"--profile", trace, "--no-optimize"}).code, 0);
  EXPECT_THAT(Read(trace), HasSubstr("unasked"));
}

TEST_F(RunTest, ANetThatChangesWhatItReadsIsRunAsItIs) {
  const NetDef net = NetBuilder("twice").Op("Add", {"X", "X"}, {"X"}).def();
  const CommandResult result =
      Doppio({"run", Save("twice.pb", net), "--feed", "X=" + x_, "--iterations", "3"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("-8, 16, -24, 32"));
}

TEST_F(RunTest, RunsPredictorFiles) {
  const std::string net = Save("weighted.pb", WeightedNet());
  const std::string init = Save("init.pb", WeightedInit());
  const std::string predictor = Path("p.minidb");
  const CommandResult converted = Doppio({"convert", net, "--init", init, predictor});
  EXPECT_EQ(converted.code, 0) << converted.err;
  const CommandResult result = Doppio({"run", predictor, "--feed", "X=" + x_});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "Z: float[2,2], min 4, max 4, mean 4\n  4, 4, 4, 4\n");
  EXPECT_THAT(Doppio({"run", predictor}).err, HasSubstr("--feed X=FILE"));
  EXPECT_THAT(Doppio({"inspect", predictor}).out,
              AllOf(HasSubstr("minidb"), HasSubstr("PREDICT_NET_TYPE"), HasSubstr("w: float[2,2]"),
                    HasSubstr("INPUTS_BLOB_TYPE: X")));
  EXPECT_EQ(Doppio({"convert", x_, "--init", init, Path("y.npz")}).code, 2);
}

TEST_F(RunTest, ASandboxedNetOpensNoFiles) {
  const NetDef net =
      NetBuilder("greedy")
          .Op("Save", {"X"}, {},
              {MakeArgument("db", Path("saved.minidb")),
               MakeArgument("db_type", std::string("minidb")), MakeArgument("absolute_path", true)})
          .def();
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = {"run", Save("greedy.pb", net), "--feed", "X=" + x_};
    all.insert(all.end(), more.begin(), more.end());
    return Doppio(all);
  };
  for (const CommandResult& result : {with({"--sandbox"}), with({}), with({"--files", "/usr"})}) {
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("saved.minidb\" may not be opened here"));
  }
  EXPECT_EQ(with({"--sandbox", "--files", "/"}).code, 2);
  EXPECT_EQ(with({"--sandbox", "--load", "libany.so"}).code, 2);
  EXPECT_EQ(with({"--files", Path("")}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(Path("saved.minidb")));
}

TEST_F(RunTest, ANetGetsNoMoreTimeThanItMayHave) {
  NetBuilder body("body");
  NetBuilder net("endless");
  net.Op("ConstantFill", {}, {"yes"},
         {MakeArgument("shape", std::vector<int64_t>{1}), MakeArgument<int64_t>("dtype", 5),
          MakeArgument<int64_t>("value", 1)});
  net.Op("While", {"yes"}, {}, {MakeArgument("loop_net", body.def())});
  const std::string endless = Save("endless.pb", net.def());
  PlanDef plan;
  *plan.add_network() = net.def();
  ExecutionStep* step = plan.add_execution_step();
  step->set_name("all");
  step->add_network("endless");
  const std::string plan_file = Write("plan.pb", plan.SerializeAsString());
  for (const std::string& file : {endless, plan_file}) {
    const CommandResult ended = Doppio({"run", file, "--timeout", "700ms"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("net \"endless\", op 1 While(yes): net \"body\": not run"),
                      HasSubstr("the deadline has passed")));
  }
  EXPECT_EQ(Doppio({"bench", endless, "--timeout", "0.05"}).code, 1);
  const std::string quick = Save("net.pb", ReluNet());
  const std::string x = Save("x.npy", Tensor::Of<float>({1}, {1}));
  for (const char* time : {"1h30m", "1000", "2m"}) {
    EXPECT_EQ(Doppio({"run", quick, "--feed", "X=" + x, "--timeout", time}).code, 0) << time;
  }
  for (const char* time : {"0", "-1", "1x", "s", "nan"}) {
    const CommandResult refused = Doppio({"run", quick, "--timeout", time});
    EXPECT_EQ(refused.code, 2) << time;
    EXPECT_THAT(refused.err, HasSubstr(absl::StrCat("--timeout ", time, ": write a time such as")));
  }
}

TEST_F(RunTest, ANetGetsNoMoreMemoryThanItMayHave) {
  const NetDef net =
      NetBuilder("huge")
          .Op("ConstantFill", {}, {"y"}, {MakeArgument("shape", std::vector<int64_t>{3, 1 << 20})})
          .def();
  const std::string file = Save("huge.pb", net);
  EXPECT_EQ(Doppio({"run", file, "--memory", "13m"}).code, 0);
  const CommandResult refused = Doppio({"run", file, "--memory", "11M"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("no memory for a tensor of 12582912 bytes"),
                                 HasSubstr("may hold 11534336")));
  for (const char* size : {"", "M", "0", "-1", "1X", "9999999T"}) {
    EXPECT_EQ(Doppio({"run", file, "--memory", size}).code, size[0] == '\0' ? 0 : 2) << size;
  }
}

}  // namespace
}  // namespace doppio
