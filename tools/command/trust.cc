#include "tools/command/trust.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "doppio/allocator.h"
#include "doppio/shape.h"

namespace doppio::tools {
namespace {

constexpr int64_t kSandboxMemory = int64_t{1} << 30;

}  // namespace

void Trust::AddOptions(Options* options) {
  options->AddText("--files", &files, "FOLDER",
                   "where the nets may open files: databases, text, checkpoints (default: in the "
                   "current folder; / for anywhere)");
  options->AddText("--memory", &memory, "SIZE",
                   "most memory that tensors may take, such as 256M or 2G (default: no limit)");
  options->AddText(
      "--timeout", &timeout, "TIME",
      "most time that loading and running may take, such as 500ms, 10s or 2m (default: "
      "no limit)");
  options->AddFlag("--sandbox", &sandbox,
                   "for nets that you do not trust: they may open no files, you can load no "
                   "libraries, and memory is 1G unless you say otherwise");
}

FileAccess Trust::file_access() const {
  return sandbox ? FileAccess::None() : FileAccess::Within(files.empty() ? "." : files);
}

absl::Status Trust::Apply() {
  if (sandbox && !files.empty()) {
    return UsageError("--sandbox allows no files, --files does; one of them may be given");
  }
  if (!timeout.empty()) {
    const absl::StatusOr<absl::Duration> time = ParseTime(timeout);
    if (!time.ok()) {
      return UsageError(absl::StrCat("--timeout ", timeout, ": write a time such as 10s or 2m"));
    }
    scope_.emplace(Cancellation::After(*time));
  }
  if (memory.empty()) {
    if (sandbox) SetMemoryLimit(kSandboxMemory);
    return absl::OkStatus();
  }
  const absl::StatusOr<int64_t> bytes = ParseBytes(memory);
  if (!bytes.ok() || *bytes == 0) {
    return UsageError(absl::StrCat("--memory ", memory, ": write a size such as 256M or 2G"));
  }
  SetMemoryLimit(*bytes);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  constexpr absl::string_view kUnits = "KMGT";
  int64_t unit = 1;
  const size_t power =
      text.empty() ? absl::string_view::npos : kUnits.find(absl::ascii_toupper(text.back()));
  if (power != absl::string_view::npos) {
    unit = int64_t{1} << (10 * (power + 1));
    text.remove_suffix(1);
  }
  int64_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no number of bytes"));
  }
  return CheckedProduct(count, unit);
}

absl::StatusOr<absl::Duration> ParseTime(absl::string_view text) {
  double seconds = 0;
  absl::Duration time;
  const bool is_number = absl::SimpleAtod(text, &seconds);
  if (is_number && seconds > 0) time = absl::Seconds(seconds);
  if ((is_number || absl::ParseDuration(text, &time)) && time > absl::ZeroDuration()) return time;
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no time to do anything in"));
}

}  // namespace doppio::tools
