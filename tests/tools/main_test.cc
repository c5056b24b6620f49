#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using MainTest = CommandTest;

constexpr const char* kCommands[] = {"run",     "grad",    "ops",  "check",
                                     "inspect", "convert", "draw", "bench"};

TEST_F(MainTest, HelpNamesEveryCommandAndTheExitCodes) {
  const CommandResult result = Doppio({"--help"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out, HasSubstr("Exit codes"));
  for (const char* command : kCommands) {
    EXPECT_THAT(result.out, HasSubstr(std::string("\n  ") + command));
  }
}

TEST_F(MainTest, EveryCommandHasHelpWithExamples) {
  for (const char* command : kCommands) {
    const CommandResult result = Doppio({command, "--help"});
    EXPECT_EQ(result.code, 0) << command;
    EXPECT_THAT(result.out, HasSubstr("Examples:\n  doppio " + std::string(command)));
  }
}

TEST_F(MainTest, SaysItsVersion) {
  const CommandResult result = Doppio({"--version"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, StartsWith("doppio 0."));
}

TEST_F(MainTest, WithoutArgumentsIsAUsageErrorThatShowsTheHelp) {
  const CommandResult result = Doppio({});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("Exit codes"));
}

TEST_F(MainTest, AnUnknownCommandIsToldWhichIsNear) {
  const CommandResult result = Doppio({"insepct", "x.pb"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, StartsWith("doppio: no command \"insepct\"; did you mean inspect?"));
}

TEST_F(MainTest, AnUnknownOptionIsAUsageErrorOfTheCommand) {
  const CommandResult result = Doppio({"run", "net.pb", "--fed", "X=x.npy"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, StartsWith("doppio run: "));
  EXPECT_THAT(result.err, HasSubstr("--fed"));
  EXPECT_THAT(result.err, HasSubstr("Try `doppio run --help`"));
}

TEST_F(MainTest, AMissingPositionalIsAUsageError) {
  for (const char* command : {"run", "check", "inspect", "convert", "draw", "bench"}) {
    EXPECT_EQ(Doppio({command}).code, 2) << command;
  }
}

TEST_F(MainTest, AFileThatIsNotThereIsNamed) {
  for (const char* command : {"run", "check", "inspect", "draw", "bench"}) {
    const CommandResult result = Doppio({command, Path("absent.pb")});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, StartsWith("doppio " + std::string(command) + ": "));
    EXPECT_THAT(result.err, HasSubstr("absent.pb"));
  }
}

TEST_F(MainTest, AFileThatIsNoNetIsRefused) {
  const std::string text = Write("letter.txt", "Dear reader,\n");
  for (const char* command : {"run", "check", "draw", "bench"}) {
    const CommandResult result = Doppio({command, text});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("letter.txt"));
  }
}

}  // namespace
}  // namespace doppio
