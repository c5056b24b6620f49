#include "doppio/database.h"
#include "doppio/schema.h"
#include "doppio/serialize.h"
#include "tests/ops/storage/storage_test.h"

namespace doppio {
namespace {

using LoadTest = StorageTest;

TEST_F(LoadTest, TakesNamesAsItIsTold) {
  SaveXAndY();
  Must(LoadDef({"Z"}, {"db"}, {Arg("source_blob_names", Names({"X"}))}));
  ExpectBlob("Z", X());
  Must(LoadDef({"new/X"}, {"db"}, {Arg<std::string>("add_prefix", "new/")}));
  ExpectBlob("new/X", X());
  Must(SaveDef({"new/X"}, "prefixed"));
  Must(LoadDef({"old/X"}, {"prefixed"},
               {Arg<std::string>("strip_prefix", "new/"), Arg<std::string>("add_prefix", "old/")}));
  ExpectBlob("old/X", X());
}

TEST_F(LoadTest, ReadsSeveralDatabases) {
  SaveXAndY();
  Feed("Z", X());
  Must(SaveDef({"Z"}, "db2"));
  ASSERT_TRUE(workspace_.ResetWorkspace(folder_).ok());
  Must(LoadDef({"X", "Z"}, {"db", "db2"}));
  EXPECT_EQ(workspace_.Blobs(), Names({"X", "Z"}));
  Must(LoadDef({"Y"}, {"db", "db2"}, {Arg("load_all", 1)}));
  EXPECT_EQ(workspace_.Blobs(), Names({"X", "Y", "Z"}));
}

TEST_F(LoadTest, MayLeaveOutWhatIsMissing) {
  SaveXAndY();
  Feed("kept", Tensor::Scalar<float>(5));
  Must(LoadDef({"X", "kept", "new"}, {"db"}, {Arg("allow_incomplete", 1)}));
  ExpectBlob("kept", Tensor::Scalar<float>(5));
  EXPECT_FALSE(workspace_.HasBlob("new"));
}

TEST_F(LoadTest, InfersTheShapeThatItIsTold) {
  SaveXAndY();
  const std::vector<Argument> shape = {Arg("shape", std::vector<int64_t>({2, 2}))};
  const OperatorDef def = LoadDef({"X"}, {"db"}, shape);
  const auto infos = OpSchemaRegistry::Schema("Load")->Infer(def, {});
  ASSERT_TRUE(infos.ok()) << infos.status();
  EXPECT_EQ((*infos)[0].dtype, DataType::kFloat);
  EXPECT_EQ((*infos)[0].dims, Dims({2, 2}));
  Must(def);
}

class LoadRejectionTest : public StorageTest {
 protected:
  // Whatever a Load does that fails, these stay.
  void FeedOld() {
    Feed("X", Tensor::Scalar<float>(1));
    Feed("Y", Tensor::Scalar<float>(2));
  }
  void ExpectOld() {
    ExpectBlob("X", Tensor::Scalar<float>(1));
    ExpectBlob("Y", Tensor::Scalar<float>(2));
  }
};

TEST_F(LoadRejectionTest, NamesAllBlobsThatAreMissing) {
  SaveXAndY();
  FeedOld();
  ExpectFailure(LoadDef({"X", "a", "Y", "b"}, {"db"}), "\"a\", \"b\"");
  ExpectFailure(LoadDef({"X", "a"}, {"db"}, {Arg("load_all", 1)}), "\"a\"");
  ExpectOld();
}

TEST_F(LoadRejectionTest, BlobsThatComeTwice) {
  SaveXAndY();
  Must(SaveDef({"X"}, "again"));
  Feed("a/X", X());
  Feed("b/X", X());
  Must(SaveDef({"a/X", "b/X"}, "prefixes"));
  FeedOld();
  ExpectFailure(LoadDef({"X"}, {"db", "again"}), "comes twice");
  ExpectFailure(LoadDef({}, {"db", "again"}, {Arg("load_all", 1)}), "comes twice");
  ExpectFailure(
      LoadDef({}, {"prefixes"}, {Arg("load_all", 1), Arg<std::string>("strip_prefix", "/")}),
      "comes twice");
  ExpectOld();
}

TEST_F(LoadRejectionTest, OtherShapesAndTypesThanAreTold) {
  SaveXAndY();
  FeedOld();
  const auto shape = [](std::vector<int64_t> dims) { return Arg("shape", dims); };
  ExpectFailure(LoadDef({"X"}, {"db"}, {shape({4})}), "\"X\" is float[2,2]");
  ExpectFailure(LoadDef({"X"}, {"db"}, {shape({2, 2}), Arg("dtype", 2)}), "\"X\" is float[2,2]");
  ExpectOld();
}

TEST_F(LoadRejectionTest, ADatabaseWhereverItIsCutOff) {
  SaveXAndY();
  const std::string bytes = Bytes("db");
  FeedOld();
  for (size_t size = 0; size < bytes.size(); ++size) {
    SetBytes("db", bytes.substr(0, size));
    EXPECT_FALSE(workspace_.RunOperatorOnce(LoadDef({"X", "Y"}, {"db"})).ok()) << size;
  }
  ExpectOld();
}

TEST_F(LoadRejectionTest, NothingIsHalfLoadedWhenBitsAreFlipped) {
  SaveXAndY();
  const std::string bytes = Bytes("db");
  FeedOld();
  int failures = 0;
  for (size_t i = 0; i < 8 * bytes.size(); i += 3) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    SetBytes("db", damaged);
    if (workspace_.RunOperatorOnce(LoadDef({"X", "Y"}, {"db"})).ok()) {
      FeedOld();  // a value that is another one: minidb has no checksums
      continue;
    }
    ++failures;
    ExpectOld();
  }
  EXPECT_GT(failures, 100);
}

TEST_F(LoadRejectionTest, BlobsWithoutAllTheirChunks) {
  Feed("X", Tensor::Of<float>({5}, {1, 2, 3, 4, 5}));
  Must(SaveDef({"X"}, "db", {Arg("chunk_size", 2)}));
  const auto whole = OpenDatabase("minidb", PathOf("db"), DatabaseMode::kRead);
  const auto cursor = (*whole)->NewCursor();
  const auto part = OpenDatabase("minidb", PathOf("part"), DatabaseMode::kNew);
  DatabaseTransaction transaction(*part);
  while ((*cursor)->Valid()) {
    if ((*cursor)->Key() != "X#%1") {
      transaction.Put(std::string((*cursor)->Key()), std::string((*cursor)->Value()));
    }
    ASSERT_TRUE((*cursor)->Next().ok());
  }
  ASSERT_TRUE(transaction.Commit().ok());
  ASSERT_TRUE((*part)->Close().ok());
  FeedOld();
  ExpectFailure(LoadDef({"X"}, {"part"}), "elements [2,4) of 5 are missing");
  ExpectOld();
}

TEST_F(LoadRejectionTest, ArgumentsThatCanNotBe) {
  SaveXAndY();
  const auto names = [](const Names& list) { return Arg("source_blob_names", list); };
  ExpectFailure(Def("Load", {}, {"X"}, {Arg<std::string>("db", "db")}), "db_type is not given");
  ExpectFailure(Def("Load", {}, {"X"}, {Arg<std::string>("db_type", "minidb")}), "neither db");
  ExpectFailure(LoadDef({"X"}, {""}), "empty");
  ExpectFailure(LoadDef({"X"}, {"db", "db"}), "given twice");
  ExpectFailure(LoadDef({"X", "Y"}, {"db"}, {names({"X"})}), "1 names for 2 outputs");
  ExpectFailure(LoadDef({"a", "b"}, {"db"}, {names({"X", "X"})}), "asked for twice");
  ExpectFailure(LoadDef({"a"}, {"db"}, {names({"X"}), Arg("load_all", 1)}), "load_all");
  ExpectFailure(LoadDef({"a"}, {"db"}, {names({"X"}), Arg<std::string>("strip_prefix", "p")}),
                "strip_prefix");
  ExpectFailure(LoadDef({"X"}, {"db"}, {}, "rocksdb"), "rocksdb");
  ExpectFailure(Def("Load", {"X"}, {"Y"}), "must be a reader");
}

TEST_F(LoadRejectionTest, BlobsOfADeviceThatIsNotThere) {
  BlobProto proto;
  proto.set_name("X");
  proto.set_type("Tensor");
  *proto.mutable_tensor() = *TensorToProto(*X(), "X");
  proto.mutable_tensor()->mutable_device_detail()->set_device_type(PROTO_CUDA);
  const auto database = OpenDatabase("minidb", PathOf("db"), DatabaseMode::kNew);
  ASSERT_TRUE((*database)->Write({DatabaseRecord{"X", proto.SerializeAsString()}}).ok());
  ASSERT_TRUE((*database)->Close().ok());
  ExpectFailure(LoadDef({"X"}, {"db"}, {Arg("keep_device", 1)}), "CUDA");
  Must(LoadDef({"X"}, {"db"}));
  ExpectBlob("X", X());
}

using CreateDBTest = StorageTest;

TEST_F(CreateDBTest, OpensOneShard) {
  Feed("X", Tensor::Of<float>({5}, {1, 2, 3, 4, 5}));
  Must(SaveDef({"X"}, "db", {Arg("chunk_size", 1)}, "lmdb"));
  const std::vector<Argument> arguments = {Arg("db", PathOf("db")),
                                           Arg<std::string>("db_type", "lmdb"),
                                           Arg("num_shards", 2), Arg("shard_id", 1)};
  MustRun("CreateDB", {}, {"reader"}, arguments);
  const auto next = [&] {
    std::string key, value;
    EXPECT_TRUE(workspace_.FindBlob("reader")->Get<DatabaseReader>()->Read(&key, &value).ok());
    return key;
  };
  EXPECT_EQ(next(), "X#%1");
  EXPECT_EQ(next(), "X#%3");
  EXPECT_EQ(next(), "X#%1");
  MustRun("CreateDB", {}, {"reader"}, arguments);
  EXPECT_EQ(next(), "X#%1") << "it begins anew";
}

TEST_F(CreateDBTest, RejectsArgumentsThatCanNotBe) {
  SaveXAndY();
  const auto def = [&](const std::string& db, const std::string& type, int shards, int shard) {
    return Def(
        "CreateDB", {}, {"reader"},
        {Arg("db", db), Arg("db_type", type), Arg("num_shards", shards), Arg("shard_id", shard)});
  };
  ExpectFailure(def("", "minidb", 1, 0), "path, is empty");
  ExpectFailure(def(PathOf("db"), "oracle", 1, 0), "no databases of type \"oracle\"");
  ExpectFailure(def(PathOf("db"), "minidb", 0, 0), "no shard 0 of 0");
  ExpectFailure(def(PathOf("db"), "minidb", 2, 2), "no shard 2 of 2");
  ExpectFailure(def(PathOf("db"), "minidb", 5, 4), "no record of number 4");
  ExpectFailure(Def("DBExists", {}, {"e"},
                    {Arg<std::string>("db_name", "db"), Arg<std::string>("db_type", "oracle")}),
                "which is none of");
}

}  // namespace
}  // namespace doppio
