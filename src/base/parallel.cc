#include "doppio/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "src/base/home_process.h"
#include "src/base/threads.h"
#include "src/base/waiting_threads.h"

namespace doppio {
namespace {

std::atomic<int>& ThreadCount() {
  static std::atomic<int> count{std::max(1, omp_get_num_procs())};
  return count;
}

thread_local bool serial = false;

// In a child process of one that had a pool, OpenMP would wait for its threads forever.
bool PoolIsHere() {
  static const HomeProcess pool;
  return pool.IsHere();
}

#ifdef __SANITIZE_THREAD__
// GNU's OpenMP is not compiled for ThreadSanitizer, which would not see that the threads of a loop
// wait for each other at its end. It sees these.
void RunPieces(int64_t pieces, absl::FunctionRef<void(int64_t)> run) {
  const auto run_serially = [&](int64_t i) {
    const SerialScope scope;
    run(i);
  };
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < pieces; ++i) threads.emplace_back(run_serially, i);
  run_serially(0);
  for (std::thread& thread : threads) thread.join();
}
#else
void RunPieces(int64_t pieces, absl::FunctionRef<void(int64_t)> run) {
#pragma omp parallel for num_threads(static_cast <int>(pieces)) schedule(static, 1)
  for (int64_t i = 0; i < pieces; ++i) run(i);
}
#endif

}  // namespace

int NumThreads() { return ThreadCount().load(std::memory_order_relaxed); }

void SetNumThreads(int count) {
  ThreadCount().store(std::max(1, count), std::memory_order_relaxed);
}

int ThreadsHere() {
  if (serial || omp_in_parallel()) return 1;
  const int count = NumThreads();
  if (count == 1 || !PoolIsHere()) return 1;
  WatchWaitingThreads(count);
  return count;
}

void ParallelFor(int64_t size, int64_t grain,
                 absl::FunctionRef<void(int64_t begin, int64_t end)> body) {
  if (size <= 0) return;
  const int64_t wanted = (size - 1) / std::max<int64_t>(grain, 1) + 1;
  const int64_t pieces = wanted == 1 ? 1 : std::min<int64_t>(wanted, ThreadsHere());
  if (pieces <= 1) {
    body(0, size);
    return;
  }
  const int64_t piece = (size - 1) / pieces + 1;
  RunPieces(pieces, [&](int64_t i) {
    const int64_t begin = i * piece;
    if (begin < size) body(begin, begin + std::min(piece, size - begin));
  });
}

SerialScope::SerialScope() : previous_(serial) { serial = true; }
SerialScope::~SerialScope() { serial = previous_; }

}  // namespace doppio
