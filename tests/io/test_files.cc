#include "tests/io/test_files.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace doppio {
namespace {

namespace fs = std::filesystem;

struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "doppio_io_test_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace

std::vector<std::string> FilesBelow(const std::string& folder, const std::string& ending) {
  std::vector<std::string> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    const bool fits = path.size() >= ending.size() &&
                      path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
    if (entry.is_regular_file() && fits) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string TemporaryPath(const std::string& name) {
  static const TemporaryFolder folder;
  static int counter = 0;
  const std::string path = absl::StrCat(folder.path, "/", counter++);
  fs::create_directory(path);
  return path + "/" + name;
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteWholeFile(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  EXPECT_TRUE(out.flush()) << path;
}

void ForEachDamage(const std::string& bytes, int cuts, int flips,
                   const std::function<void(const std::string&)>& use) {
  const size_t step = std::max<size_t>(1, bytes.size() / static_cast<size_t>(cuts));
  for (size_t size = 0; size < bytes.size(); size += step) {
    SCOPED_TRACE(absl::StrCat("cut off at byte ", size));
    use(bytes.substr(0, size));
  }
  if (bytes.empty()) return;
  for (int seed = 0; seed < flips; ++seed) {
    SCOPED_TRACE(absl::StrCat("bits flipped with seed ", seed));
    std::mt19937 random(static_cast<uint32_t>(seed));
    std::string damaged = bytes;
    for (int flip = 0; flip <= seed % 4; ++flip) {
      char& byte = damaged[random() % damaged.size()];
      byte = static_cast<char>(byte ^ (1 << (random() % 8)));
    }
    use(damaged);
  }
}

}  // namespace doppio
