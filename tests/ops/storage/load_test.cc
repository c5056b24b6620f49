#include "doppio/database.h"
#include "doppio/net_builder.h"
#include "doppio/predictor.h"
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

// Every operator that opens files, each with a path that leads out of the root folder.
class ForeignNetTest : public StorageTest {
 protected:
  std::vector<OperatorDef> Defs(const std::string& path) const {
    const std::vector<Argument> anywhere = {Arg("absolute_path", true)};
    std::vector<OperatorDef> defs = {
        SaveDef({"X"}, path, anywhere),
        LoadDef({"X"}, {path}, anywhere),
        Def("Checkpoint", {"iter", "X"}, {},
            {Arg("db", path), Arg<std::string>("db_type", "minidb"), Arg("every", 1), anywhere[0]}),
        Def("DBExists", {}, {"exists"},
            {Arg("db_name", path), Arg<std::string>("db_type", "minidb"), anywhere[0]}),
        Def("CreateDB", {}, {"reader"}, {Arg("db", path), Arg<std::string>("db_type", "minidb")}),
        Def("CreateTextFileReader", {}, {"text"},
            {Arg("filename", path), Arg("field_types", std::vector<int64_t>{1})})};
    for (OperatorDef& def : defs) def.set_name(def.type());
    return defs;
  }
  absl::Status Run(const OperatorDef& def) {
    Feed("X", X());
    Feed("iter", Tensor::Of<int64_t>({1}, {1}));
    return workspace_.RunOperatorOnce(def);
  }
};

TEST_F(ForeignNetTest, OpensNoFileOutsideOfTheRootFolder) {
  const std::string outside = folder_ + "_outside";
  for (const std::string& path : {outside, folder_ + "/../" + outside.substr(5)}) {
    for (const OperatorDef& def : Defs(path)) {
      const absl::Status status = Run(def);
      EXPECT_TRUE(absl::IsPermissionDenied(status)) << def.type() << ": " << status;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(outside));
}

TEST_F(ForeignNetTest, OpensNoneWhereNoneMayBe) {
  SaveXAndY();
  workspace_.SetFileAccess(FileAccess::None());
  for (const OperatorDef& def : Defs(PathOf("db"))) {
    const absl::Status status = Run(def);
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << def.type() << ": " << status;
  }
}

TEST_F(ForeignNetTest, OpensTheFilesThatTheHostAllows) {
  const std::string folder = folder_ + "_allowed";
  std::filesystem::create_directory(folder);
  workspace_.SetFileAccess(FileAccess::Within(folder));
  std::ofstream(folder + "/text") << "1\n";
  for (const OperatorDef& def : Defs(folder + "/db")) {
    if (def.type() == "CreateTextFileReader") continue;
    EXPECT_TRUE(Run(def).ok()) << def.type() << ": " << Run(def);
  }
  EXPECT_TRUE(Run(Defs(folder + "/text").back()).ok());
  std::filesystem::remove_all(folder);
}

// If and While run nets in workspaces of their own.
TEST_F(ForeignNetTest, NetsInsideOperatorsMayOpenNoMore) {
  Feed("condition", Tensor::Of<bool>({}, {true}));
  NetDef then;
  *then.add_op() = Defs(folder_ + "_outside")[0];
  then.add_external_input("X");
  const absl::Status status = Run(Def("If", {"condition", "X"}, {}, {Arg("then_net", then)}));
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
}

// A blob in a file may be a reader, and names the database that it reads.
TEST_F(ForeignNetTest, AReaderInACheckpointOpensNoOtherFile) {
  SaveXAndY();
  MustRun("CreateDB", {}, {"reader"},
          {Arg("db", PathOf("db")), Arg<std::string>("db_type", "minidb")});
  Must(SaveDef({"reader"}, "readers"));
  Must(LoadDef({"reader"}, {"readers"}));
  const std::string inner = PathOf("inner");
  std::filesystem::create_directory(inner);
  std::filesystem::rename(PathOf("readers"), inner + "/readers");
  ASSERT_TRUE(workspace_.ResetWorkspace(inner).ok());
  const absl::Status status = workspace_.RunOperatorOnce(LoadDef({"reader"}, {"readers"}));
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
}

TEST_F(ForeignNetTest, APredictorOpensTheFilesThatItsOptionsAllow) {
  Feed("w", Tensor::Of<float>({1}, {2}));
  Must(SaveDef({"w"}, "weights"));
  NetDef init;
  *init.add_op() = LoadDef({"w"}, {PathOf("weights")}, {Arg("absolute_path", true)});
  const NetDef net = NetBuilder("net").Op("Add", {"x", "w"}, {"y"}).def();
  PredictorOptions options;
  options.file_access = FileAccess::None();
  EXPECT_TRUE(absl::IsPermissionDenied(Predictor::Create(init, net, options).status()));
  options.file_access = FileAccess::Within(folder_);
  EXPECT_TRUE(Predictor::Create(init, net, options).ok());
}

}  // namespace
}  // namespace doppio
