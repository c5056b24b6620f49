#include <filesystem>
#include <string>
#include <vector>

#include "doppio/database.h"
#include "doppio/serialize.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

class TensorProtosDBInputTest : public StateTest {
 protected:
  TensorProtosDBInputTest() {
    std::string name = (fs::temp_directory_path() / "doppio_input_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~TensorProtosDBInputTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  static std::string Example(const std::vector<absl::StatusOr<Tensor>>& tensors) {
    TensorProtos protos;
    for (const absl::StatusOr<Tensor>& tensor : tensors) {
      *protos.add_protos() = *TensorToProto(*tensor);
    }
    return protos.SerializeAsString();
  }
  // Example i: a float[3] of i, and its label 10 i.
  static std::string Numbered(int i) {
    const float x = static_cast<float>(i);
    return Example({Tensor::Of<float>({3}, {x, x, x}), Tensor::Of<int32_t>({1}, {10 * i})});
  }
  void Write(const std::vector<std::string>& values, const std::string& type = "minidb") {
    const auto database = OpenDatabase(type, folder_ + "/db", DatabaseMode::kNew);
    ASSERT_TRUE(database.ok()) << database.status();
    DatabaseTransaction transaction(*database);
    for (size_t i = 0; i < values.size(); ++i) transaction.Put(absl::StrCat("key", i), values[i]);
    ASSERT_TRUE(transaction.Commit().ok());
    ASSERT_TRUE((*database)->Close().ok());
    OpenReader(type);
  }
  void OpenReader(const std::string& type = "minidb") {
    MustRun("CreateDB", {}, {"reader"}, {Arg("db", folder_ + "/db"), Arg("db_type", type)});
  }
  OperatorDef Input(int batch_size, const Names& outputs = {"x", "label"}, int no_prefetch = 0) {
    return Def("TensorProtosDBInput", {"reader"}, outputs,
               {Arg("batch_size", batch_size), Arg("no_prefetch", no_prefetch)});
  }
  // Runs of a net that keeps its operator, and so reads ahead.
  void CreateInput(const OperatorDef& def) {
    NetDef net;
    net.set_name("input");
    *net.add_op() = def;
    const absl::StatusOr<Net*> created = workspace_.CreateNet(net, true);
    ASSERT_TRUE(created.ok()) << created.status();
  }
  absl::Status RunInput() { return workspace_.RunNet("input"); }
  void ExpectRunFails(absl::string_view part_of_message) {
    const absl::Status status = RunInput();
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.message().find(part_of_message), absl::string_view::npos) << status;
  }

  std::string folder_;
};

TEST_F(TensorProtosDBInputTest, GivesBatchesAndBeginsAgain) {
  Write({Numbered(0), Numbered(1), Numbered(2)}, "lmdb");
  for (const int no_prefetch : {0, 1}) {
    OpenReader("lmdb");
    CreateInput(Input(2, {"x", "label"}, no_prefetch));
    ASSERT_TRUE(RunInput().ok());
    ExpectBlob("x", Tensor::Of<float>({2, 3}, {0, 0, 0, 1, 1, 1}));
    ExpectBlob("label", Tensor::Of<int32_t>({2, 1}, {0, 10}));
    ASSERT_TRUE(RunInput().ok());
    ExpectBlob("x", Tensor::Of<float>({2, 3}, {2, 2, 2, 0, 0, 0}));
    ASSERT_TRUE(workspace_.DeleteNet("input").ok());
  }
}

TEST_F(TensorProtosDBInputTest, WithoutABatchGivesAnExampleAsItIs) {
  Write({Numbered(7), Numbered(8)});
  CreateInput(Input(0));
  ASSERT_TRUE(RunInput().ok());
  ExpectBlob("x", Tensor::Of<float>({3}, {7, 7, 7}));
  ExpectBlob("label", Tensor::Of<int32_t>({1}, {70}));
}

TEST_F(TensorProtosDBInputTest, TakesBytesStringsAndScalars) {
  TensorProtos protos;
  TensorProto* bytes = protos.add_protos();
  bytes->set_data_type(TensorProto::BYTE);
  bytes->add_dims(2);
  bytes->set_byte_data("\x01\xff");
  *protos.add_protos() = *TensorToProto(*Tensor::Of<std::string>({1}, {"cat"}));
  *protos.add_protos() = *TensorToProto(*Tensor::Scalar<int64_t>(5));
  Write({protos.SerializeAsString()});
  CreateInput(Input(2, {"bytes", "name", "label"}));
  ASSERT_TRUE(RunInput().ok());
  ExpectBlob("bytes", Tensor::Of<uint8_t>({2, 2}, {1, 255, 1, 255}));
  ExpectBlob("name", Tensor::Of<std::string>({2, 1}, {"cat", "cat"}));
  ExpectBlob("label", Tensor::Of<int64_t>({2}, {5, 5}));
}

TEST_F(TensorProtosDBInputTest, LeavesWhatWasFetchedAsItWas) {
  Write({Numbered(0), Numbered(1), Numbered(2), Numbered(3)});
  CreateInput(Input(1));
  ASSERT_TRUE(RunInput().ok());
  const absl::StatusOr<Tensor> first = workspace_.Fetch("x");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(RunInput().ok());
  EXPECT_TRUE(TensorEquals(*first, Tensor::Of<float>({1, 3}, {0, 0, 0})));
  ExpectBlob("x", Tensor::Of<float>({1, 3}, {3, 3, 3}));
}

TEST_F(TensorProtosDBInputTest, ReadsOnWhereTheBlobOfTheReaderIsGone) {
  Write({Numbered(0), Numbered(1)});
  CreateInput(Input(1));
  ASSERT_TRUE(RunInput().ok());
  MustRun("Free", {"reader"}, {"reader"});
  ExpectRunFails("must be a reader");
  OpenReader();
  ASSERT_TRUE(RunInput().ok());
}

TEST_F(TensorProtosDBInputTest, RejectsExamplesThatDoNotGoTogether) {
  Write({Numbered(0), Example({Tensor::Of<float>({2}, {1, 2}), Tensor::Of<int32_t>({1}, {1})})});
  CreateInput(Input(2));
  ExpectRunFails("record \"key1\" of minidb");
  Write({Numbered(0), Example({Tensor::Of<float>({3}, {1, 2, 3}), Tensor::Of<int64_t>({1}, {1})})});
  CreateInput(Input(2));
  ExpectRunFails("tensor 1: is int64[1], but the batch is int32[2,1]");
}

TEST_F(TensorProtosDBInputTest, RejectsExamplesWithAnotherNumberOfTensors) {
  Write({Numbered(0)});
  CreateInput(Input(1, {"x"}));
  ExpectRunFails("it has 2 tensors, but there are 1 outputs");
}

TEST_F(TensorProtosDBInputTest, RejectsRecordsThatAreNoExamples) {
  Write({"no message at all"});
  CreateInput(Input(1));
  ExpectRunFails("record \"key0\"");
  ExpectRunFails("record \"key0\"");
}

TEST_F(TensorProtosDBInputTest, AnErrorOfTheDatabaseEndsTheRunAndNotTheThread) {
  Write({Numbered(0), Numbered(1), Numbered(2)});
  fs::resize_file(folder_ + "/db", fs::file_size(folder_ + "/db") - 3);
  OpenReader();
  CreateInput(Input(1));
  ASSERT_TRUE(RunInput().ok());
  ASSERT_TRUE(RunInput().ok());
  ExpectRunFails("record 2: cut off");
  ExpectRunFails("record 2: cut off");
  OpenReader();
  ASSERT_TRUE(RunInput().ok());
}

TEST_F(TensorProtosDBInputTest, RejectsDatabasesWithoutExamples) {
  Write({});
  CreateInput(Input(1));
  ExpectRunFails("no records");
}

TEST_F(TensorProtosDBInputTest, RejectsArgumentsAndReadersThatAreNone) {
  Write({Numbered(0)});
  ExpectFailure(Input(-1), "batch_size is -1");
  MustRun("Free", {"reader"}, {"reader"});
  Feed("reader", Tensor::Scalar<float>(1));
  ExpectFailure(Input(1), "must be a reader");
}

}  // namespace
}  // namespace doppio
