#ifndef DOPPIO_TOOLS_COMMAND_TRUST_H_
#define DOPPIO_TOOLS_COMMAND_TRUST_H_

#include <string>

#include "doppio/workspace.h"
#include "tools/command/command.h"

namespace doppio::tools {

// --files, --memory and --sandbox: what a net may do to the machine, of the commands that run one.
struct Trust {
  std::string files;
  std::string memory;
  bool sandbox = false;

  void AddOptions(Options* options);
  // To be called before anything is read: from here on tensors are held to the memory.
  absl::Status Apply() const;
  FileAccess file_access() const;
};

// "256M" is 256 * 2^20; K, M, G and T, in either case, or bytes.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_TRUST_H_
