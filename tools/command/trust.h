#ifndef DOPPIO_TOOLS_COMMAND_TRUST_H_
#define DOPPIO_TOOLS_COMMAND_TRUST_H_

#include <optional>
#include <string>

#include "doppio/cancellation.h"
#include "doppio/workspace.h"
#include "tools/command/command.h"

namespace doppio::tools {

// --files, --memory, --timeout and --sandbox: what a net may do to the machine, of the commands
// that run one.
struct Trust {
  std::string files;
  std::string memory;
  std::string timeout;
  bool sandbox = false;

  void AddOptions(Options* options);
  // To be called before anything is read: from here on tensors are held to the memory, and what is
  // loaded and run, as long as this exists, to the time.
  absl::Status Apply();
  FileAccess file_access() const;

 private:
  std::optional<CancellationScope> scope_;
};

// "256M" is 256 * 2^20; K, M, G and T, in either case, or bytes.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

// "500ms", "10s", "2m", "1h30m", or seconds; more than none.
absl::StatusOr<absl::Duration> ParseTime(absl::string_view text);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_TRUST_H_
