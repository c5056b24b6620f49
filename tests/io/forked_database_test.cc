// Databases in a process that was forked from one that uses some: Python's multiprocessing does so.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "doppio/database.h"
#include "tests/io/test_files.h"
#include "tests/support/forked_process.h"

namespace doppio {
namespace {

using absl::StatusCode;

absl::Status WriteOne(const std::string& type, const std::string& path, DatabaseMode mode,
                      const std::string& key) {
  DOPPIO_ASSIGN_OR_RETURN(auto database, OpenDatabase(type, path, mode));
  DOPPIO_RETURN_IF_ERROR(database->Write({DatabaseRecord{key, "value"}}));
  return database->Close();
}

// Again and again, so that LevelDB has work for its thread.
absl::Status WriteInTurns(const std::string& type, const std::string& path) {
  DOPPIO_RETURN_IF_ERROR(WriteOne(type, path, DatabaseMode::kNew, "0"));
  for (int i = 1; i < 8; ++i) {
    DOPPIO_RETURN_IF_ERROR(WriteOne(type, path, DatabaseMode::kWrite, absl::StrCat(i)));
  }
  return absl::OkStatus();
}

absl::Status ReadFromZeroToSeven(DatabaseCursor* cursor) {
  for (int i = 0; i < 8; ++i) {
    if (!cursor->Valid() || cursor->Key() != absl::StrCat(i)) {
      return absl::InternalError(absl::StrCat("record ", i, " is ", cursor->Key()));
    }
    DOPPIO_RETURN_IF_ERROR(cursor->Next());
  }
  return cursor->Valid() ? absl::InternalError("there is one more") : absl::OkStatus();
}

absl::Status Read(const std::string& type, const std::string& path) {
  DOPPIO_ASSIGN_OR_RETURN(auto database, OpenDatabase(type, path, DatabaseMode::kRead));
  DOPPIO_ASSIGN_OR_RETURN(auto cursor, database->NewCursor());
  return ReadFromZeroToSeven(cursor.get());
}

absl::Status ExpectNotHere(const absl::Status& status) {
  const bool is_told = status.code() == StatusCode::kFailedPrecondition &&
                       absl::StrContains(status.message(), "forked");
  return is_told ? absl::OkStatus() : absl::InternalError(absl::StrCat("said ", status.ToString()));
}

class ForkedDatabaseTest : public testing::TestWithParam<const char*> {
 protected:
  const std::string type_ = GetParam();
  const std::string path_ = TemporaryPath("database");
};

INSTANTIATE_TEST_SUITE_P(Types, ForkedDatabaseTest, testing::Values("minidb", "leveldb", "lmdb"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(ForkedDatabaseTest, AChildWritesAndReadsAsItsParentDid) {
  ASSERT_TRUE(WriteInTurns(type_, path_).ok());
  ASSERT_TRUE(Read(type_, path_).ok());
  const std::string childs_path = TemporaryPath("childs");
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    DOPPIO_RETURN_IF_ERROR(Read(type_, path_));
    DOPPIO_RETURN_IF_ERROR(WriteInTurns(type_, childs_path));
    return Read(type_, childs_path);
  }));
  const absl::Status status = Read(type_, childs_path);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(ForkedDatabaseTest, AChildDoesNotMoveACursorOfItsParent) {
  ASSERT_TRUE(WriteInTurns(type_, path_).ok());
  auto database = OpenDatabase(type_, path_, DatabaseMode::kRead);
  ASSERT_TRUE(database.ok()) << database.status();
  auto cursor = (*database)->NewCursor();
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere((*cursor)->Next()));
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere((*cursor)->SeekToFirst()));
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere((*database)->NewCursor().status()));
    if ((*cursor)->Valid()) return absl::InternalError("the cursor is said to stand at a record");
    cursor->reset();
    database->reset();
    return absl::OkStatus();
  }));
  const absl::Status status = ReadFromZeroToSeven(cursor->get());
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(ForkedDatabaseTest, AChildDoesNotEndWhatItsParentWrites) {
  auto database = OpenDatabase(type_, path_, DatabaseMode::kNew);
  ASSERT_TRUE(database.ok()) << database.status();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE((*database)->Write({DatabaseRecord{absl::StrCat(i), "value"}}).ok());
  }
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere((*database)->Write({DatabaseRecord{"9", "childs"}})));
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere((*database)->Close()));
    database->reset();  // takes nothing away
    return absl::OkStatus();
  }));
  EXPECT_FALSE(std::filesystem::exists(path_));
  for (int i = 4; i < 8; ++i) {
    ASSERT_TRUE((*database)->Write({DatabaseRecord{absl::StrCat(i), "value"}}).ok());
  }
  absl::Status status = (*database)->Close();
  EXPECT_TRUE(status.ok()) << status;
  status = Read(type_, path_);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(ForkedDatabaseTest, AReaderIsOpenedAgainInAChild) {
  ASSERT_TRUE(WriteInTurns(type_, path_).ok());
  DatabaseReader reader;
  ASSERT_TRUE(reader.Open(type_, path_).ok());
  std::string key, value;
  ASSERT_TRUE(reader.Read(&key, &value).ok());
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere(reader.Read(&key, &value)));
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere(reader.SeekToFirst()));
    DOPPIO_RETURN_IF_ERROR(ExpectNotHere(reader.ToProto("reader").status()));
    if (reader.IsOpen()) return absl::InternalError("the reader says that it is open");
    const absl::Status opened = reader.Open(type_, path_);
    // LevelDB's own rule: one process at a time.
    if (type_ == "leveldb") {
      return absl::IsUnavailable(opened) ? absl::OkStatus() : absl::InternalError("is open");
    }
    DOPPIO_RETURN_IF_ERROR(opened);
    DOPPIO_RETURN_IF_ERROR(reader.Read(&key, &value));
    return key == "0" ? absl::OkStatus() : absl::InternalError(key);
  }));
  ASSERT_TRUE(reader.Read(&key, &value).ok());
  EXPECT_EQ(key, "1");
}

// The child has the file open too.
TEST_P(ForkedDatabaseTest, WhatAParentGaveUpIsFreeWhileAChildLives) {
  ASSERT_TRUE(WriteInTurns(type_, path_).ok());
  auto database = OpenDatabase(type_, path_, DatabaseMode::kNew);
  ASSERT_TRUE(database.ok()) << database.status();
  int end[2];
  ASSERT_EQ(pipe(end), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(end[1]);
    char byte;
    [[maybe_unused]] const ssize_t count = read(end[0], &byte, 1);  // until the parent is done
    _exit(0);
  }
  database->reset();
  const absl::Status status = WriteOne(type_, path_, DatabaseMode::kWrite, "8");
  EXPECT_TRUE(status.ok()) << status;
  close(end[1]);
  waitpid(child, nullptr, 0);
  close(end[0]);
}

}  // namespace
}  // namespace doppio
