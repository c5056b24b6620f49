#ifndef DOPPIO_TESTS_FUZZ_FUZZ_TARGET_H_
#define DOPPIO_TESTS_FUZZ_FUZZ_TARGET_H_

// What fuzzing tries: a function that takes any bytes. None may crash it, and what it expects
// (EXPECT_EQ and the like) holds for all. A target is one file, tests/fuzz/NAME_fuzz.cc:
//
//   DOPPIO_FUZZ_TARGET(npy, [] { return std::vector<std::string>{SomeArray()}; },
//                      [](absl::string_view bytes) { (void)ParseNpy(bytes, SmallLimits()); });
//
// tools/fuzz searches for such bytes, beginning with the seeds, by clang's libFuzzer
// (libfuzzer/fuzz.cc). fuzz_test.cc keeps the targets alive in every other build: it gives them the
// seeds, damaged seeds, and what was found once, which stands in regressions/NAME.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"

namespace doppio {

struct FuzzTarget {
  std::string name;
  std::vector<std::string> (*seeds)();
  void (*run)(absl::string_view bytes);
};

// All targets, by their names.
const std::vector<FuzzTarget>& FuzzTargets();
bool AddFuzzTarget(FuzzTarget target);

#define DOPPIO_FUZZ_TARGET(name, ...)                     \
  [[maybe_unused]] static const bool doppio_fuzz_##name = \
      ::doppio::AddFuzzTarget({#name, __VA_ARGS__})

// What was found for a target once: the bytes, by the files' names.
std::vector<std::pair<std::string, std::string>> FuzzRegressions(const FuzzTarget& target);

// --- For the targets. ---

// Of the order of what a fuzzer makes: what is larger is refused, and no input takes long.
Limits SmallLimits();

// What is larger takes a fuzzer long, and shows it little more.
constexpr size_t kLargestSeed = 16 << 10;

// The files of the project and of the folder `shared` beside it whose names end like this, if they
// are not larger.
std::vector<std::string> SeedFiles(const std::vector<std::string>& endings);

}  // namespace doppio

#endif  // DOPPIO_TESTS_FUZZ_FUZZ_TARGET_H_
