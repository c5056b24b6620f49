// Trainings whose nets read their examples themselves: stopped and resumed is never stopped.

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doppio/database.h"
#include "doppio/image.h"
#include "doppio/net_builder.h"
#include "doppio/serialize.h"
#include "doppio/trainer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kRecords = 10;

class ReaderTrainingTest : public testing::Test {
 protected:
  ReaderTrainingTest() {
    std::string path = testing::TempDir() + "/readers_XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~ReaderTrainingTest() override {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string MakeDatabase(const std::string& type,
                           const std::function<void(int, TensorProtos*)>& fill) const {
    auto database = OpenDatabase(type, Path("db." + type), DatabaseMode::kNew);
    EXPECT_TRUE(database.ok()) << database.status();
    DatabaseTransaction transaction(*database);
    for (int i = 0; i < kRecords; ++i) {
      TensorProtos protos;
      fill(i, &protos);
      transaction.Put(std::to_string(i), protos.SerializeAsString());
    }
    EXPECT_TRUE(transaction.Commit().ok());
    EXPECT_TRUE((*database)->Close().ok());
    return Path("db." + type);
  }

  static void AddNumber(float number, TensorProtos* protos) {
    TensorProto* x = protos->add_protos();
    x->set_data_type(TensorProto::FLOAT);
    x->add_dims(1);
    x->add_float_data(number);
  }

  static NetDef Init(const NetBuilder& reader) {
    NetDef init =
        NetBuilder("init")
            .Op("ConstantFill", {}, {"w"}, {MakeArgument("shape", std::vector<int64_t>{1})})
            .Op("GivenTensorFill", {}, {"half"},
                {MakeArgument("shape", std::vector<int64_t>{1}),
                 MakeArgument("values", std::vector<float>{0.5f})})
            .def();
    init.MergeFrom(reader.def());
    init.set_name("init");
    return init;
  }

  // w = (w + the sum of what was read) / 2, so that the order counts.
  static void AddStep(NetBuilder* net) {
    net->Op("SumElements", {"x"}, {"loss"})
        .Op("Add", {"w", "loss"}, {"sum"})
        .Op("Mul", {"sum", "half"}, {"w"});
  }

  absl::StatusOr<float> Train(const TrainerOptions& options, bool resumes, int64_t stop_after) {
    TrainerOptions how = options;
    std::unique_ptr<Trainer> trainer;
    how.should_stop = [&] { return trainer->iteration() == stop_after; };
    Workspace workspace(folder_);
    DOPPIO_ASSIGN_OR_RETURN(trainer, Trainer::Create(how, &workspace));
    if (resumes) DOPPIO_RETURN_IF_ERROR(trainer->Resume());
    const absl::Status run = trainer->Run();
    if (!run.ok() && stop_after < 0) return run;
    DOPPIO_ASSIGN_OR_RETURN(const Tensor w, workspace.Fetch("w"));
    return w.data<float>()[0];
  }

  // Stopped twice, and never.
  void ExpectSameBits(TrainerOptions options) {
    options.iterations = 9;
    const absl::StatusOr<float> whole = Train(options, false, -1);
    ASSERT_TRUE(whole.ok()) << whole.status();
    EXPECT_NE(*whole, 0);
    options.checkpoints = Path("run");
    ASSERT_TRUE(Train(options, false, 2).ok());
    ASSERT_TRUE(Train(options, true, 7).ok());
    const absl::StatusOr<float> resumed = Train(options, true, -1);
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    EXPECT_EQ(*resumed, *whole);
  }

  TrainerOptions FromDatabase(const std::string& type) const {
    const std::string path =
        MakeDatabase(type, [](int i, TensorProtos* protos) { AddNumber(1.0f + i * i, protos); });
    NetBuilder reader("reader"), train("train");
    reader.Op("CreateDB", {}, {"reader"},
              {MakeArgument("db", path), MakeArgument("db_type", type)});
    train.Op("TensorProtosDBInput", {"reader"}, {"x"}, {MakeArgument("batch_size", 4)});
    AddStep(&train);
    TrainerOptions options;
    options.inits = {Init(reader)};
    options.train = train.def();
    return options;
  }

  std::string folder_;
};

TEST_F(ReaderTrainingTest, TheRecordsOfAMinidbGoOn) { ExpectSameBits(FromDatabase("minidb")); }
TEST_F(ReaderTrainingTest, TheRecordsOfAnLmdbGoOn) { ExpectSameBits(FromDatabase("lmdb")); }

TEST_F(ReaderTrainingTest, AShardGoesOn) {
  TrainerOptions options = FromDatabase("minidb");
  OperatorDef* create = options.inits[0].mutable_op(2);
  *create->add_arg() = MakeArgument("num_shards", 3);
  *create->add_arg() = MakeArgument("shard_id", 1);
  ExpectSameBits(options);
}

TEST_F(ReaderTrainingTest, ATestNetHasAPlaceOfItsOwn) {
  TrainerOptions options = FromDatabase("minidb");
  OperatorDef create = options.inits[0].op(2);
  create.set_output(0, "test_reader");
  *options.inits[0].add_op() = create;
  options.test = NetBuilder("test")
                     .Op("TensorProtosDBInput", {"test_reader"}, {"x"})
                     .Op("SumElements", {"x"}, {"loss"})
                     .Op("Add", {"w", "loss"}, {"w"})  // so that it can be seen
                     .def();
  options.evaluate_every = 2;
  ExpectSameBits(options);
}

TEST_F(ReaderTrainingTest, LinesOfTextGoOn) {
  std::ofstream text(Path("lines.txt"));
  for (int i = 0; i < kRecords; ++i) text << i * i + 1 << "\n";
  text.close();
  NetBuilder reader("reader"), train("train");
  reader.Op("CreateTextFileReader", {}, {"reader"},
            {MakeArgument("filename", Path("lines.txt")), MakeArgument("num_passes", 5),
             MakeArgument("field_types", std::vector<int64_t>{1})});
  train.Op("TextFileReaderRead", {"reader"}, {"x"}, {MakeArgument("batch_size", 4)});
  AddStep(&train);
  TrainerOptions options;
  options.inits = {Init(reader)};
  options.train = train.def();
  ExpectSameBits(options);
}

TEST_F(ReaderTrainingTest, PicturesGoOnWithTheirRandomNumbers) {
  const std::string path = MakeDatabase("minidb", [](int i, TensorProtos* protos) {
    std::vector<uint8_t> pixels(12 * 12 * 3);
    for (size_t k = 0; k < pixels.size(); ++k) pixels[k] = static_cast<uint8_t>(k * 7 + 31u * i);
    TensorProto* picture = protos->add_protos();
    picture->set_data_type(TensorProto::STRING);
    picture->add_dims(1);
    picture->add_string_data(*FormatPng(*Tensor::FromSpan<uint8_t>(Dims{12, 12, 3}, pixels)));
    TensorProto* label = protos->add_protos();
    label->set_data_type(TensorProto::INT32);
    label->add_dims(1);
    label->add_int32_data(i);
  });
  NetBuilder reader("reader"), train("train");
  reader.Op("CreateDB", {}, {"reader"},
            {MakeArgument("db", path), MakeArgument("db_type", std::string("minidb"))});
  train.Op("ImageInput", {"reader"}, {"pictures", "label"},
           {MakeArgument("batch_size", 3), MakeArgument("scale", 12), MakeArgument("crop", 7),
            MakeArgument("mirror", 1)});
  train.mutable_def()->mutable_op(0)->mutable_device_option()->set_random_seed(4);
  train.Op("Slice", {"pictures"}, {"x"},
           {MakeArgument("starts", std::vector<int64_t>{0, 0, 0, 0}),
            MakeArgument("ends", std::vector<int64_t>{-1, 2, 2, 1})});
  AddStep(&train);
  TrainerOptions options;
  options.inits = {Init(reader)};
  options.train = train.def();
  ExpectSameBits(options);
}

TEST_F(ReaderTrainingTest, AReaderWithoutAPlaceIsRefused) {
  TrainerOptions options = FromDatabase("minidb");
  options.iterations = 5;
  options.checkpoints = Path("run");
  TrainerOptions shared = options;
  *shared.train.add_op() = CreateOperatorDef("TensorProtosDBInput", "", {"reader"}, {"y"}, {});
  EXPECT_THAT(std::string(Train(shared, false, -1).status().message()),
              HasSubstr("the place of the reader \"reader\": TensorProtosDBInput(reader) -> x and "
                        "TensorProtosDBInput(reader) -> y both read it"));
  TrainerOptions queue = options;
  queue.inits[0].mutable_op(2)->CopyFrom(
      CreateOperatorDef("CreateBlobsQueue", "", {}, {"queue"},
                        {MakeArgument("capacity", 2), MakeArgument("num_blobs", 2)}));
  *queue.inits[0].add_op() = CreateOperatorDef("CreateBlobsQueueDB", "", {"queue"}, {"reader"}, {});
  EXPECT_THAT(std::string(Train(queue, false, -1).status().message()),
              HasSubstr("a checkpoint can not hold where TensorProtosDBInput(reader) -> x is"));
}

TEST_F(ReaderTrainingTest, OnlyANewTrainingGoesToAPlace) {
  TrainerOptions options = FromDatabase("minidb");
  options.iterations = 5;
  options.checkpoints = Path("run");
  Workspace workspace(folder_);
  const auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_THAT(std::string((*trainer)->Resume().message()), HasSubstr("only a new training"));
}

}  // namespace
}  // namespace doppio
