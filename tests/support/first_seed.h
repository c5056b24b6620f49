#ifndef DOPPIO_TESTS_SUPPORT_FIRST_SEED_H_
#define DOPPIO_TESTS_SUPPORT_FIRST_SEED_H_

#include <cstdint>
#include <cstdlib>

namespace doppio {

// The first of the seeds that a test draws nets with: DOPPIO_TABLE_SEED=n gives other ones.
inline uint64_t FirstSeed() {
  const char* given = std::getenv("DOPPIO_TABLE_SEED");
  return (given == nullptr ? 1 : std::strtoull(given, nullptr, 10)) * 1'000'003;
}

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_FIRST_SEED_H_
