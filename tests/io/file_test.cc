#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "doppio/proto_io.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;

NetDef SmallNet() {
  NetDef net;
  net.set_name("small");
  net.add_op()->set_type("Relu");
  return net;
}

int FilesIn(const std::string& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

TEST(FileTest, TheEndingDecidesHowANetIsSaved) {
  EXPECT_EQ(EncodingForPath("a/b.pbtxt"), Encoding::kText);
  EXPECT_EQ(EncodingForPath("b.PROTOTXT"), Encoding::kText);
  EXPECT_EQ(EncodingForPath("b.txt"), Encoding::kText);
  EXPECT_EQ(EncodingForPath("b.json"), Encoding::kJson);
  EXPECT_EQ(EncodingForPath("b.pb"), Encoding::kBinary);
  EXPECT_EQ(EncodingForPath("json"), Encoding::kBinary);
  EXPECT_EQ(EncodingForPath(""), Encoding::kBinary);
}

TEST(FileTest, WhatIsSavedLoads) {
  for (const char* name : {"net.pb", "net.pbtxt", "net.json"}) {
    const std::string path = TemporaryPath(name);
    ASSERT_TRUE(SaveProto(SmallNet(), path).ok());
    absl::StatusOr<NetDef> net = LoadNet(path);
    ASSERT_TRUE(net.ok()) << net.status();
    EXPECT_EQ(net->SerializeAsString(), SmallNet().SerializeAsString());
    EXPECT_EQ(DescribeFile(path)->encoding, EncodingForPath(path));
    EXPECT_EQ(FilesIn(FolderOf(path)), 1) << "a temporary file is left";
  }
}

TEST(FileTest, SavingReplacesAFileAndKeepsItsPermissions) {
  const std::string path = TemporaryPath("net.pb");
  WriteWholeFile(path, std::string(100'000, 'x'));
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  ASSERT_TRUE(SaveProto(SmallNet(), path).ok());
  EXPECT_TRUE(LoadNet(path).ok());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(FileTest, SavingFollowsALink) {
  const std::string target = TemporaryPath("target.pb");
  const std::string link = TemporaryPath("link.pb");
  WriteWholeFile(target, "old");
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  ASSERT_TRUE(SaveProto(SmallNet(), link).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(LoadNet(target).ok());
}

TEST(FileTest, AFullDiskIsAStatusThatNamesTheFile) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  EXPECT_THAT(SaveProto(SmallNet(), "/dev/full"),
              FailsWith(StatusCode::kResourceExhausted, "/dev/full: cannot write"));
}

TEST(FileTest, AFailedSaveLeavesTheOldFileAndNothingElse) {
  const std::string path = TemporaryPath("net.json");
  WriteWholeFile(path, "old");
  NetDef net = SmallNet();
  net.set_name("\xff");
  EXPECT_THAT(SaveProto(net, path), FailsWith(StatusCode::kFailedPrecondition, path));
  EXPECT_EQ(ReadWholeFile(path), "old");
  EXPECT_EQ(FilesIn(FolderOf(path)), 1);
}

TEST(FileTest, ADiskThatFillsWhileWritingLeavesTheOldFile) {
  const std::string path = TemporaryPath("net.pb");
  ASSERT_TRUE(SaveProto(SmallNet(), path).ok());
  const std::string old = ReadWholeFile(path);
  NetDef large = SmallNet();
  large.mutable_op(0)->set_debug_info(std::string(1'000'000, 'x'));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 500'000;
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = SaveProto(large, path);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path + ": cannot write"), absl::string_view::npos) << status;
  EXPECT_EQ(ReadWholeFile(path), old);
  EXPECT_EQ(FilesIn(FolderOf(path)), 1);
}

TEST(FileTest, SavingWhereNothingCanBeWrittenFails) {
  const std::string folder = FolderOf(TemporaryPath("x"));
  EXPECT_THAT(SaveProto(SmallNet(), folder), FailsWith(StatusCode::kFailedPrecondition, folder));
  EXPECT_THAT(SaveProto(SmallNet(), folder + "/none/net.pb"),
              FailsWith(StatusCode::kNotFound, "none/net.pb: cannot create"));
}

TEST(FileTest, AMissingFileIsNotFound) {
  const std::string path = TemporaryPath("missing.pb");
  EXPECT_THAT(LoadNet(path).status(), FailsWith(StatusCode::kNotFound, path + ": cannot open"));
  EXPECT_FALSE(DescribeFile(path).ok());
}

TEST(FileTest, AFolderIsNoFile) {
  EXPECT_THAT(LoadNet(FolderOf(TemporaryPath("x"))).status(),
              FailsWith(StatusCode::kFailedPrecondition, "cannot read"));
}

TEST(FileTest, AFileAboveTheLimitIsNotRead) {
  const std::string path = TemporaryPath("net.pb");
  ASSERT_TRUE(SaveProto(SmallNet(), path).ok());
  Limits limits;
  limits.max_file_bytes = 10;
  EXPECT_THAT(LoadNet(path, limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "the limit of 10 bytes"));
  NetDef net;
  EXPECT_THAT(ParseProto(ReadWholeFile(path), &net, limits),
              FailsWith(StatusCode::kResourceExhausted, "the limit of 10"));
  EXPECT_THAT(LoadNet("/dev/zero", limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "/dev/zero"));
}

TEST(FileTest, AMessageAbove64MegabytesLoads) {
  NetDef net;
  OperatorDef* op = net.add_op();
  op->set_type("GivenTensorFill");
  op->add_output("W");
  auto* floats = op->add_arg()->mutable_floats();
  floats->Resize(15'000'000, 0.25f);
  const std::string path = TemporaryPath("large.pb");
  ASSERT_TRUE(SaveProto(net, path).ok());
  EXPECT_GT(std::filesystem::file_size(path), 64u << 20);
  absl::StatusOr<NetDef> copy = LoadNet(path);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->op(0).arg(0).floats_size(), 15'000'000);
}

}  // namespace
}  // namespace doppio
