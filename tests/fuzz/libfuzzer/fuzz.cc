// The program that tools/fuzz runs: one for all targets, by clang's libFuzzer, whose options it
// has.
//
//   fuzz                                                   names the targets
//
//   DOPPIO_FUZZ_TARGET=npy DOPPIO_FUZZ_SEEDS=FOLDER fuzz   writes its seeds, and what was found
//
//   DOPPIO_FUZZ_TARGET=npy fuzz CORPUS SEEDS               searches
//
//   DOPPIO_FUZZ_TARGET=npy fuzz FILE                       tries the bytes of a file

#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"

namespace doppio {
namespace {

const FuzzTarget* target = nullptr;

// An expectation that fails is a finding as a crash is one.
class AbortOnFailure final : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) std::abort();
  }
};

void Write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void WriteSeeds(const std::string& folder) {
  const std::vector<std::string> seeds = target->seeds();
  for (size_t i = 0; i < seeds.size(); ++i) Write(absl::StrCat(folder, "/seed_", i), seeds[i]);
  for (const auto& [name, bytes] : FuzzRegressions(*target)) Write(folder + "/" + name, bytes);
}

void Initialize() {
  google::protobuf::SetLogHandler(nullptr);  // it has a line for every string that is not UTF-8
  const char* name = std::getenv("DOPPIO_FUZZ_TARGET");
  for (const FuzzTarget& candidate : FuzzTargets()) {
    if (name == nullptr) {
      std::puts(candidate.name.c_str());
    } else if (candidate.name == name) {
      target = &candidate;
    }
  }
  if (name == nullptr) std::exit(0);
  if (target == nullptr) {
    std::fprintf(stderr, "fuzz: there is no target \"%s\"\n", name);
    std::exit(2);
  }
  if (const char* folder = std::getenv("DOPPIO_FUZZ_SEEDS"); folder != nullptr) {
    WriteSeeds(folder);
    std::exit(0);
  }
  testing::UnitTest::GetInstance()->listeners().Append(new AbortOnFailure);
}

}  // namespace
}  // namespace doppio

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  doppio::Initialize();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  doppio::target->run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
