// The doppio command: reads the command line, runs one subcommand (tools/command/subcommands), and
// turns what it returns into messages and an exit code.

#include <cstdio>
#include <iostream>

#include "absl/strings/match.h"
#include "doppio/registry.h"
#include "doppio/version.h"
#include "glog/logging.h"
#include "tools/command/command.h"
#include "tools/command/help.h"

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

  CLI::App app("Load, run, check, differentiate, convert and draw NetDefs.", "doppio");
  app.set_version_flag("--version", "doppio " DOPPIO_VERSION);
  app.require_subcommand(1);
  app.footer(kExitCodes);
  app.formatter(std::make_shared<HelpFormatter>());

  std::vector<std::string> names;
  std::vector<std::unique_ptr<Command>> commands;
  std::vector<CLI::App*> subcommands;
  for (const CommandInfo& info : Commands()) {
    CLI::App* subcommand = app.add_subcommand(info.name, info.summary);
    subcommand->footer(absl::StrCat("Examples:\n", info.examples));
    commands.push_back(info.make());
    commands.back()->AddOptions(subcommand);
    subcommands.push_back(subcommand);
    names.push_back(info.name);
  }

  const std::string first = argc > 1 ? argv[1] : "";
  const bool is_command = std::find(names.begin(), names.end(), first) != names.end();
  if (argc == 1) {
    std::cerr << app.help();
    return kExitUsage;
  }
  if (!is_command && !absl::StartsWith(first, "-")) {
    return Fail("",
                UsageError(absl::StrCat("no command \"", first, "\"", DidYouMean(first, names))));
  }
  const std::string command = is_command ? first : "";
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return Fail(command, UsageError(error.what()));
  }

  for (size_t k = 0; k < commands.size(); ++k) {
    if (!subcommands[k]->parsed()) continue;
    const absl::Status status = commands[k]->Run();
    const absl::Status flushed = FlushOutput();
    return status.ok() && flushed.ok() ? kExitOk : Fail(command, status.ok() ? flushed : status);
  }
  return kExitUsage;  // require_subcommand(1) has seen to it that one was parsed
}

}  // namespace
}  // namespace doppio::tools

int main(int argc, char** argv) { return doppio::tools::Main(argc, argv); }
