#include "tools/command/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

namespace doppio::tools {
namespace {

constexpr char kUsagePayload[] = "doppio/usage";
constexpr char kReportedPayload[] = "doppio/reported";

std::map<std::string, CommandInfo>& Table() {
  static auto& table = *new std::map<std::string, CommandInfo>;
  return table;
}

}  // namespace

bool RegisterCommand(const CommandInfo& info) { return Table().emplace(info.name, info).second; }

std::vector<CommandInfo> Commands() {
  std::vector<CommandInfo> commands;
  for (const auto& [name, info] : Table()) commands.push_back(info);
  return commands;
}

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

absl::Status AlreadyReported() {
  absl::Status status = absl::FailedPreconditionError("");
  status.SetPayload(kReportedPayload, absl::Cord());
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  return status.GetPayload(kUsagePayload).has_value() ? kExitUsage : kExitFailed;
}

void Print(absl::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

absl::Status FlushOutput() {
  if (std::fflush(stdout) != 0) {
    return absl::UnavailableError(absl::StrCat("can not write to stdout: ", std::strerror(errno)));
  }
  if (std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::UnavailableError("can not write to stdout");
}

Assignment ParseAssignment(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) return {std::string(text), "", false};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)), true};
}

}  // namespace doppio::tools
