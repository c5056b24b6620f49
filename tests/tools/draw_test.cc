#include <sys/stat.h>

#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using DrawTest = CommandTest;

TEST_F(DrawTest, PrintsTheGraphAsText) {
  const CommandResult result = Doppio({"draw", Save("net.pb", ReluNet())});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(StartsWith("digraph \"relu_net\" {"), HasSubstr("label=\"Relu\""),
                                HasSubstr("b0 -> op0"), HasSubstr("op0 -> b1")));
}

TEST_F(DrawTest, ABlobThatIsWrittenAgainIsAnotherNode) {
  const NetDef net = NetBuilder("n").Op("Relu", {"X"}, {"X"}).Op("Relu", {"X"}, {"Y"}).def();
  const CommandResult result = Doppio({"draw", Save("net.pb", net)});
  EXPECT_THAT(result.out, AllOf(HasSubstr("b0 -> op0"), HasSubstr("op0 -> b1"),
                                HasSubstr("b1 -> op1"), HasSubstr("op1 -> b2")));
}

TEST_F(DrawTest, NamesStayText) {
  const NetDef net =
      NetBuilder("n\"; evil").Op("Relu", {"X\" ]; evil [label=\"\\"}, {"line\nend"}).def();
  const CommandResult result = Doppio({"draw", Save("net.pb", net), "-o", Path("net.dot")});
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string dot = Read(Path("net.dot"));
  EXPECT_THAT(dot, AllOf(StartsWith("digraph \"n\\\"; evil\" {"),
                         HasSubstr("label=\"X\\\" ]; evil [label=\\\"\\\\\", "),
                         HasSubstr("label=\"line?end\"")));
}

TEST_F(DrawTest, WithoutGraphvizItSaysHowToGetIt) {
  const CommandResult result =
      Doppio({"draw", Save("net.pb", ReluNet()), "-o", Path("net.svg")}, {"PATH=" + Path("none")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("apt-get install graphviz"), HasSubstr("net.dot")));
}

TEST_F(DrawTest, GraphvizIsCalledWithoutAShell) {
  // A `dot` that copies its input to where -o says, and its arguments to a file.
  Write("dot",
        "#!/bin/sh\nfor a; do case $a in -o*) out=${a#-o};; esac; done\n/bin/cat >\"$out\"\n");
  ASSERT_EQ(chmod(Path("dot").c_str(), 0700), 0);
  const std::string odd = Path("a $(touch evil); b.svg");
  const CommandResult result =
      Doppio({"draw", Save("net.pb", ReluNet()), "-o", odd}, {"PATH=" + Path("")});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(Read(odd), StartsWith("digraph"));
}

TEST_F(DrawTest, AGraphvizThatFailsIsAnError) {
  Write("dot", "#!/bin/sh\nexit 3\n");
  ASSERT_EQ(chmod(Path("dot").c_str(), 0700), 0);
  const CommandResult result =
      Doppio({"draw", Save("net.pb", ReluNet()), "-o", Path("net.png")}, {"PATH=" + Path("")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("net.png"));
}

TEST_F(DrawTest, AnEndingThatCanNotBeDrawnIsAUsageError) {
  const CommandResult result = Doppio({"draw", Save("net.pb", ReluNet()), "-o", Path("net.bmp")});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr(".svg"), Not(IsEmpty())));
}

}  // namespace
}  // namespace doppio
