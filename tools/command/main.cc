// The doppio command: reads the command line, runs one subcommand (tools/command/subcommands), and
// turns what it returns into messages and an exit code.

#include <algorithm>
#include <iostream>

#include "absl/strings/match.h"
#include "doppio/registry.h"
#include "doppio/version.h"
#include "glog/logging.h"
#include "tools/command/command.h"
#include "tools/command/command_line.h"

namespace doppio::tools {
namespace {

constexpr char kExitCodes[] =
    "Exit codes:\n"
    "  0  done\n"
    "  1  the work failed: a file can not be read, a net is wrong, an operator\n"
    "     failed; `check` found a problem\n"
    "  2  the command line is wrong\n"
    "\n"
    "Example:\n"
    "  doppio run predict_net.pb --init init_net.pb --feed data=cat.npy --fetch prob=out.npy\n"
    "\n"
    "`doppio COMMAND --help` says more, with examples.";

int Fail(absl::string_view command, const absl::Status& status) {
  std::cout.flush();
  const std::string who = command.empty() ? "doppio" : absl::StrCat("doppio ", command);
  if (!status.message().empty()) {
    std::cerr << who << ": " << status.message() << "\n";
  }
  const ExitCode code = ExitCodeOf(status);
  if (code == kExitUsage) std::cerr << "Try `" << who << " --help`.\n";
  return code;
}

int Main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::GLOG_ERROR;
  google::InitGoogleLogging("doppio");

  CommandLine line("Load, run, check, differentiate, convert and draw NetDefs.",
                   "doppio " DOPPIO_VERSION, kExitCodes);
  std::vector<std::string> names;
  std::vector<std::unique_ptr<Command>> commands;
  for (const CommandInfo& info : Commands()) {
    Options options =
        line.AddCommand(info.name, info.summary, absl::StrCat("Examples:\n", info.examples));
    commands.push_back(info.make());
    commands.back()->AddOptions(&options);
    names.push_back(info.name);
  }

  const std::string first = argc > 1 ? argv[1] : "";
  const bool is_command = std::find(names.begin(), names.end(), first) != names.end();
  if (argc == 1) {
    std::cerr << line.Help();
    return kExitUsage;
  }
  if (!is_command && !absl::StartsWith(first, "-")) {
    return Fail("",
                UsageError(absl::StrCat("no command \"", first, "\"", DidYouMean(first, names))));
  }
  const absl::StatusOr<std::string> called = line.Read(argc, argv);
  if (!called.ok()) return Fail(is_command ? first : "", called.status());
  if (called->empty()) return kExitOk;

  const auto command = std::find(names.begin(), names.end(), *called) - names.begin();
  const absl::Status status = commands[command]->Run();
  const absl::Status flushed = FlushOutput();
  return status.ok() && flushed.ok() ? kExitOk : Fail(*called, status.ok() ? flushed : status);
}

}  // namespace
}  // namespace doppio::tools

int main(int argc, char** argv) { return doppio::tools::Main(argc, argv); }
