#include "tools/command/run_counts.h"

#include "doppio/parallel.h"

namespace doppio::tools {

void RunCounts::AddOptions(CLI::App* app, const std::string& what) {
  app->add_option("--iterations", iterations, what)
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str()
      ->type_name("N");
  app->add_option("--threads", threads, "threads to use (default: all processors)")
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
}

void RunCounts::ApplyThreads() const {
  if (threads > 0) SetNumThreads(threads);
}

}  // namespace doppio::tools
