#include "doppio/proto_io.h"
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

}  // namespace
}  // namespace doppio
