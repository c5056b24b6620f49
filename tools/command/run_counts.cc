#include "tools/command/run_counts.h"

#include "doppio/parallel.h"

namespace doppio::tools {

void RunCounts::AddOptions(Options* options, const std::string& what) {
  options->AddNumber("--iterations", &iterations, 1, 1'000'000'000, what);
  options->AddNumber("--threads", &threads, 1, 4096, "threads to use (default: all processors)");
}

void RunCounts::ApplyThreads() const {
  if (threads > 0) SetNumThreads(threads);
}

}  // namespace doppio::tools
