#include "doppio/operator_library.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "doppio/version.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The library that examples/custom_operator makes.
std::string ExampleLibrary() { return std::string(DOPPIO_BIN_DIR) + "/../lib/scaled_square.so"; }

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& bytes)
      : path_(std::filesystem::temp_directory_path() / absl::StrCat(name, "_", getpid(), ".so")) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string ErrorOf(const std::string& path) {
  return std::string(LoadOperatorLibrary(path).status().message());
}

TEST(LoadOperatorLibraryTest, LoadsALibraryOnceAndTellsWhatCameWithIt) {
  const absl::StatusOr<std::vector<std::string>> added = LoadOperatorLibrary(ExampleLibrary());
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_THAT(*added, ElementsAre("ScaledSquare", "ScaledSquareGradient"));
  EXPECT_TRUE(OperatorRegistry::Has("ScaledSquare"));
  const absl::StatusOr<std::vector<std::string>> again = LoadOperatorLibrary(ExampleLibrary());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(*again, IsEmpty());
}

TEST(LoadOperatorLibraryTest, RefusesALibraryOfAnotherVersionBeforeLoadingIt) {
  std::string bytes = ReadBytes(ExampleLibrary());
  const std::string mark = std::string(DOPPIO_OPERATOR_LIBRARY_MARK) + DOPPIO_VERSION;
  const size_t found = bytes.find(mark);
  ASSERT_NE(found, std::string::npos);
  bytes.replace(found + std::string(DOPPIO_OPERATOR_LIBRARY_MARK).size(), 1, "9");
  const TemporaryFile other("doppio_other_version", bytes);
  EXPECT_THAT(ErrorOf(other.path()), HasSubstr("was built for doppio 9"));
  EXPECT_THAT(ErrorOf(other.path()), HasSubstr("but this is doppio " DOPPIO_VERSION));
}

TEST(LoadOperatorLibraryTest, RefusesASecondLibraryWithTheSameOperatorsAndNamesBothPlaces) {
  ASSERT_TRUE(LoadOperatorLibrary(ExampleLibrary()).ok());
  const TemporaryFile copy("doppio_copy", ReadBytes(ExampleLibrary()));
  EXPECT_THAT(ErrorOf(copy.path()),
              HasSubstr("operator \"ScaledSquare\" for the CPU is registered twice: at "));
  EXPECT_TRUE(OperatorRegistry::Has("ScaledSquare"));
}

// Loads copies of the example, which are refused, while `meanwhile` is done again and again.
void WhileLibrariesAreLoaded(const std::function<void()>& meanwhile) {
  const std::string bytes = ReadBytes(ExampleLibrary());
  std::atomic<bool> is_done{false};
  std::thread loader([&] {
    static int copies = 0;  // what has the name of a library that is loaded is not loaded
    for (int i = 0; i < 20; ++i) {
      const TemporaryFile copy(absl::StrCat("doppio_meanwhile_", copies++), bytes);
      EXPECT_THAT(ErrorOf(copy.path()), HasSubstr(copy.path()));
    }
    is_done = true;
  });
  while (!is_done) meanwhile();
  loader.join();
}

TEST(LoadOperatorLibraryTest, TheRegistryAnswersMeanwhile) {
  ASSERT_TRUE(LoadOperatorLibrary(ExampleLibrary()).ok());
  WhileLibrariesAreLoaded([] {
    Workspace workspace;
    ASSERT_TRUE(workspace.Feed("X", Tensor::Of<float>({2}, {1, 2})).ok());
    EXPECT_TRUE(
        workspace.RunOperatorOnce(CreateOperatorDef("ScaledSquare", "", {"X"}, {"Y"})).ok());
    EXPECT_TRUE(OperatorRegistry::Has("Relu"));
    EXPECT_GT(OperatorRegistry::Types().size(), 100U);
    RegistrationProblems();
  });
}

TEST(LoadOperatorLibraryTest, TellsOfItsOwnLibraryAloneWhereThreadsLoadSeveral) {
  ASSERT_TRUE(LoadOperatorLibrary(ExampleLibrary()).ok());
  WhileLibrariesAreLoaded([] {
    const absl::StatusOr<std::vector<std::string>> added = LoadOperatorLibrary(ExampleLibrary());
    ASSERT_TRUE(added.ok()) << added.status();
    EXPECT_THAT(*added, IsEmpty());
  });
}

TEST(LoadOperatorLibraryTest, RefusesALibraryThatHasNothingToDoWithDoppio) {
  const TemporaryFile other("doppio_no_operators", "\177ELF and nothing else");
  EXPECT_THAT(ErrorOf(other.path()), HasSubstr("is damaged"));
  std::string bytes = ReadBytes(ExampleLibrary());
  for (size_t at = bytes.find(DOPPIO_OPERATOR_LIBRARY_MARK); at != std::string::npos;
       at = bytes.find(DOPPIO_OPERATOR_LIBRARY_MARK)) {
    bytes[at] = '#';
  }
  const TemporaryFile unmarked("doppio_unmarked", bytes);
  EXPECT_THAT(ErrorOf(unmarked.path()), HasSubstr("is no library of doppio operators"));
}

TEST(LoadOperatorLibraryTest, RefusesALibraryThatIsCutOff) {
  std::string bytes = ReadBytes(ExampleLibrary());
  const size_t mark = bytes.find(DOPPIO_OPERATOR_LIBRARY_MARK);
  const TemporaryFile cut("doppio_cut", bytes.substr(0, mark + 60));
  EXPECT_THAT(ErrorOf(cut.path()), HasSubstr("is damaged: it ends before its last segment"));
}

TEST(LoadOperatorLibraryTest, RefusesWhatIsNoLibrary) {
  const TemporaryFile text("doppio_text", "hello");
  EXPECT_THAT(ErrorOf(text.path()), HasSubstr("is no shared library"));
  EXPECT_THAT(ErrorOf("/no/such/file.so"),
              HasSubstr("can not read \"/no/such/file.so\": No such file"));
  EXPECT_FALSE(LoadOperatorLibrary("/").ok());
}

}  // namespace
}  // namespace doppio
