#include "doppio/net_builder.h"
#include "doppio/proto_io.h"
#include "doppio/workspace.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using InspectTest = CommandTest;

TEST_F(InspectTest, ANetShowsItsOperatorsAndBlobs) {
  const CommandResult result = Doppio({"inspect", Save("net.pbtxt", ReluNet())});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr(": NetDef (text)"), HasSubstr("net \"relu_net\": 1 operator"),
            HasSubstr("operators: Relu\n"), HasSubstr("reads: X\n"), HasSubstr("makes: Y\n")));
}

TEST_F(InspectTest, AnInitNetShowsTheShapesAndBytesThatItFills) {
  const NetDef init =
      NetBuilder("init")
          .Op("ConstantFill", {}, {"w"}, {MakeArgument<std::vector<int64_t>>("shape", {100, 20})})
          .def();
  const std::string path = Save("init.pb", init);
  const CommandResult result = Doppio({"inspect", path});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr(": init net (binary)"), HasSubstr("[100,20]"), HasSubstr("8000"),
                    HasSubstr("ConstantFill"), HasSubstr("together 7.8 KiB")));
  EXPECT_THAT(Doppio({"inspect", path, "--json"}).out, HasSubstr("\"blob_bytes\": 8000"));
}

TEST_F(InspectTest, ArraysAndBlobsShowTheirValues) {
  const absl::StatusOr<Tensor> tensor = Tensor::Of<int32_t>({3}, {1, 2, 6});
  for (const char* name : {"x.npy", "x.npz", "x.pb", "x.json"}) {
    const CommandResult result = Doppio({"inspect", Save(name, tensor)});
    EXPECT_EQ(result.code, 0) << name << result.err;
    EXPECT_THAT(result.out,
                AllOf(HasSubstr("int32[3], min 1, max 6, mean 3"), HasSubstr("1, 2, 6")))
        << name;
  }
}

TEST_F(InspectTest, APlanShowsItsNetsAndSteps) {
  PlanDef plan;
  plan.set_name("training");
  *plan.add_network() = ReluNet();
  ExecutionStep* step = plan.add_execution_step();
  step->set_name("epoch");
  step->set_num_iter(5);
  step->add_network("relu_net");
  ASSERT_TRUE(SaveProto(plan, Path("plan.pbtxt")).ok());
  const CommandResult result = Doppio({"inspect", Path("plan.pbtxt")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("PlanDef"), HasSubstr("plan \"training\": 1 net"),
                                HasSubstr("step \"epoch\", 5 times: runs relu_net")));
}

TEST_F(InspectTest, NamesCanNotWriteToTheTerminal) {
  const NetDef net = NetBuilder("evil\x1b[2J").Op("Relu", {"X\x07"}, {"Y"}).def();
  const CommandResult result = Doppio({"inspect", Save("net.pbtxt", net)});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07"))));
}

TEST_F(InspectTest, AFileThatNothingRecognisesIsAnError) {
  for (const std::string& content :
       {std::string("Dear reader,\n"), std::string("\x01\x02\xff", 3), std::string()}) {
    const CommandResult result = Doppio({"inspect", Write("odd", content)});
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("odd: "));
  }
}

TEST_F(InspectTest, ACutOffArrayIsAnError) {
  const std::string whole = Read(Save("x.npy", Tensor::Of<int32_t>({3}, {1, 2, 6})));
  const CommandResult result =
      Doppio({"inspect", Write("cut.npy", whole.substr(0, whole.size() - 3))});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("cut.npy"));
}

NetDef ScoreNet() {
  return NetBuilder("score").Op("FC", {"X", "w", "b"}, {"Y"}).Op("Softmax", {"Y"}, {"P"}).def();
}

constexpr char kScoreWidths[] = "net Score\nsource a book\nname score\nwidth w 10\n";

TEST_F(InspectTest, ShapesOfAWholeNetComeWithWhatTheyCost) {
  const std::string net = Save("net.pbtxt", ScoreNet());
  const std::string widths = Write("widths.txt", kScoreWidths);
  const CommandResult result = Doppio({"inspect", net, "--shape", "X=3,20", "--widths", widths});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("[10,20]"), HasSubstr("inferred, outputs by table"),
                    HasSubstr("Y float[3,10]"), HasSubstr("P float[3,10]"),
                    HasSubstr("together 600 multiply-adds"), HasSubstr("2 weights inferred, 840 B"),
                    HasSubstr("1 width from the table: Score, a book")));
  const CommandResult json =
      Doppio({"inspect", net, "--shape", "X=3,20", "--widths", widths, "--json"});
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"multiply_adds\": 600"), HasSubstr("[10, 20]"),
                              HasSubstr("\"widths_from\": \"Score\"")));
}

TEST_F(InspectTest, AnInitNetGivesTheShapesOfWeightsWithoutBeingRun) {
  const NetDef init =
      NetBuilder("init")
          .Op("ConstantFill", {}, {"w"},
              {MakeArgument<std::vector<int64_t>>("shape", {10'000'000, 20'000'000})})
          .def();
  const CommandResult result = Doppio({"inspect", Save("net.pbtxt", ScoreNet()), "--init",
                                       Save("init.pb", init), "--shape", "X=3,20000000"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("[10000000,20000000]"), HasSubstr("[3,10000000]")));
}

TEST_F(InspectTest, WhatIsNotKnownSaysWhy) {
  const CommandResult result =
      Doppio({"inspect", Save("net.pbtxt", ScoreNet()), "--shape", "X=3,20"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("op 0 FC does not tell how many outputs it has"));
  EXPECT_THAT(result.out, HasSubstr("not known, and what depends on it: 2 shapes, of w, b;"));
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("what is known: 0 multiply-adds"), Not(HasSubstr("together"))));
}

TEST_F(InspectTest, AShapeOfABlobThatTheNetDoesNotReadIsAUsageError) {
  const std::string net = Save("net.pbtxt", ScoreNet());
  const CommandResult result = Doppio({"inspect", net, "--shape", "XX=3,20"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("net \"score\" reads no blob \"XX\" from outside; did you "
                                    "mean X?\n"));
  EXPECT_EQ(Doppio({"run", net, "--random-weights", "1", "--shape", "data=3,20"}).code, 2);
}

TEST_F(InspectTest, RefusesShapesThatAreNone) {
  const std::string net = Save("net.pbtxt", ScoreNet());
  for (const char* shape :
       {"X", "X=a", "X=1,-2", "X=int9:3", "=3", "X=9223372036854775807,9223372036854775807"}) {
    const CommandResult result = Doppio({"inspect", net, "--shape", shape});
    EXPECT_EQ(result.code, 2) << shape;
    EXPECT_THAT(result.err, HasSubstr("write BLOB=1,3,227,227")) << shape;
  }
  EXPECT_EQ(Doppio({"inspect", net, "--shape", "X=3,20", "--widths", "/nowhere"}).code, 1);
  EXPECT_THAT(Doppio({"inspect", net, "--widths", Write("w.txt", "width w 3\n")}).err,
              HasSubstr("line 1"));
  EXPECT_EQ(Doppio({"inspect", net, "--shape", "X=3,20", "--shape", "w=3,4"}).code, 1);
  const std::string array = Save("x.npy", Tensor::Of<int32_t>({3}, {1, 2, 6}));
  EXPECT_EQ(Doppio({"inspect", array, "--shape", "X=3,20"}).code, 2);
}

TEST_F(InspectTest, WhatANetBecomesWhenItIsRun) {
  NetDef net = ScoreNet();
  *net.add_op() = NetBuilder("dead").Op("Abs", {"Y"}, {"unasked"}).def().op(0);
  net.add_external_output("P");
  const CommandResult result = Doppio({"inspect", Save("net.pbtxt", net), "--optimize", "--shape",
                                       "X=3,20", "--shape", "w=10,20", "--shape", "b=10"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(testing::ContainsRegex("Abs +1 +-"), testing::ContainsRegex("all +3 +2"),
                    testing::ContainsRegex("results +360 B +")));
  const CommandResult json = Doppio({"inspect", Save("net.pbtxt", net), "--optimize", "--json"});
  EXPECT_THAT(json.out, HasSubstr("\"operators_after\": 2"));
  EXPECT_EQ(Doppio({"inspect", Save("x.npy", Tensor::Of<float>({1}, {1})), "--optimize"}).code, 2);
}

TEST_F(InspectTest, ListsTheBlobsOfADatabase) {
  for (const char* type : {"minidb", "leveldb", "lmdb"}) {
    const std::string path = Path(type);
    Workspace workspace(Path(""));
    ASSERT_TRUE(workspace.Feed("w", Tensor::Of<float>({2, 2}, {1, 2, 3, 4})).ok());
    const NetDef net =
        NetBuilder("save")
            .Op("Save", {"w"}, {},
                {MakeArgument<std::string>("db", path), MakeArgument<std::string>("db_type", type),
                 MakeArgument<bool>("absolute_path", true)})
            .def();
    ASSERT_TRUE(workspace.RunNetOnce(net).ok());
    const CommandResult result = Doppio({"inspect", path});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, AllOf(HasSubstr(absl::StrCat(path, ": ", type, ", ")),
                                  HasSubstr("w: float[2,2], min 1, max 4")));
    EXPECT_THAT(Doppio({"inspect", path, "--json"}).out,
                HasSubstr(absl::StrCat("\"kind\": \"", type, "\"")));
  }
}

TEST_F(InspectTest, SaysThatAFolderIsNoDatabase) {
  const CommandResult result = Doppio({"inspect", Path("")});
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("directory"));
}

}  // namespace
}  // namespace doppio
