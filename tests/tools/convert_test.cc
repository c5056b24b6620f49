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
