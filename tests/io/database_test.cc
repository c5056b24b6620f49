#include "doppio/database.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "doppio/blob.h"
#include "doppio/serialize.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;
using Records = std::vector<std::pair<std::string, std::string>>;

Records TenRecords() {
  Records records;
  for (int i = 0; i < 10; ++i) records.emplace_back(absl::StrCat("0", i), absl::StrCat("v", i));
  return records;
}

absl::Status WriteRecords(const std::string& type, const std::string& path, DatabaseMode mode,
                          const Records& records) {
  DOPPIO_ASSIGN_OR_RETURN(auto database, OpenDatabase(type, path, mode));
  DatabaseTransaction transaction(database);
  for (const auto& [key, value] : records) transaction.Put(key, value);
  DOPPIO_RETURN_IF_ERROR(transaction.Commit());
  return database->Close();
}

absl::StatusOr<Records> ReadRecords(const std::string& type, const std::string& path) {
  DOPPIO_ASSIGN_OR_RETURN(auto database, OpenDatabase(type, path, DatabaseMode::kRead));
  DOPPIO_ASSIGN_OR_RETURN(auto cursor, database->NewCursor());
  Records records;
  while (cursor->Valid()) {
    records.emplace_back(std::string(cursor->Key()), std::string(cursor->Value()));
    DOPPIO_RETURN_IF_ERROR(cursor->Next());
  }
  return records;
}

int EntriesIn(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<int>(std::distance(begin(entries), end(entries)));
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

class DatabaseTest : public testing::TestWithParam<const char*> {
 protected:
  void Write(const Records& records, DatabaseMode mode = DatabaseMode::kNew) {
    const absl::Status status = WriteRecords(GetParam(), path_, mode, records);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Expect(const Records& expected) {
    const absl::StatusOr<Records> records = ReadRecords(GetParam(), path_);
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(*records, expected);
  }
  absl::StatusOr<std::shared_ptr<Database>> Open(DatabaseMode mode) {
    return OpenDatabase(GetParam(), path_, mode);
  }

  const std::string path_ = TemporaryPath("database");
};

INSTANTIATE_TEST_SUITE_P(Types, DatabaseTest, testing::Values("minidb", "leveldb", "lmdb"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(DatabaseTest, GivesBackWhatWasWritten) {
  Write(TenRecords());
  Expect(TenRecords());
  EXPECT_EQ(EntriesIn(FolderOf(path_)), 1) << "something temporary is left";
  const absl::StatusOr<std::string> type = DetectDatabaseType(path_);
  ASSERT_TRUE(type.ok()) << type.status();
  EXPECT_EQ(*type, GetParam());
}

TEST_P(DatabaseTest, TakesLargeValuesAndBytesOfAllKinds) {
  std::string bytes;
  for (int i = 0; i < 300'000; ++i) bytes += static_cast<char>(i * 7);
  const Records records = {{std::string("a\0b", 3), bytes}, {"b", "\n"}};
  Write(records);
  Expect(records);
}

TEST_P(DatabaseTest, IsThereWhenItIsClosedAndNotBefore) {
  {
    const auto database = Open(DatabaseMode::kNew);
    ASSERT_TRUE(database.ok()) << database.status();
    DatabaseTransaction transaction(*database);
    transaction.Put("k", "v");
    ASSERT_TRUE(transaction.Commit().ok());
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
  EXPECT_EQ(EntriesIn(FolderOf(path_)), 0) << "dropped without Close()";
}

TEST_P(DatabaseTest, ReplacesAnOldOneWhenItIsClosed) {
  Write(TenRecords());
  {
    const auto dropped = Open(DatabaseMode::kNew);
    ASSERT_TRUE(dropped.ok()) << dropped.status();
    ASSERT_TRUE((*dropped)->Write({DatabaseRecord{"k", "v"}}).ok());
  }
  Expect(TenRecords());
  Write({{"new", "1"}});
  Expect({{"new", "1"}});
  EXPECT_EQ(EntriesIn(FolderOf(path_)), 1);
}

TEST_P(DatabaseTest, WritingAddsToWhatIsThere) {
  Write({{"a", "1"}}, DatabaseMode::kWrite);
  Write({{"b", "2"}}, DatabaseMode::kWrite);
  Expect({{"a", "1"}, {"b", "2"}});
}

TEST_P(DatabaseTest, DropsWhatWasNotCommitted) {
  const auto database = Open(DatabaseMode::kNew);
  ASSERT_TRUE(database.ok()) << database.status();
  {
    DatabaseTransaction transaction(*database);
    transaction.Put("a", "1");
    ASSERT_TRUE(transaction.Commit().ok());
    transaction.Put("b", "2");
  }
  ASSERT_TRUE((*database)->Close().ok());
  EXPECT_TRUE((*database)->Close().ok());
  Expect({{"a", "1"}});
}

TEST_P(DatabaseTest, MayBeEmpty) {
  Write({});
  Expect({});
}

TEST_P(DatabaseTest, ACursorSeeksIfItsTypeCan) {
  Write(TenRecords());
  const auto database = Open(DatabaseMode::kRead);
  ASSERT_TRUE(database.ok()) << database.status();
  const auto opened = (*database)->NewCursor();
  ASSERT_TRUE(opened.ok()) << opened.status();
  DatabaseCursor& cursor = **opened;
  ASSERT_TRUE(cursor.Next().ok());
  EXPECT_EQ(cursor.Key(), "01");
  ASSERT_TRUE(cursor.SeekToFirst().ok());
  EXPECT_EQ(cursor.Key(), "00");
  if (!cursor.SupportsSeek()) {
    EXPECT_THAT(cursor.Seek("05"), FailsWith(StatusCode::kUnimplemented, "not sorted"));
    return;
  }
  ASSERT_TRUE(cursor.Seek("05").ok());
  EXPECT_EQ(cursor.Key(), "05");
  EXPECT_EQ(cursor.Value(), "v5");
  ASSERT_TRUE(cursor.Seek("07.5").ok());
  EXPECT_EQ(cursor.Key(), "08");
  ASSERT_TRUE(cursor.Seek("11").ok());
  EXPECT_FALSE(cursor.Valid());
  EXPECT_EQ(cursor.Key(), "");
  EXPECT_TRUE(cursor.Next().ok());
  ASSERT_TRUE(cursor.Seek("").ok());
  EXPECT_EQ(cursor.Key(), "00");
}

TEST_P(DatabaseTest, ACursorOutlivesItsDatabaseAndItsReplacement) {
  Write(TenRecords());
  std::unique_ptr<DatabaseCursor> cursor;
  {
    auto database = Open(DatabaseMode::kRead);
    ASSERT_TRUE(database.ok()) << database.status();
    auto opened = (*database)->NewCursor();
    ASSERT_TRUE(opened.ok()) << opened.status();
    cursor = *std::move(opened);
  }
  const absl::Status replaced = WriteRecords(GetParam(), path_, DatabaseMode::kNew, {{"k", "v"}});
  if (std::string(GetParam()) == "leveldb") {
    EXPECT_THAT(replaced, FailsWith(StatusCode::kUnavailable, "this process"));
  } else {
    EXPECT_TRUE(replaced.ok()) << replaced;
    Expect({{"k", "v"}});
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(cursor->Key(), absl::StrCat("0", i));
    ASSERT_TRUE(cursor->Next().ok());
  }
  EXPECT_FALSE(cursor->Valid());
}

TEST_P(DatabaseTest, ManyMayReadInOneProcess) {
  Write(TenRecords());
  const auto first = Open(DatabaseMode::kRead);
  ASSERT_TRUE(first.ok()) << first.status();
  Expect(TenRecords());
}

TEST_P(DatabaseTest, IsTheOneThatIsAtThePathNow) {
  Write({{"old", "1"}});
  const auto old = Open(DatabaseMode::kRead);
  ASSERT_TRUE(old.ok()) << old.status();
  std::filesystem::remove_all(path_);
  Write({{"new", "2"}});
  if (std::string(GetParam()) == "leveldb") {  // whose library goes by the path
    EXPECT_THAT(Open(DatabaseMode::kRead).status(), FailsWith(StatusCode::kUnavailable, path_));
  } else {
    Expect({{"new", "2"}});
  }
}

TEST_P(DatabaseTest, RejectsAPathWithNothing) {
  EXPECT_THAT(Open(DatabaseMode::kRead).status(), FailsWith(StatusCode::kNotFound, path_));
  EXPECT_THAT(DetectDatabaseType(path_).status(), FailsWith(StatusCode::kNotFound, path_));
  EXPECT_FALSE(std::filesystem::exists(path_)) << "reading made something";
  EXPECT_THAT(OpenDatabase(GetParam(), path_ + "/a/b", DatabaseMode::kNew).status(),
              FailsWith(StatusCode::kNotFound, path_));
}

TEST_P(DatabaseTest, RejectsForeignFiles) {
  WriteWholeFile(path_, "no database of any type, but a text");
  EXPECT_THAT(DetectDatabaseType(path_).status(),
              FailsWith(StatusCode::kInvalidArgument, "no database"));
  if (std::string(GetParam()) == "minidb") {
    EXPECT_THAT(ReadRecords(GetParam(), path_).status(),
                FailsWith(StatusCode::kDataLoss, "record 0"));
    EXPECT_FALSE(Open(DatabaseMode::kWrite).ok());
    return;
  }
  for (const DatabaseMode mode : {DatabaseMode::kRead, DatabaseMode::kWrite, DatabaseMode::kNew}) {
    EXPECT_FALSE(Open(mode).ok());
  }
  EXPECT_EQ(ReadWholeFile(path_), "no database of any type, but a text");
}

TEST_P(DatabaseTest, RejectsForeignFolders) {
  std::filesystem::create_directory(path_);
  WriteWholeFile(path_ + "/something", "of somebody");
  for (const DatabaseMode mode : {DatabaseMode::kWrite, DatabaseMode::kNew}) {
    EXPECT_FALSE(Open(mode).ok());
  }
  EXPECT_FALSE(ReadRecords(GetParam(), path_).ok());
  EXPECT_EQ(EntriesIn(path_), 1);
}

TEST_P(DatabaseTest, RejectsWhatItsModeDoesNotAllow) {
  Write(TenRecords());
  const auto reading = Open(DatabaseMode::kRead);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_THAT((*reading)->Write({DatabaseRecord{"k", "v"}}),
              FailsWith(StatusCode::kFailedPrecondition, "open for reading"));
  ASSERT_TRUE((*reading)->Close().ok());
  const auto writing = Open(DatabaseMode::kNew);
  ASSERT_TRUE(writing.ok()) << writing.status();
  EXPECT_THAT((*writing)->NewCursor().status(),
              FailsWith(StatusCode::kFailedPrecondition, "open for writing"));
  ASSERT_TRUE((*writing)->Close().ok());
  EXPECT_THAT((*writing)->Write({DatabaseRecord{"k", "v"}}),
              FailsWith(StatusCode::kFailedPrecondition, "closed"));
}

TEST_P(DatabaseTest, RejectsRecordsOfMoreThanTheLimit) {
  Write({{"k", std::string(1000, 'x')}});
  Limits limits;
  limits.max_file_bytes = 999;
  const auto database = OpenDatabase(GetParam(), path_, DatabaseMode::kRead, limits);
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_THAT((*database)->NewCursor().status(),
              FailsWith(StatusCode::kResourceExhausted, "1000 bytes"));
}

// A child that holds the database, until `use` has run.
void WhileAChildHolds(const std::string& type, const std::string& path, DatabaseMode mode,
                      const std::function<void()>& use) {
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready) + pipe(done), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto database = OpenDatabase(type, path, mode);
    char byte = database.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) < 0) _exit(1);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  use();
  ASSERT_EQ(write(done[1], "x", 1), 1);
  int status = 0;
  waitpid(child, &status, 0);
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) close(fd);
}

TEST_P(DatabaseTest, RejectsToWriteWhatAnotherProcessWrites) {
  Write(TenRecords());
  WhileAChildHolds(GetParam(), path_, DatabaseMode::kWrite, [&] {
    EXPECT_THAT(Open(DatabaseMode::kWrite).status(), FailsWith(StatusCode::kUnavailable, path_));
    EXPECT_THAT(Open(DatabaseMode::kNew).status(), FailsWith(StatusCode::kUnavailable, path_));
    if (std::string(GetParam()) == "leveldb") {
      EXPECT_THAT(Open(DatabaseMode::kRead).status(),
                  FailsWith(StatusCode::kUnavailable, "another process"));
    } else {
      Expect(TenRecords());
    }
  });
  Expect(TenRecords());
}

TEST(DatabasesTest, HaveCaffe2sNames) {
  EXPECT_EQ(DatabaseTypes(), std::vector<std::string>({"LMDB", "LevelDB", "MiniDB", "ProtoDB",
                                                       "leveldb", "lmdb", "minidb", "protodb"}));
  const std::string path = TemporaryPath("database");
  TensorProto tensor;  // all that a protodb takes
  tensor.set_name("k");
  const std::string value = tensor.SerializeAsString();
  for (const std::string& type : DatabaseTypes()) {
    ASSERT_TRUE(WriteRecords(type, path + type, DatabaseMode::kNew, {{"k", value}}).ok()) << type;
  }
  EXPECT_THAT(OpenDatabase("rocksdb", path, DatabaseMode::kRead).status(),
              FailsWith(StatusCode::kNotFound, "there are: LMDB, LevelDB"));
  EXPECT_THAT(OpenDatabase("minidb", "", DatabaseMode::kRead).status(),
              FailsWith(StatusCode::kInvalidArgument, "path"));
}

TEST(DatabasesTest, RejectASecondTypeOfTheSameName) {
  EXPECT_THAT(RegisterDatabaseFormat({{"another", "lmdb"}, nullptr, nullptr}),
              FailsWith(StatusCode::kAlreadyExists, "\"lmdb\""));
}

TEST(DatabasesTest, RejectRecordsThatTheirTypeCanNotHold) {
  const std::string path = TemporaryPath("database");
  const auto status = [&](const std::string& type, const std::string& key,
                          const std::string& value) {
    return WriteRecords(type, path, DatabaseMode::kNew, {{"first", "x"}, {key, value}});
  };
  EXPECT_THAT(status("lmdb", std::string(512, 'k'), "v"),
              FailsWith(StatusCode::kInvalidArgument, "keys of 1 to 511 bytes"));
  EXPECT_THAT(status("lmdb", "", "v"), FailsWith(StatusCode::kInvalidArgument, "a key of 0 bytes"));
  EXPECT_THAT(status("minidb", "k", ""),
              FailsWith(StatusCode::kInvalidArgument, "a value of 0 bytes"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(MiniDbTest, RejectsToTakeThePlaceOfDevicesAndPipes) {
  const std::string path = TemporaryPath("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  for (const std::string& file : {path, std::string("/dev/null")}) {
    EXPECT_THAT(OpenDatabase("minidb", file, DatabaseMode::kNew).status(),
                FailsWith(StatusCode::kInvalidArgument, "a device or a pipe"));
  }
  EXPECT_THAT(OpenDatabase("minidb", FolderOf(path), DatabaseMode::kRead).status(),
              FailsWith(StatusCode::kInvalidArgument, "is a folder"));
}

TEST(MiniDbTest, WritesNothingOfATransactionThatFails) {
  const std::string path = TemporaryPath("database");
  const auto database = OpenDatabase("minidb", path, DatabaseMode::kNew);
  ASSERT_TRUE(database.ok());
  EXPECT_TRUE((*database)->Write({DatabaseRecord{"a", "1"}}).ok());
  EXPECT_FALSE(
      (*database)
          ->Write({DatabaseRecord{"b", std::string(1 << 20, 'x')}, DatabaseRecord{"", "2"}})
          .ok());
  EXPECT_TRUE((*database)->Write({DatabaseRecord{"c", "3"}}).ok());
  ASSERT_TRUE((*database)->Close().ok());
  EXPECT_EQ(*ReadRecords("minidb", path), Records({{"a", "1"}, {"c", "3"}}));
}

// The records before the damage are right, and the error names path and record.
TEST(MiniDbTest, IsDamagedWhereverItIsCutOff) {
  const std::string path = TemporaryPath("database");
  ASSERT_TRUE(WriteRecords("minidb", path, DatabaseMode::kNew, TenRecords()).ok());
  const std::string bytes = ReadWholeFile(path);
  constexpr size_t kRecord = 8 + 2 + 2;
  for (size_t size = 0; size < bytes.size(); ++size) {
    WriteWholeFile(path, bytes.substr(0, size));
    const absl::StatusOr<Records> records = ReadRecords("minidb", path);
    if (size % kRecord == 0) {
      ASSERT_TRUE(records.ok()) << size;
      EXPECT_EQ(records->size(), size / kRecord);
      continue;
    }
    EXPECT_THAT(records.status(),
                FailsWith(StatusCode::kDataLoss,
                          absl::StrCat(path, ": record ", size / kRecord, ": cut off")));
    EXPECT_FALSE(OpenDatabase("minidb", path, DatabaseMode::kWrite).ok()) << size;
  }
}

// Nothing but a Status, whatever happens to the bytes.
TEST(LmdbTest, SurvivesDamage) {
  const std::string path = TemporaryPath("database");
  Records records;
  for (int i = 0; i < 300; ++i) {
    records.emplace_back(absl::StrCat("key", 1000 + i), std::string(1 + 37 * i % 6000, 'x'));
  }
  ASSERT_TRUE(WriteRecords("lmdb", path, DatabaseMode::kNew, records).ok());
  const std::string bytes = ReadWholeFile(path + "/data.mdb");
  int failures = 0;
  ForEachDamage(bytes, 200, 400, [&](const std::string& damaged) {
    WriteWholeFile(path + "/data.mdb", damaged);
    const absl::StatusOr<Records> read = ReadRecords("lmdb", path);
    EXPECT_TRUE(damaged.size() + 4096 > bytes.size() || !read.ok()) << damaged.size();
    failures += read.ok() ? 0 : 1;
  });
  EXPECT_GT(failures, 100);
}

TEST(LevelDbTest, SaysSoWhenATableIsDamaged) {
  const std::string path = TemporaryPath("database");
  ASSERT_TRUE(WriteRecords("leveldb", path, DatabaseMode::kNew, TenRecords()).ok());
  std::string table;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() == ".ldb") table = entry.path().string();
  }
  ASSERT_NE(table, "") << "the records are in no table yet";
  const std::string bytes = ReadWholeFile(table);
  for (size_t size = 0; size < bytes.size(); size += 7) {
    WriteWholeFile(table, bytes.substr(0, size));
    const absl::Status status = ReadRecords("leveldb", path).status();
    EXPECT_FALSE(status.ok()) << size;
    EXPECT_NE(status.message().find(path), absl::string_view::npos) << status;
  }
  for (size_t place = 0; place < 20; ++place) {
    std::string damaged = bytes;
    damaged[place] = static_cast<char>(damaged[place] ^ 4);
    WriteWholeFile(table, damaged);
    EXPECT_THAT(ReadRecords("leveldb", path).status(), FailsWith(StatusCode::kDataLoss, path));
  }
}

class DatabaseReaderTest : public DatabaseTest {
 protected:
  std::string Next(const DatabaseReader& reader) {
    std::string key, value;
    const absl::Status status = reader.Read(&key, &value);
    return status.ok() ? key : status.ToString();
  }
};

INSTANTIATE_TEST_SUITE_P(Types, DatabaseReaderTest, testing::Values("minidb", "leveldb", "lmdb"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(DatabaseReaderTest, BeginsAgainBehindTheLastRecord) {
  Write({{"a", "1"}, {"b", "2"}});
  DatabaseReader reader;
  EXPECT_FALSE(reader.IsOpen());
  ASSERT_TRUE(reader.Open(GetParam(), path_).ok());
  EXPECT_EQ(Next(reader) + Next(reader) + Next(reader), "aba");
  ASSERT_TRUE(reader.SeekToFirst().ok());
  EXPECT_EQ(Next(reader), "a");
  const auto cursor = reader.NewCursor();
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_EQ((*cursor)->Key(), "a");
  EXPECT_EQ(Next(reader), "b");
}

TEST_P(DatabaseReaderTest, ReadsOneShardAsCaffe2Does) {
  Write(TenRecords());
  const std::vector<std::string> expected = {"000306090003", "010407010407", "020508020508"};
  for (int shard = 0; shard < 3; ++shard) {
    DatabaseReader reader;
    ASSERT_TRUE(reader.Open(GetParam(), path_, 3, shard).ok());
    std::string keys;
    for (int i = 0; i < 6; ++i) keys += Next(reader);
    EXPECT_EQ(keys, expected[shard]);
  }
}

TEST_P(DatabaseReaderTest, GivesEachRecordToOneThread) {
  Write(TenRecords());
  DatabaseReader reader;
  ASSERT_TRUE(reader.Open(GetParam(), path_).ok());
  std::vector<std::string> keys(10);
  std::vector<std::thread> threads;
  for (std::string& key : keys) threads.emplace_back([&] { key = Next(reader); });
  for (std::thread& thread : threads) thread.join();
  std::sort(keys.begin(), keys.end());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(keys[i], absl::StrCat("0", i));
}

TEST_P(DatabaseReaderTest, IsWrittenAsCaffe2sDBReader) {
  Write(TenRecords());
  Blob blob;
  DatabaseReader* reader = blob.GetMutable<DatabaseReader>();
  ASSERT_TRUE(reader->Open(GetParam(), path_).ok());
  for (int i = 0; i < 5; ++i) Next(*reader);
  const absl::StatusOr<BlobProto> proto = BlobToProto(blob, "saved_reader");
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->name(), "saved_reader");
  EXPECT_EQ(proto->type(), "DBReader");
  DBReaderProto content;
  ASSERT_TRUE(content.ParseFromString(proto->content()));
  EXPECT_EQ(content.name(), "saved_reader");
  EXPECT_EQ(content.source(), path_);
  EXPECT_EQ(content.db_type(), GetParam());
  const bool seeks = std::string(GetParam()) != "minidb";
  EXPECT_EQ(content.has_key(), seeks);
  EXPECT_EQ(content.key(), seeks ? "05" : "");
  Blob copy;
  EXPECT_THAT(BlobFromProto(*proto, &copy),
              FailsWith(StatusCode::kPermissionDenied, path_ + "\" may not be opened here"));
  Limits limits;
  limits.file_access = FileAccess::Within(testing::TempDir());
  ASSERT_TRUE(BlobFromProto(*proto, &copy, limits).ok());
  EXPECT_EQ(copy.TypeName(), "DBReader");
  EXPECT_EQ(Next(*copy.Get<DatabaseReader>()), seeks ? "05" : "00");
}

TEST_P(DatabaseReaderTest, RejectsShardsThatAreNone) {
  Write({{"a", "1"}, {"b", "2"}});
  DatabaseReader reader;
  for (const auto& [shards, shard] : {std::pair(0, 0), std::pair(2, 2), std::pair(2, -1)}) {
    EXPECT_THAT(reader.Open(GetParam(), path_, shards, shard),
                FailsWith(StatusCode::kInvalidArgument, "no shard"));
  }
  EXPECT_THAT(reader.Open(GetParam(), path_, 3, 2), FailsWith(StatusCode::kOutOfRange, path_));
  EXPECT_FALSE(reader.IsOpen());
}

TEST_P(DatabaseReaderTest, RejectsToReadWhereNothingIs) {
  std::string key, value;
  DatabaseReader reader;
  EXPECT_THAT(reader.Read(&key, &value), FailsWith(StatusCode::kFailedPrecondition, "not open"));
  EXPECT_THAT(reader.SeekToFirst(), FailsWith(StatusCode::kFailedPrecondition, "not open"));
  EXPECT_FALSE(reader.NewCursor().ok());
  EXPECT_FALSE(reader.ToProto("r").ok());
  Write({});
  ASSERT_TRUE(reader.Open(GetParam(), path_).ok());
  EXPECT_THAT(reader.Read(&key, &value), FailsWith(StatusCode::kOutOfRange, "no records"));
  EXPECT_FALSE(reader.Open(GetParam(), path_ + "x").ok());
  EXPECT_TRUE(reader.IsOpen()) << "after an error the reader is as before";
}

TEST(DatabaseReaderFilesTest, ADamagedRecordIsAnErrorUntilTheReaderBeginsAnew) {
  const std::string path = TemporaryPath("database");
  ASSERT_TRUE(WriteRecords("minidb", path, DatabaseMode::kNew, TenRecords()).ok());
  WriteWholeFile(path, ReadWholeFile(path).substr(0, 30));
  DatabaseReader reader;
  ASSERT_TRUE(reader.Open("minidb", path).ok());
  std::string key, value;
  EXPECT_TRUE(reader.Read(&key, &value).ok());
  EXPECT_TRUE(reader.Read(&key, &value).ok());
  EXPECT_EQ(key, "01");
  EXPECT_THAT(reader.Read(&key, &value), FailsWith(StatusCode::kDataLoss, "record 2"));
  EXPECT_THAT(reader.Read(&key, &value), FailsWith(StatusCode::kDataLoss, "record 2"));
  EXPECT_TRUE(reader.SeekToFirst().ok());
  EXPECT_TRUE(reader.Read(&key, &value).ok());
  EXPECT_EQ(key, "00");
}

TEST(DatabaseReaderFilesTest, RejectsMessagesThatAreNone) {
  BlobProto proto;
  proto.set_name("r");
  proto.set_type("DBReader");
  proto.set_content("\x07");
  Blob blob;
  EXPECT_FALSE(BlobFromProto(proto, &blob).ok());
  DBReaderProto reader;
  reader.set_db_type("lmdb");
  reader.set_source("/does/not/exist");
  proto.set_content(reader.SerializeAsString());
  Limits limits;
  limits.file_access = FileAccess::Within("/");
  EXPECT_THAT(BlobFromProto(proto, &blob, limits),
              FailsWith(StatusCode::kNotFound, "/does/not/exist"));
  EXPECT_TRUE(blob.IsEmpty());
}

}  // namespace
}  // namespace doppio
