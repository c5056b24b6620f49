#include "doppio/file_access.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

// root/inside, root/folder/ and outside, next to root.
class FileAccessTest : public testing::Test {
 protected:
  FileAccessTest() {
    std::string name = (fs::temp_directory_path() / "doppio_file_access_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    top_ = name;
    fs::create_directories(top_ / "root" / "folder");
    std::ofstream(top_ / "root" / "inside") << "in";
    std::ofstream(top_ / "outside") << "out";
  }
  ~FileAccessTest() override { fs::remove_all(top_); }

  std::string Path(const std::string& name) const { return (top_ / name).string(); }
  bool Allows(const std::string& name) const {
    const absl::Status status = FileAccess::Within(Path("root")).Check(Path(name));
    EXPECT_TRUE(status.ok() || absl::IsPermissionDenied(status)) << status;
    return status.ok();
  }

  fs::path top_;
};

TEST_F(FileAccessTest, AllowsWhatIsInTheFolderOrWillBe) {
  EXPECT_TRUE(Allows("root/inside"));
  EXPECT_TRUE(Allows("root/new"));
  EXPECT_TRUE(Allows("root/new/deeper"));
  EXPECT_TRUE(Allows("root/folder/../inside"));
  EXPECT_TRUE(Allows("root"));
}

TEST_F(FileAccessTest, AllowsNothingElse) {
  EXPECT_FALSE(Allows("outside"));
  EXPECT_FALSE(Allows("root/../outside"));
  EXPECT_FALSE(Allows("root/new/../../outside"));
  EXPECT_FALSE(Allows("root/folder/../../outside"));
  EXPECT_FALSE(Allows(".."));
  EXPECT_FALSE(Allows("rootless"));  // begins with the name of the folder
}

TEST_F(FileAccessTest, FollowsLinksInside) {
  fs::create_symlink("inside", top_ / "root" / "link");
  fs::create_directory_symlink(top_ / "root" / "folder", top_ / "root" / "folder_link");
  EXPECT_TRUE(Allows("root/link"));
  EXPECT_TRUE(Allows("root/folder_link/new"));
}

TEST_F(FileAccessTest, NoLinkLeadsOut) {
  fs::create_symlink(top_ / "outside", top_ / "root" / "link");
  fs::create_directory_symlink("..", top_ / "root" / "up");
  fs::create_symlink("link", top_ / "root" / "link_to_link");
  fs::create_symlink("itself", top_ / "root" / "itself");
  EXPECT_FALSE(Allows("root/link"));
  EXPECT_FALSE(Allows("root/up/outside"));
  EXPECT_FALSE(Allows("root/up/new"));
  EXPECT_FALSE(Allows("root/link_to_link"));
  // A circle is an error of the file system.
  EXPECT_FALSE(FileAccess::Within(Path("root")).Check(Path("root/itself")).ok());
}

// Opening a link for writing makes the file that it leads to.
TEST_F(FileAccessTest, NoLinkToWhatIsNotThereYetLeadsOut) {
  fs::create_symlink(top_ / "not_yet", top_ / "root" / "link");
  EXPECT_FALSE(Allows("root/link"));
  EXPECT_FALSE(Allows("root/link/deeper"));
}

TEST_F(FileAccessTest, TheFolderItselfMayBeALinkOrEndInASlash) {
  fs::create_directory_symlink(top_ / "root", top_ / "link");
  for (const char* folder : {"link", "link/", "root/", "root/folder/.."}) {
    const FileAccess access = FileAccess::Within(Path(folder));
    EXPECT_TRUE(access.Check(Path("root/inside")).ok()) << folder;
    EXPECT_TRUE(access.Check(Path("link/inside")).ok()) << folder;
    EXPECT_FALSE(access.Check(Path("outside")).ok()) << folder;
  }
}

TEST_F(FileAccessTest, RelativePathsBeginAtTheCurrentFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(top_ / "root");
  const FileAccess access = FileAccess::Within(".");
  EXPECT_TRUE(access.Check("inside").ok());
  EXPECT_TRUE(access.Check(Path("root/inside")).ok());
  EXPECT_FALSE(access.Check("../outside").ok());
  fs::current_path(before);
}

TEST_F(FileAccessTest, TheTopFolderIsAnywhere) {
  EXPECT_TRUE(FileAccess::Within("/").Check(Path("outside")).ok());
}

TEST_F(FileAccessTest, TheRefusalNamesThePathAndWhatIsAllowed) {
  EXPECT_EQ(FileAccess::Within("/models").Check("/etc/passwd").message(),
            "\"/etc/passwd\" may not be opened here, only files in the folder \"/models\" may");
  EXPECT_EQ(FileAccess::None().Check("x").message(), "\"x\" may not be opened here, no file may");
  EXPECT_TRUE(absl::IsPermissionDenied(FileAccess::None().Check("x")));
}

TEST_F(FileAccessTest, APathWithAZeroByteOrNoBytesIsNoWayOut) {
  EXPECT_FALSE(Allows(std::string("root/inside\0x/../..", 19)));
  EXPECT_TRUE(absl::IsPermissionDenied(FileAccess::Within(Path("root")).Check("")));
}

}  // namespace
}  // namespace doppio
