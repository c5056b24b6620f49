// The targets of fuzzing in a build without a fuzzer: their seeds, seeds that were damaged in some
// ways, and what fuzzing found once. DOPPIO_FUZZ_CASES=n in the environment damages more of them;
// DOPPIO_FUZZ_CORPUS=FOLDER tries what tools/fuzz has gathered there (build/fuzz/corpus), which
// searches on.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/test_files.h"

namespace doppio {

void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

namespace {

// Of a target, about.
int DamagedSeeds() {
  const char* given = std::getenv("DOPPIO_FUZZ_CASES");
  return given == nullptr ? 150 : std::atoi(given);
}

// Of the size of the bytes, so that a sanitizer sees who reads past their end.
void Try(const FuzzTarget& target, const std::string& bytes) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  target.run(absl::string_view(copy.data(), copy.size()));
}

class FuzzTargetTest : public testing::TestWithParam<FuzzTarget> {
 protected:
  // protobuf has a line for every string that is not UTF-8.
  FuzzTargetTest() : before_(google::protobuf::SetLogHandler(nullptr)) {}
  ~FuzzTargetTest() override { google::protobuf::SetLogHandler(before_); }

 private:
  google::protobuf::LogHandler* before_;
};

TEST_P(FuzzTargetTest, TakesItsSeeds) {
  const std::vector<std::string> seeds = GetParam().seeds();
  ASSERT_FALSE(seeds.empty());
  for (size_t i = 0; i < seeds.size(); ++i) {
    SCOPED_TRACE(absl::StrCat("seed ", i));
    Try(GetParam(), seeds[i]);
  }
}

TEST_P(FuzzTargetTest, TakesDamagedSeeds) {
  const std::vector<std::string> seeds = GetParam().seeds();
  const size_t cases = static_cast<size_t>(DamagedSeeds());
  const int share = std::max(2, static_cast<int>(cases / seeds.size()));
  const size_t step = seeds.size() / cases + 1;
  for (size_t i = 0; i < seeds.size(); i += step) {
    SCOPED_TRACE(absl::StrCat("seed ", i));
    ForEachDamage(seeds[i], share / 2, share / 2,
                  [&](const std::string& damaged) { Try(GetParam(), damaged); });
  }
}

TEST_P(FuzzTargetTest, TakesWhatWasFoundOnce) {
  for (const auto& [name, bytes] : FuzzRegressions(GetParam())) {
    SCOPED_TRACE(name);
    Try(GetParam(), bytes);
  }
}

TEST_P(FuzzTargetTest, TakesItsCorpus) {
  const char* corpus = std::getenv("DOPPIO_FUZZ_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "DOPPIO_FUZZ_CORPUS names no folder";
  const std::string folder = absl::StrCat(corpus, "/", GetParam().name);
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "there is no " << folder;
  for (const std::string& path : FilesBelow(folder, "")) {
    SCOPED_TRACE(path);
    Try(GetParam(), ReadWholeFile(path));
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, FuzzTargetTest, testing::ValuesIn(FuzzTargets()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace doppio
