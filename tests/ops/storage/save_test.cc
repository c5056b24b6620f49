#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "doppio/database.h"
#include "doppio/registry.h"
#include "tests/ops/storage/storage_test.h"
#include "tests/support/map_scope.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

class StorageTypesTest : public StorageTest, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Types, StorageTypesTest, testing::Values("minidb", "leveldb", "lmdb"),
                         [](const auto& type) { return std::string(type.param); });

TEST_P(StorageTypesTest, LoadGivesWhatSaveWasGiven) {
  SaveXAndY(GetParam());
  EXPECT_EQ(Keys("db", GetParam()), Names({"X#%0", "Y#%0"}));
  Feed("X", Tensor::Scalar<bool>(true));
  ASSERT_TRUE(workspace_.RemoveBlob("Y").ok());
  Must(LoadDef({"X", "Y"}, {"db"}, {}, GetParam()));
  ExpectBlob("X", X());
  ExpectBlob("Y", Y());
}

TEST_P(StorageTypesTest, SaveReplacesADatabase) {
  SaveXAndY(GetParam());
  Feed("Z", Tensor::Scalar<int64_t>(7));
  Must(SaveDef({"Z"}, "db", {}, GetParam()));
  EXPECT_EQ(Keys("db", GetParam()), Names({"Z#%0"}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_P(StorageTypesTest, ASaveThatFailsLeavesTheLastDatabase) {
  SaveXAndY(GetParam());
  MustRun("CreateAtomicBool", {}, {"flag"});  // has no serializer
  ExpectFailure(SaveDef({"X", "flag"}, "db", {}, GetParam()), "\"flag\"");
  EXPECT_EQ(Keys("db", GetParam()), Names({"X#%0", "Y#%0"}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_P(StorageTypesTest, AReaderStaysWhereItIsWhenLoadReadsFromIt) {
  SaveXAndY(GetParam());
  MustRun("CreateDB", {}, {"reader"},
          {Arg("db", PathOf("db")), Arg<std::string>("db_type", GetParam())});
  Feed("X", Tensor::Scalar<bool>(true));
  Must(Def("Load", {"reader"}, {"Y"}));
  Must(Def("Load", {"reader"}, {"X"}));
  ExpectBlob("X", X());
  ExpectBlob("Y", Y());
  std::string key, value;
  ASSERT_TRUE(workspace_.FindBlob("reader")->Get<DatabaseReader>()->Read(&key, &value).ok());
  EXPECT_EQ(key, "X#%0");
}

TEST_P(StorageTypesTest, DBExistsTellsWhetherThereIsOne) {
  const auto exists = [&](const std::string& name) {
    MustRun("DBExists", {}, {"exists"},
            {Arg("db_name", name), Arg<std::string>("db_type", GetParam())});
    return Scalar<bool>("exists");
  };
  EXPECT_FALSE(exists("db"));
  EXPECT_FALSE(fs::exists(PathOf("db"))) << "looking made something";
  SaveXAndY(GetParam());
  EXPECT_TRUE(exists("db"));
}

TEST_P(StorageTypesTest, RejectsADatabaseThatAnotherProcessHolds) {
  SaveXAndY(GetParam());
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready) + pipe(done), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = OpenDatabase(GetParam(), PathOf("db"), DatabaseMode::kWrite);
    char byte = held.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) < 0) _exit(1);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  ExpectFailure(SaveDef({"X"}, "db", {}, GetParam()), PathOf("db"));
  MustRun("DBExists", {}, {"exists"},
          {Arg<std::string>("db_name", "db"), Arg<std::string>("db_type", GetParam())});
  EXPECT_TRUE(Scalar<bool>("exists"));
  ASSERT_EQ(write(done[1], "x", 1), 1);
  int status = 0;
  waitpid(child, &status, 0);
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) close(fd);
  EXPECT_EQ(Keys("db", GetParam()), Names({"X#%0", "Y#%0"}));
}

// Where no file may grow beyond some bytes, as on a full disk.
TEST_P(StorageTypesTest, AFullDiskLeavesTheLastDatabase) {
  SaveXAndY(GetParam());
  Feed("large", Floats(50'000));
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 50'000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = workspace_.RunOperatorOnce(SaveDef({"large"}, "db", {}, GetParam()));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(PathOf("db")), absl::string_view::npos) << status;
  EXPECT_EQ(Keys("db", GetParam()), Names({"X#%0", "Y#%0"}));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_P(StorageTypesTest, AFullFileSystemLeavesTheLastDatabase) {
  fs::create_directory(PathOf("small"));
  if (mount("tmpfs", PathOf("small").c_str(), "tmpfs", 0, "size=512k") != 0) {
    GTEST_SKIP() << "no small file system can be mounted: " << std::strerror(errno);
  }
  Feed("X", X());
  Feed("large", Floats(500'000));
  Must(SaveDef({"X"}, "small/db", {}, GetParam()));
  const absl::Status status =
      workspace_.RunOperatorOnce(SaveDef({"large"}, "small/db", {}, GetParam()));
  const std::vector<std::string> keys = Keys("small/db", GetParam());
  umount2(PathOf("small").c_str(), MNT_DETACH);
  // LMDB does not tell why it could write a part only.
  EXPECT_TRUE(absl::IsResourceExhausted(status) ||
              status.message().find("full disk") != absl::string_view::npos)
      << status;
  EXPECT_EQ(keys, Names({"X#%0"}));
}

// LevelDB has a thread, which a forked child lacks; its folders are replaced as those of LMDB are.
TEST_F(StorageTest, AProcessThatIsKilledLeavesTheLastDatabase) {
  for (const std::string type : {"minidb", "lmdb"}) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    for (int64_t i = 0; child == 0; ++i) {
      const absl::StatusOr<Tensor> number = Tensor::Scalar<int64_t>(i);
      if (!workspace_.Feed("first", number).ok() ||
          !workspace_.Feed("large", Floats(10'000)).ok() || !workspace_.Feed("last", number).ok() ||
          !workspace_.RunOperatorOnce(SaveDef({"first", "large", "last"}, type, {}, type)).ok()) {
        _exit(1);
      }
    }
    for (int waited = 0; waited < 1000 && !fs::exists(PathOf(type)); ++waited) usleep(10'000);
    usleep(50'000);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "a Save failed";
    Must(LoadDef({"first", "last"}, {type}, {}, type));
    EXPECT_EQ(Scalar<int64_t>("first"), Scalar<int64_t>("last"));
  }
}

TEST_P(StorageTypesTest, RejectsDatabasesThatAreNone) {
  SetBytes("text", "this is a text, and no database of any type");
  ExpectFailure(LoadDef({"X"}, {"text"}, {}, GetParam()), PathOf("text"));
  ExpectFailure(LoadDef({"X"}, {"nothing"}, {}, GetParam()), PathOf("nothing"));
  ExpectFailure(Def("CreateDB", {}, {"reader"},
                    {Arg("db", PathOf("nothing")), Arg<std::string>("db_type", GetParam())}),
                PathOf("nothing"));
}

using SaveTest = StorageTest;

TEST_F(SaveTest, WritesTensorsInChunks) {
  Feed("X", Tensor::Of<float>({5}, {1, 2, 3, 4, 5}));
  Must(SaveDef({"X"}, "db", {Arg("chunk_size", 2)}));
  EXPECT_EQ(Keys("db"), Names({"X#%0", "X#%1", "X#%2"}));
  Must(LoadDef({"X"}, {"db"}));
  ExpectBlob("X", Tensor::Of<float>({5}, {1, 2, 3, 4, 5}));
  Must(SaveDef({"X"}, "db", {Arg("chunk_size", 0)}));
  EXPECT_EQ(Keys("db"), Names({"X#%0"}));
}

TEST_F(SaveTest, TakesTheFirstOptionsThatMatch) {
  Feed("a16", Tensor::Of<float>({4}, {1, 2, 3, 4}));
  Feed("b16", Tensor::Of<float>({4}, {1, 2, 3, 1.00001f}));
  Feed("c", Tensor::Of<float>({4}, {1, 2, 3, 4}));
  SerializationOptions options;
  options.add_options()->set_blob_name_regex("a16");
  options.mutable_options(0)->set_chunk_size(-1);
  options.add_options()->set_blob_name_regex(".*16");
  options.mutable_options(1)->set_chunk_size(2);
  options.mutable_options(1)->set_float_format(BlobSerializationOptions::FLOAT_BFLOAT16);
  Must(SaveDef({"a16", "b16", "c"}, "db",
               {Arg("options", options.SerializeAsString()), Arg("chunk_size", 3)}));
  EXPECT_EQ(Keys("db"), Names({"a16#%0", "b16#%0", "b16#%1", "c#%0", "c#%1"}));
  Must(LoadDef({"b16"}, {"db"}));
  ExpectBlob("b16", Tensor::Of<float>({4}, {1, 2, 3, 1}));
}

TEST_F(SaveTest, NamesBlobsAsItIsTold) {
  Feed("gpu_0/w", X());
  Feed("b", X());
  Must(SaveDef({"gpu_0/w", "b"}, "db", {Arg<std::string>("strip_prefix", "0/")}));
  EXPECT_EQ(Keys("db"), Names({"w#%0", "b#%0"}));
  Must(SaveDef({"gpu_0/w", "b"}, "db", {Arg("blob_name_overrides", Names({"one", "two"}))}));
  EXPECT_EQ(Keys("db"), Names({"one#%0", "two#%0"}));
}

TEST_F(SaveTest, TakesAbsolutePaths) {
  Feed("X", X());
  Must(SaveDef({"X"}, PathOf("here"), {Arg("absolute_path", 1)}));
  EXPECT_EQ(Keys("here"), Names({"X#%0"}));
  Must(LoadDef({"X"}, {PathOf("here")}, {Arg("absolute_path", 1)}));
}

TEST_F(SaveTest, WritesEveryBlobThatHasASerializer) {
  Feed("keys", Tensor::Of<int64_t>({2}, {5, 7}));
  Feed("values", Tensor::Of<int64_t>({2}, {1, 2}));
  MustRun("CreateCounter", {}, {"counter"}, {Arg("init_count", 12)});
  MustRun("CreateMutex", {}, {"mutex"});
  MustRun("FeedBlob", {}, {"text"}, {Arg<std::string>("value", "abc")});
  MustRun("KeyValueToMap", {"keys", "values"}, {"map"});
  MustRun("LongIndexCreate", {}, {"index"});
  MustRun("IndexGet", {"index", "keys"}, {"places"});
  SaveXAndY();
  MustRun("CreateDB", {}, {"reader"},
          {Arg("db", PathOf("db")), Arg<std::string>("db_type", "minidb")});
  const Names blobs = {"counter", "mutex", "text", "map", "index", "reader"};
  Must(SaveDef(blobs, "others"));
  EXPECT_EQ(Keys("others"), blobs);
  ASSERT_TRUE(workspace_.ResetWorkspace(folder_).ok());
  Must(LoadDef({}, {"others"}, {Arg("load_all", 1)}));
  EXPECT_EQ(workspace_.Blobs(), Names({"counter", "index", "map", "mutex", "reader", "text"}));
  EXPECT_EQ(*workspace_.FindBlob("text")->Get<std::string>(), "abc");
  EXPECT_EQ(workspace_.FindBlob("mutex")->TypeName(), "Mutex");
  MustRun("RetrieveCount", {"counter"}, {"count"});
  EXPECT_EQ(Scalar<int64_t>("count"), 12);
  MustRun("IndexSize", {"index"}, {"size"});
  EXPECT_EQ(Scalar<int64_t>("size"), 3);
  MustRun("MapToKeyValue", {"map"}, {"k", "v"});
  ExpectBlob("k", Tensor::Of<int64_t>({2}, {5, 7}));
  Must(Def("Load", {"reader"}, {"X"}));
  ExpectBlob("X", X());
}

TEST_F(SaveTest, RejectsArgumentsThatCanNotBe) {
  Feed("X", X());
  Feed("Y", X());
  ExpectFailure(SaveDef({"X"}, ""), "path, is empty");
  ExpectFailure(SaveDef({"X"}, "db", {}, "rocksdb"), "no databases of type \"rocksdb\"");
  ExpectFailure(SaveDef({"X", "X"}, "db"), "called \"X\"");
  ExpectFailure(SaveDef({"X", "Y"}, "db", {Arg("blob_name_overrides", Names({"a", "a"}))}),
                "called \"a\"");
  ExpectFailure(SaveDef({"X", "Y"}, "db", {Arg("blob_name_overrides", Names({"a"}))}),
                "1 names for 2 blobs");
  ExpectFailure(
      SaveDef({"X"}, "db",
              {Arg("blob_name_overrides", Names({"a"})), Arg<std::string>("strip_prefix", "p")}),
      "two ways");
  ExpectFailure(SaveDef({"X"}, "db", {Arg("chunk_size", -2)}), "chunk_size is -2");
  ExpectFailure(SaveDef({"X"}, "db", {Arg<std::string>("options", "\x07")}),
                "no serialised SerializationOptions");
  ExpectFailure(SaveDef({"X"}, "no_such_folder/db"), "no_such_folder");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(SaveTest, RejectsBlobsWithoutAValue) {
  workspace_.CreateBlob("empty");
  ExpectFailure(SaveDef({"empty"}, "db"), "\"empty\"");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(SaveTest, RejectsToBeMadeOutsideAWorkspace) {
  MapScope scope;
  scope.Feed("X", *X());
  for (const OperatorDef& def : {SaveDef({"X"}, "db"), LoadDef({"X"}, {"db"})}) {
    EXPECT_FALSE(CreateOperator(def, &scope).ok()) << def.type();
  }
}

using CheckpointTest = StorageTest;

TEST_F(CheckpointTest, SavesEverySoManyIterations) {
  Feed("X", X());
  for (const char* type : {"Checkpoint", "Snapshot"}) {
    for (int64_t iter = 0; iter <= 20; iter += 5) {
      Feed("iter", Tensor::Of<int64_t>({1}, {iter}));
      MustRun(type, {"iter", "X"}, {},
              {Arg("db", absl::StrCat(type, "_%04d.minidb")), Arg("every", 10),
               Arg<std::string>("db_type", "minidb")});
    }
    EXPECT_EQ(Keys(absl::StrCat(type, "_0020.minidb")), Names({"iter#%0", "X#%0"}));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 6);
}

TEST_F(CheckpointTest, RejectsPatternsAndIterationsThatAreNone) {
  Feed("X", X());
  Feed("iter", Tensor::Of<int64_t>({1}, {3}));
  const auto def = [](const Names& inputs, const std::string& db, int every) {
    return Def("Checkpoint", inputs, {},
               {Arg("db", db), Arg("every", every), Arg<std::string>("db_type", "minidb")});
  };
  for (const char* pattern : {"%s", "%n", "%*d", "%d%d", "%", "%2$d"}) {
    ExpectFailure(def({"iter", "X"}, pattern, 1), "printf");
  }
  ExpectFailure(def({"iter", "X"}, "", 1), "path, is empty");
  ExpectFailure(def({"iter", "X"}, "c_%d", 0), "every is 0");
  ExpectFailure(def({"X", "iter"}, "c_%d", 1), "must be an int64 of one element");
  EXPECT_TRUE(fs::is_empty(folder_));
  Must(def({"iter", "X"}, "100%%", 1));
  EXPECT_TRUE(fs::exists(PathOf("100%")));
}

}  // namespace
}  // namespace doppio
