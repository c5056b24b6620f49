#include <filesystem>
#include <vector>

#include "doppio/database.h"
#include "doppio/image.h"
#include "doppio/serialize.h"
#include "doppio/tensor_io.h"
#include "tests/support/tensor_match.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class DbTest : public CommandTest {
 protected:
  // `count` records: "data" with two numbers, and "label".
  std::string Arrays(int64_t count) {
    Tensor data = *Tensor::Create(DataType::kFloat, {count, 2});
    Tensor label = *Tensor::Create(DataType::kInt32, {count});
    for (int64_t i = 0; i < count; ++i) {
      data.mutable_data<float>()[2 * i] = static_cast<float>(i);
      data.mutable_data<float>()[2 * i + 1] = 0.5F;
      label.mutable_data<int32_t>()[i] = static_cast<int32_t>(i % 3);
    }
    const std::string path = Path("arrays.npz");
    EXPECT_TRUE(SaveTensors({{"data", data}, {"label", label}}, path).ok());
    return path;
  }
  std::string Pictures() {
    for (const char* name : {"cat/b.png", "cat/a.png", "dog/1.png"}) {
      const std::string path = Path("pictures/") + name;
      fs::create_directories(fs::path(path).parent_path());
      EXPECT_TRUE(SavePng(*Tensor::Of<uint8_t>({1, 1, 3}, {1, 2, 3}), path).ok());
    }
    return Path("pictures");
  }

  struct Record {
    std::string key;
    std::vector<Tensor> tensors;
  };
  static std::vector<Record> RecordsOf(const std::string& type, const std::string& path) {
    std::vector<Record> records;
    const auto database = OpenDatabase(type, path, DatabaseMode::kRead);
    EXPECT_TRUE(database.ok()) << database.status();
    if (!database.ok()) return records;
    const auto cursor = *(*database)->NewCursor();
    while (cursor->Valid()) {
      TensorProtos protos;
      EXPECT_TRUE(protos.ParseFromString(std::string(cursor->Value())));
      records.push_back({std::string(cursor->Key()), {}});
      for (const TensorProto& proto : protos.protos()) {
        const absl::StatusOr<Tensor> tensor = TensorFromProto(proto);
        EXPECT_TRUE(tensor.ok()) << tensor.status();
        records.back().tensors.push_back(tensor.ok() ? *tensor : Tensor());
      }
      EXPECT_TRUE(cursor->Next().ok());
    }
    return records;
  }
  // The first number of each record.
  static std::vector<float> Order(const std::string& type, const std::string& path) {
    std::vector<float> numbers;
    for (const Record& record : RecordsOf(type, path)) {
      numbers.push_back(record.tensors[0].data<float>()[0]);
    }
    return numbers;
  }
};

TEST_F(DbTest, RowsOfArraysBecomeRecords) {
  for (const std::string type : {"minidb", "leveldb", "lmdb"}) {
    const std::string path = Path("new." + type);
    const CommandResult made = Doppio({"db", "make", path, "--from", Arrays(4)});
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_EQ(made.out, "4 records -> " + path + " (" + type + ")\n");
    const std::vector<Record> records = RecordsOf(type, path);
    ASSERT_EQ(records.size(), 4U);
    EXPECT_EQ(records[3].key, "00000003");
    EXPECT_TRUE(TensorEquals(records[3].tensors[0], Tensor::Of<float>({2}, {3, 0.5F})));
    EXPECT_TRUE(TensorEquals(records[3].tensors[1], Tensor::Of<int32_t>({}, {0})));
  }
}

TEST_F(DbTest, FilesWithOneArrayAreNamed) {
  const std::string x = Save("x.npy", Tensor::Of<uint8_t>({2, 1, 2}, {1, 2, 3, 255}));
  const std::string y = Save("y.npy", Tensor::Of<int64_t>({2}, {7, 8}));
  const std::string path = Path("new");
  ASSERT_EQ(Doppio({"db", "make", path, "--type", "lmdb", "--from", "data=" + x, "--from", y}).code,
            0);
  const std::vector<Record> records = RecordsOf("lmdb", path);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_TRUE(TensorEquals(records[1].tensors[0], Tensor::Of<uint8_t>({1, 2}, {3, 255})));
  const CommandResult shown = Doppio({"db", "show", path});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("lmdb, 2 records of TensorProtos"), HasSubstr("data"),
                               HasSubstr("uint8"), HasSubstr("[1,2]"), HasSubstr("int64")));
}

TEST_F(DbTest, ASeedShufflesAndASplitDivides) {
  const std::string arrays = Arrays(10);
  const auto make = [&](const std::string& seed) {
    const CommandResult made = Doppio({"db", "make", Path("a.minidb"), "--from", arrays, "--seed",
                                       seed, "--split", "0.3", Path("b.minidb")});
    EXPECT_EQ(made.code, 0) << made.err;
    std::vector<float> order = Order("minidb", Path("a.minidb"));
    EXPECT_EQ(order.size(), 7U);
    const std::vector<float> rest = Order("minidb", Path("b.minidb"));
    EXPECT_EQ(rest.size(), 3U);
    order.insert(order.end(), rest.begin(), rest.end());
    return order;
  };
  const std::vector<float> one = make("1");
  EXPECT_EQ(one, make("1"));
  EXPECT_NE(one, make("2"));
  EXPECT_THAT(one, testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  ASSERT_EQ(
      Doppio({"db", "make", Path("a.lmdb"), "--from", arrays, "--split", "0.2", Path("b.lmdb")})
          .code,
      0);
  EXPECT_THAT(Order("lmdb", Path("b.lmdb")), ElementsAre(8, 9));
}

TEST_F(DbTest, PicturesHaveTheNumberOfTheirFolderAsLabel) {
  const std::string folder = Pictures();
  Write("pictures/readme", "about them");
  const CommandResult made = Doppio({"db", "make", Path("new.lmdb"), "--pictures", folder});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr("3 records -> "), HasSubstr("1 file beside"),
                              HasSubstr("2 classes -> " + Path("labels.txt"))));
  EXPECT_EQ(Read(Path("labels.txt")), "cat\ndog\n");
  const std::vector<Record> records = RecordsOf("lmdb", Path("new.lmdb"));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].key, "00000000_cat/a.png");
  EXPECT_EQ(records[2].key, "00000002_dog/1.png");
  EXPECT_EQ(records[0].tensors[0].data<std::string>()[0], Read(folder + "/cat/a.png"));
  EXPECT_TRUE(TensorEquals(records[2].tensors[1], Tensor::Of<int32_t>({}, {1})));
  const CommandResult shown = Doppio({"db", "show", Path("new.lmdb")});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("PNG"), HasSubstr("0        2"), HasSubstr("1        1")));
}

TEST_F(DbTest, ShowIsReadableForPrograms) {
  ASSERT_EQ(Doppio({"db", "make", Path("a.minidb"), "--from", Arrays(4)}).code, 0);
  const CommandResult shown = Doppio({"db", "show", Path("a.minidb"), "--json"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("\"type\": \"minidb\""), HasSubstr("\"records\": 4"),
                               HasSubstr("\"shapes\": [\"[2]\"]"), HasSubstr("\"0\": 2"),
                               HasSubstr("\"problem_count\": 0")));
}

TEST_F(DbTest, CheckNamesTheRecordsThatAreDifferentOrBroken) {
  const auto database = *OpenDatabase("minidb", Path("a.minidb"), DatabaseMode::kNew);
  TensorProtos protos;
  protos.add_protos()->add_dims(1);
  protos.mutable_protos(0)->add_float_data(1);
  DatabaseTransaction transaction(database);
  transaction.Put("good", protos.SerializeAsString());
  protos.mutable_protos(0)->add_float_data(2);
  transaction.Put("two", protos.SerializeAsString());
  protos.mutable_protos(0)->Clear();
  protos.mutable_protos(0)->set_data_type(TensorProto::STRING);
  protos.mutable_protos(0)->add_string_data("\x89PNG\r\n\x1a\n cut off");
  transaction.Put("picture", protos.SerializeAsString());
  ASSERT_TRUE(transaction.Commit().ok());
  ASSERT_TRUE(database->Close().ok());
  const CommandResult checked = Doppio({"db", "check", Path("a.minidb")});
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.out, AllOf(HasSubstr("record 1 \"two\" can not be read"),
                                 HasSubstr("record 2 \"picture\""), HasSubstr("2 problems")));
  const CommandResult json = Doppio({"db", "check", Path("a.minidb"), "--json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_THAT(json.out, HasSubstr("\"ok\": false"));
  const CommandResult shown = Doppio({"db", "show", Path("a.minidb")});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, HasSubstr("doppio db check tells them"));
}

TEST_F(DbTest, RejectsWhatIsNoPictureAndWritesNothing) {
  const std::string folder = Pictures();
  Write("pictures/dog/2.png", "no picture");
  const CommandResult made = Doppio(
      {"db", "make", Path("new.lmdb"), "--pictures", folder, "--split", "0.5", Path("other.lmdb")});
  EXPECT_EQ(made.code, 1);
  EXPECT_THAT(made.err, HasSubstr("dog/2.png (4 of 4 pictures, class 1 \"dog\")"));
  EXPECT_FALSE(fs::exists(Path("new.lmdb")));
  EXPECT_FALSE(fs::exists(Path("other.lmdb")));
  EXPECT_FALSE(fs::exists(Path("labels.txt")));
}

TEST_F(DbTest, RejectsToOverwriteNamesOfOtherClasses) {
  Write("labels.txt", "bird\n");
  const CommandResult made = Doppio({"db", "make", Path("new.lmdb"), "--pictures", Pictures()});
  EXPECT_EQ(made.code, 1);
  EXPECT_THAT(made.err, HasSubstr("labels.txt is there, with other classes"));
  EXPECT_EQ(Doppio({"db", "make", Path("new.lmdb"), "--pictures", Pictures(), "--labels",
                    Path("names.txt")})
                .code,
            0);
  EXPECT_EQ(Read(Path("names.txt")), "cat\ndog\n");
  EXPECT_EQ(Read(Path("labels.txt")), "bird\n");
}

TEST_F(DbTest, RejectsArraysThatDoNotGoTogether) {
  const std::string x = Save("x.npy", Tensor::Of<float>({2, 1}, {1, 2}));
  const std::string y = Save("y.npy", Tensor::Of<float>({3}, {1, 2, 3}));
  const std::string one = Save("one.npy", Tensor::Scalar<float>(1));
  const std::string none = Save("none.npy", Tensor::Of<float>({0, 2}, {}));
  const std::string path = Path("a.minidb");
  EXPECT_THAT(Doppio({"db", "make", path, "--from", x, "--from", y}).err,
              AllOf(HasSubstr("\"y\" is float[3]"), HasSubstr("\"x\" is float[2,1]")));
  EXPECT_THAT(Doppio({"db", "make", path, "--from", x, "--from", x}).err,
              HasSubstr("there is an array \"x\" already"));
  EXPECT_THAT(Doppio({"db", "make", path, "--from", one}).err, HasSubstr("has no rows"));
  EXPECT_THAT(Doppio({"db", "make", path, "--from", none}).err, HasSubstr("there are no rows"));
  EXPECT_THAT(Doppio({"db", "make", path, "--from", Path("nothing.npy")}).err,
              HasSubstr("nothing.npy"));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(DbTest, RejectsCommandLinesThatMakeNoSense) {
  const std::string arrays = Arrays(3);
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"db", "mend", "x"}, "no such action: mend"},
      {{"db", "make", "x.lmdb"}, "give --from FILE, once or more, or --pictures FOLDER"},
      {{"db", "make", "x.lmdb", "--from", arrays, "--pictures", "y"}, "give --from FILE"},
      {{"db", "make", Path("x"), "--from", arrays}, "give --type minidb, leveldb, lmdb"},
      {{"db", "make", Path("x.lmdb"), "--from", arrays, "--labels", "l"}, "--labels goes with"},
      {{"db", "make", Path("x.lmdb"), "--from", arrays, "--split", "1.5", Path("y.lmdb")},
       "must be above 0 and below 1"},
      {{"db", "make", Path("x.lmdb"), "--from", arrays, "--split", "0.5", Path("x.lmdb/")},
       "both databases would be"},
      {{"db", "show", "x", "--seed", "1"}, "go with make"},
      {{"db", "make", Path("x.lmdb"), "--from", arrays, "--json"}, "--json goes with"}};
  for (const auto& [arguments, message] : cases) {
    const CommandResult result = Doppio(arguments);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(message));
  }
  EXPECT_THAT(
      Doppio({"db", "make", Path("x.lmdb"), "--from", arrays, "--split", "0.01", Path("y.lmdb")})
          .err,
      HasSubstr("leaves one of both databases empty"));
}

TEST_F(DbTest, RejectsWhatIsNoDatabase) {
  const CommandResult missing = Doppio({"db", "show", Path("nothing")});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("No such file"));
  const CommandResult other = Doppio({"db", "check", Arrays(3)});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("no database"));
}

}  // namespace
}  // namespace doppio
