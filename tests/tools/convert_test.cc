#include <filesystem>

#include "doppio/npy.h"
#include "doppio/tensor_io.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

using ConvertTest = CommandTest;

TEST_F(ConvertTest, ANetSurvivesEveryFormat) {
  const std::string first = Save("a.pb", ReluNet());
  std::string from = first;
  for (const char* name : {"b.pbtxt", "c.json", "d.pb"}) {
    const CommandResult result = Doppio({"convert", from, Path(name)});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr(from + " (NetDef, "));
    from = Path(name);
  }
  EXPECT_EQ(Read(from), Read(first));
  EXPECT_THAT(Read(Path("b.pbtxt")), HasSubstr("type: \"Relu\""));
}

TEST_F(ConvertTest, ATensorSurvivesEveryFormat) {
  const std::string first = Save("a.npy", Tensor::Of<float>({2, 1}, {0.5f, -3}));
  std::string from = first;
  for (const char* name : {"b.pb", "c.json", "d.npz", "e.npy"}) {
    const CommandResult result = Doppio({"convert", from, Path(name)});
    EXPECT_EQ(result.code, 0) << result.err;
    from = Path(name);
  }
  EXPECT_EQ(Read(from), Read(first));
}

TEST_F(ConvertTest, ABlobGetsTheNameThatIsAskedFor) {
  const std::string x = Save("x.npy", Tensor::Of<float>({1}, {2}));
  ASSERT_EQ(Doppio({"convert", x, Path("x.pbtxt"), "--name", "data"}).code, 0);
  EXPECT_THAT(Read(Path("x.pbtxt")), HasSubstr("name: \"data\""));
}

TEST_F(ConvertTest, OfAnArchiveOneArrayMustBeNamed) {
  const std::vector<NamedTensor> tensors = {{"a", *Tensor::Of<float>({1}, {1})},
                                            {"b", *Tensor::Of<float>({1}, {2})}};
  const std::string archive = Write("ab.npz", *FormatNpz(tensors));
  const CommandResult unnamed = Doppio({"convert", archive, Path("out.npy")});
  EXPECT_EQ(unnamed.code, 1);
  EXPECT_THAT(unnamed.err, HasSubstr("ab.npz"));
  ASSERT_EQ(Doppio({"convert", archive, Path("out.npy"), "--name", "b"}).code, 0);
  EXPECT_EQ(LoadTensor(Path("out.npy"))->data<float>()[0], 2);
  EXPECT_EQ(Doppio({"convert", archive, Path("out.npy"), "--name", "c"}).code, 1);
}

NetDef TwoLayers() {
  return NetBuilder("two_layers")
      .Op("FC", {"data", "w1", "b1"}, {"hidden"})
      .Op("FC", {"hidden", "w2", "b2"}, {"scores"})
      .ExternalInput("data")
      .ExternalInput("w1")
      .ExternalInput("b1")
      .ExternalInput("w2")
      .ExternalInput("b2")
      .def();
}

NetDef Fills(const std::vector<std::string>& blobs) {
  NetBuilder net("init");
  for (const std::string& blob : blobs) {
    net.Op("ConstantFill", {}, {blob},
           {MakeArgument<std::vector<int64_t>>(
               "shape", blob[0] == 'w' ? std::vector<int64_t>{2, 2} : std::vector<int64_t>{2})});
  }
  return net.def();
}

TEST_F(ConvertTest, WeightsThatNothingFillsAreNamedAndNothingIsWritten) {
  const std::string net = Save("net.pb", TwoLayers());
  const std::string init = Save("init.pb", Fills({"w1", "b1"}));
  const std::string out = Path("net.minidb");
  const CommandResult result = Doppio({"convert", net, "--init", init, out});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("reads 2 weights that nothing fills: w2, b2. Give --init NET"));
  EXPECT_FALSE(std::filesystem::exists(out));
  const CommandResult fed = Doppio(
      {"convert", net, "--init", init, out, "--input", "data", "--input", "w2", "--input", "b2"});
  EXPECT_EQ(fed.code, 0) << fed.err;
  EXPECT_THAT(fed.out, HasSubstr("fed: data w2 b2\nmade: scores\n"));
}

TEST_F(ConvertTest, APredictorSaysWhatItIsFedAndMakes) {
  const std::string out = Path("net.minidb");
  const CommandResult result = Doppio({"convert", Save("net.pb", TwoLayers()), "--init",
                                       Save("init.pb", Fills({"w1", "b1", "w2", "b2"})), out});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("fed: data\nmade: scores\n"));
}

TEST_F(ConvertTest, MovesNetsToAnotherDevice) {
  NetDef cuda = ReluNet();
  cuda.mutable_device_option()->set_device_type(1);
  const std::string net = Save("cuda.pb", cuda);
  EXPECT_EQ(Doppio({"convert", net, Path("cpu.pb"), "--device", "cpu"}).code, 0);
  EXPECT_EQ(Doppio({"check", net}).code, 1);
  EXPECT_EQ(Doppio({"check", Path("cpu.pb")}).code, 0);
}

TEST_F(ConvertTest, ANetIsNoArray) {
  const CommandResult result = Doppio({"convert", Save("a.pb", ReluNet()), Path("a.npy")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("NetDef"));
  EXPECT_THAT(Read(Path("a.npy")), IsEmpty());
}

TEST_F(ConvertTest, AnEndingThatSaysNothingIsAUsageError) {
  for (const char* name : {"a.yaml", "a"}) {
    const CommandResult result = Doppio({"convert", Save("a.pb", ReluNet()), Path(name)});
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, HasSubstr(".pbtxt"));
  }
}

TEST_F(ConvertTest, AFolderThatIsNotThereIsAnError) {
  const CommandResult result =
      Doppio({"convert", Save("a.pb", ReluNet()), Path("no/such/folder/b.pb")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("b.pb"));
}

}  // namespace
}  // namespace doppio
