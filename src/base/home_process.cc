#include "src/base/home_process.h"

#include <pthread.h>

#include <atomic>

namespace doppio {
namespace {

// Since the first home was made.
std::atomic<int64_t> forks{0};

}  // namespace

HomeProcess::HomeProcess() {
  [[maybe_unused]] static const int watching =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  forks_ = forks.load(std::memory_order_relaxed);
}

bool HomeProcess::IsHere() const { return forks_ == forks.load(std::memory_order_relaxed); }

}  // namespace doppio
