#include "tests/fuzz/fuzz_target.h"

#include <algorithm>
#include <filesystem>

#include "tests/io/test_files.h"
#include "tests/support/shared_dir.h"

namespace doppio {
namespace {

std::vector<FuzzTarget>& Targets() {
  static auto& targets = *new std::vector<FuzzTarget>;
  return targets;
}

}  // namespace

bool AddFuzzTarget(FuzzTarget target) {
  std::vector<FuzzTarget>& targets = Targets();
  const auto place = std::find_if(targets.begin(), targets.end(), [&](const FuzzTarget& other) {
    return other.name > target.name;
  });
  targets.insert(place, std::move(target));
  return true;
}

const std::vector<FuzzTarget>& FuzzTargets() { return Targets(); }

std::vector<std::pair<std::string, std::string>> FuzzRegressions(const FuzzTarget& target) {
  const std::string folder =
      absl::StrCat(DOPPIO_SOURCE_DIR, "/tests/fuzz/regressions/", target.name);
  std::vector<std::pair<std::string, std::string>> regressions;
  if (!std::filesystem::is_directory(folder)) return regressions;
  for (const std::string& path : FilesBelow(folder, "")) {
    regressions.emplace_back(std::filesystem::path(path).filename(), ReadWholeFile(path));
  }
  return regressions;
}

Limits SmallLimits() {
  Limits limits;
  limits.max_operators = 1000;
  limits.max_file_bytes = 4 << 20;
  limits.max_tensor_bytes = 4 << 20;
  limits.max_image_pixels = 1 << 18;
  limits.file_access = FileAccess::None();
  return limits;
}

std::vector<std::string> SeedFiles(const std::vector<std::string>& endings) {
  std::vector<std::string> folders = {std::string(DOPPIO_SOURCE_DIR) + "/examples"};
  if (const std::string shared = SharedDir(); !shared.empty()) {
    for (const char* name : {"/cases", "/conformance", "/models"}) {
      if (std::filesystem::is_directory(shared + name)) folders.push_back(shared + name);
    }
  }
  std::vector<std::string> seeds;
  for (const std::string& folder : folders) {
    for (const std::string& ending : endings) {
      for (const std::string& path : FilesBelow(folder, ending)) {
        if (std::filesystem::file_size(path) > kLargestSeed) continue;
        seeds.push_back(ReadWholeFile(path));
      }
    }
  }
  return seeds;
}

}  // namespace doppio
