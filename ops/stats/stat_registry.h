#ifndef DOPPIO_OPS_STATS_STAT_REGISTRY_H_
#define DOPPIO_OPS_STATS_STAT_REGISTRY_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace doppio {

// Sums by name, which any thread adds to. One that would not fit into int64 stays at the end of it.
class StatRegistry {
 public:
  // The one that timers and the operators ...Put write to.
  static StatRegistry& OfProcess();

  struct Stat {
    std::string name;
    int64_t value;
  };

  // Adds amounts[i] to names[i], made 0 before where it is new; nobody sees some of it only.
  void Add(absl::Span<const std::string> names, absl::Span<const int64_t> amounts);
  // The first value that this was called with for `name`: what others are compared with, so that
  // their squares stay small.
  int64_t FirstValue(const std::string& name, int64_t value);
  // All sums, by name. With `reset`, they are 0 afterwards.
  std::vector<Stat> Export(bool reset);

 private:
  std::mutex mutex_;
  std::map<std::string, int64_t> sums_;
  std::map<std::string, int64_t> first_values_;
};

// a + b or a * b, or the end of int64 that lies nearest.
int64_t SaturatedSum(int64_t a, int64_t b);
int64_t SaturatedProduct(int64_t a, int64_t b);

}  // namespace doppio

#endif  // DOPPIO_OPS_STATS_STAT_REGISTRY_H_
