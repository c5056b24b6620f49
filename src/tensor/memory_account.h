#ifndef DOPPIO_TENSOR_MEMORY_ACCOUNT_H_
#define DOPPIO_TENSOR_MEMORY_ACCOUNT_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace doppio::internal {

// Counts bytes of storage against a limit. From many threads at once: together they do not get
// above it either.
class ByteCount {
 public:
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

  constexpr explicit ByteCount(int64_t limit = kUnlimited, int64_t largest = kUnlimited)
      : limit_(limit), largest_(largest) {}

  // Adds to the live bytes, unless that would be above the limit or one storage too large.
  bool Reserve(int64_t bytes) {
    if (bytes > largest_) return false;
    int64_t live = live_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit() - live) return false;
    } while (!live_.compare_exchange_weak(live, live + bytes, std::memory_order_relaxed));
    return true;
  }
  void GiveBack(int64_t bytes) { live_.fetch_sub(bytes, std::memory_order_relaxed); }

  // What was reserved is in use now.
  void NotePeak() {
    const int64_t now = live();
    int64_t peak = peak_.load(std::memory_order_relaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
  }
  void ResetPeak() { peak_.store(live(), std::memory_order_relaxed); }

  int64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void set_limit(int64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  int64_t largest() const { return largest_; }
  int64_t live() const { return live_.load(std::memory_order_relaxed); }
  int64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> live_{0};
  std::atomic<int64_t> peak_{0};
  std::atomic<int64_t> limit_;
  const int64_t largest_;
};

// That of a budget, which lives for as long as there is storage of it.
class MemoryAccount : public ByteCount, public std::enable_shared_from_this<MemoryAccount> {
 public:
  using ByteCount::ByteCount;
};

// Those for which this thread allocates, each once, beside that of the process.
std::vector<std::shared_ptr<MemoryAccount>> AccountsOfThread();

}  // namespace doppio::internal

#endif  // DOPPIO_TENSOR_MEMORY_ACCOUNT_H_
