#ifndef DOPPIO_TOOLS_COMMAND_COMMAND_H_
#define DOPPIO_TOOLS_COMMAND_COMMAND_H_

// A subcommand of `doppio`. Each is one file in tools/command/subcommands that registers itself:
//
//   class Greet final : public Command {
//     void AddOptions(Options* options) override {
//       options->AddPositional("NAME", &name_, "whom to greet");
//     }
//     absl::Status Run() override {
//       Print(absl::StrCat("hello ", name_, "\n"));
//       return absl::OkStatus();
//     }
//     std::string name_;
//   };
//   DOPPIO_COMMAND(Greet, "greet", "Say hello", "  doppio greet Ada\n");
//
// What a command has to say goes to stdout; an error that it returns goes to stderr behind its
// name, and becomes the exit code.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/status.h"
#include "tools/command/command_line.h"

namespace doppio::tools {

enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2 };

class Command {
 public:
  virtual ~Command() = default;
  virtual void AddOptions(Options* options) = 0;
  // Called once, after the options have been read.
  virtual absl::Status Run() = 0;
};

struct CommandInfo {
  const char* name;
  const char* summary;   // one line, for the list of commands
  const char* examples;  // whole lines, each indented by two spaces
  std::unique_ptr<Command> (*make)();
};

bool RegisterCommand(const CommandInfo& info);
// All of them, sorted by name.
std::vector<CommandInfo> Commands();

#define DOPPIO_COMMAND(Class, name, summary, examples)                                          \
  [[maybe_unused]] static const bool doppio_command_##Class = ::doppio::tools::RegisterCommand( \
      {name, summary, examples,                                                                 \
       []() -> std::unique_ptr<::doppio::tools::Command> { return std::make_unique<Class>(); }})

// The command was called in a way that makes no sense: exit code 2.
absl::Status UsageError(absl::string_view message);
// The command has already said on stdout what is wrong: exit code 1, and nothing on stderr.
absl::Status AlreadyReported();
ExitCode ExitCodeOf(const absl::Status& status);

// To stdout. What could not be written shows in FlushOutput.
void Print(absl::string_view text);
absl::Status FlushOutput();

// What was typed as KEY=VALUE, cut at the first '='. `value` is empty and has_value false without
// one.
struct Assignment {
  std::string key;
  std::string value;
  bool has_value = false;
};
Assignment ParseAssignment(absl::string_view text);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_COMMAND_H_
