#ifndef DOPPIO_TOOLS_COMMAND_RUN_COUNTS_H_
#define DOPPIO_TOOLS_COMMAND_RUN_COUNTS_H_

#include <string>

#include "tools/command/command.h"

namespace doppio::tools {

// --iterations and --threads, of the commands that run a net.
struct RunCounts {
  int iterations = 1;
  int threads = 0;  // 0: all processors

  // `what` says which runs the iterations are.
  void AddOptions(Options* options, const std::string& what);
  // From here on nets run with so many threads.
  void ApplyThreads() const;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_RUN_COUNTS_H_
