#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "doppio/database.h"
#include "doppio/image.h"
#include "doppio/serialize.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

// A picture red, green, blue whose every pixel is another one.
Tensor Picture(int64_t height, int64_t width) {
  Tensor picture = *Tensor::Create(DataType::kUInt8, {height, width, 3});
  for (int64_t i = 0; i < picture.numel(); ++i) {
    picture.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i * 7 + i / 256);
  }
  return picture;
}

// Byte of the picture: channel 0 is blue.
int Pixel(const Tensor& picture, int64_t y, int64_t x, int64_t channel) {
  return picture.data<uint8_t>()[(y * picture.dim(1) + x) * 3 + 2 - channel];
}

class ImageInputTest : public StateTest {
 protected:
  ~ImageInputTest() override { std::filesystem::remove_all(path_); }

  static TensorProto Proto(const absl::StatusOr<Tensor>& tensor) { return *TensorToProto(*tensor); }
  static std::string Record(const Tensor& picture, const std::vector<TensorProto>& others) {
    TensorProtos protos;
    *protos.add_protos() = Proto(Tensor::Of<std::string>({1}, {*FormatPng(picture)}));
    for (const TensorProto& other : others) *protos.add_protos() = other;
    return protos.SerializeAsString();
  }
  static std::string Labelled(const Tensor& picture, int32_t label) {
    return Record(picture, {Proto(Tensor::Of<int32_t>({1}, {label}))});
  }

  void Database(const std::vector<std::string>& values) {
    const auto database = *OpenDatabase("minidb", path_, DatabaseMode::kNew);
    DatabaseTransaction transaction(database);
    for (size_t i = 0; i < values.size(); ++i) {
      transaction.Put(absl::StrCat("key", i), values[i]);
    }
    ASSERT_TRUE(transaction.Commit().ok());
    ASSERT_TRUE(database->Close().ok());
  }

  // With the database as an argument.
  OperatorDef Input(const std::vector<Argument>& arguments,
                    const Names& outputs = {"data", "label"}) {
    OperatorDef def = Def("ImageInput", {}, outputs, arguments);
    *def.add_arg() = Arg<std::string>("db", path_);
    *def.add_arg() = Arg<std::string>("db_type", "minidb");
    return def;
  }
  void MustRead(const OperatorDef& def) {
    const absl::Status status = workspace_.RunOperatorOnce(def);
    ASSERT_TRUE(status.ok()) << status;
  }
  Tensor Fetch(const std::string& name) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    EXPECT_TRUE(tensor.ok()) << tensor.status();
    return tensor.ok() ? *tensor : Tensor();
  }
  // What a net of that operator gives in `runs` runs, one behind the other.
  std::vector<float> Runs(const OperatorDef& def, int runs) {
    NetDef net;
    net.set_name(absl::StrCat("net", nets_++));
    *net.add_op() = def;
    EXPECT_TRUE(workspace_.CreateNet(net).ok());
    std::vector<float> values;
    for (int i = 0; i < runs; ++i) {
      const absl::Status status = workspace_.RunNet(net.name());
      EXPECT_TRUE(status.ok()) << status;
      const Tensor data = Fetch("data");
      values.insert(values.end(), data.span<float>().begin(), data.span<float>().end());
    }
    return values;
  }

  const std::string path_ = testing::TempDir() + "image_input_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
  int nets_ = 0;
};

TEST_F(ImageInputTest, GivesTheMiddleNormalised) {
  const Tensor picture = Picture(6, 9);
  Database({Labelled(picture, 3), Labelled(picture, 4)});
  MustRead(
      Input({Arg<int64_t>("batch_size", 2), Arg<int64_t>("minsize", 4), Arg<int64_t>("crop", 4),
             Arg<int64_t>("is_test", 1), Arg("mean_per_channel", std::vector<float>{1, 2, 3}),
             Arg("std_per_channel", std::vector<float>{2, 4, 8})}));
  ExpectBlob("label", Tensor::Of<int32_t>({2}, {3, 4}));
  const Tensor data = Fetch("data");
  ASSERT_EQ(data.TypeAndShape(), "float[2,4,4,3]");
  const float* value = data.data<float>();
  for (int n = 0; n < 2; ++n) {
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        for (int c = 0; c < 3; ++c) {
          const float pixel = static_cast<float>(Pixel(picture, y + 1, x + 2, c));
          EXPECT_EQ(*value++, (pixel - static_cast<float>(c + 1)) / std::exp2f(c + 1.0F));
        }
      }
    }
  }
}

TEST_F(ImageInputTest, AnExampleIsWhatTheDocumentationSays) {
  Database({Labelled(*Tensor::Of<uint8_t>({1, 1, 3}, {255, 0, 100}), 0)});
  MustRead(Input({Arg<int64_t>("batch_size", 1), Arg<int64_t>("scale", 1), Arg<int64_t>("crop", 1),
                  Arg<float>("mean", 100), Arg<float>("std", 2)}));
  ExpectBlob("data", Tensor::Of<float>({1, 1, 1, 3}, {0, -50, 77.5}));
}

TEST_F(ImageInputTest, PicturesMayBeGrayAndOfOtherTypes) {
  Database({Labelled(*Tensor::Of<uint8_t>({1, 1, 3}, {255, 10, 100}), 0)});
  // (100 * 3735 + 10 * 19235 + 255 * 9798 + 2^14) / 2^15
  const std::vector<Argument> one = {Arg<int64_t>("batch_size", 1), Arg<int64_t>("scale", 1),
                                     Arg<int64_t>("crop", 1)};
  OperatorDef gray = Input(one);
  *gray.add_arg() = Arg<int64_t>("color", 0);
  MustRead(gray);
  ExpectBlob("data", Tensor::Of<float>({1, 1, 1, 1}, {94}));
  OperatorDef half = Input(one);
  *half.add_arg() = Arg<std::string>("output_type", "float16");
  *half.add_arg() = Arg<float>("mean", 0.5F);
  MustRead(half);
  ExpectBlob("data",
             Tensor::Of<float16>({1, 1, 1, 3}, {float16(99.5F), float16(9.5F), float16(254.5F)}));
  OperatorDef bytes = Input(one);
  *bytes.add_arg() = Arg<int64_t>("output_type", 6);
  MustRead(bytes);
  ExpectBlob("data", Tensor::Of<uint8_t>({1, 1, 1, 3}, {100, 10, 255}));
}

TEST_F(ImageInputTest, ResizesTheShorterSideOrWarps) {
  Tensor picture = *Tensor::Create(DataType::kUInt8, {4, 8, 3});
  for (int64_t i = 0; i < picture.numel(); ++i) {
    picture.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i / 3 % 8 * 10);  // grows with x
  }
  Database({Labelled(picture, 0)});
  const auto read = [&](int64_t scale, int64_t crop, int64_t warp) {
    MustRead(Input({Arg<int64_t>("batch_size", 1), Arg("scale", scale), Arg("crop", crop),
                    Arg("warp", warp), Arg<int64_t>("is_test", 1), Arg<int64_t>("color", 0)}));
    return Fetch("data");
  };
  // 8 columns become 4: means of two.
  EXPECT_TRUE(TensorEquals(read(2, 2, 0), Tensor::Of<float>({1, 2, 2, 1}, {25, 45, 25, 45})));
  // 8 columns become 2: means of four.
  EXPECT_TRUE(TensorEquals(read(2, 2, 1), Tensor::Of<float>({1, 2, 2, 1}, {15, 55, 15, 55})));
}

TEST_F(ImageInputTest, TakesTheBoxOfTheRecordBeforeThatOfTheArguments) {
  const Tensor picture = Picture(8, 8);
  const TensorProto label = Proto(Tensor::Of<int32_t>({1}, {0}));
  TensorProto box;  // without dims, as the writers of 2016 had them
  box.set_data_type(TensorProto::INT32);
  for (int side : {5, 6, 2, 1}) box.add_int32_data(side);
  TensorProto far = box;
  far.set_int32_data(0, 7);
  Database(
      {Record(picture, {label, box}), Record(picture, {label}), Record(picture, {label, far})});
  MustRead(Input({Arg<int64_t>("batch_size", 3), Arg<int64_t>("minsize", 1),
                  Arg<int64_t>("crop", 1), Arg<int64_t>("is_test", 1),
                  Arg<int64_t>("bounding_ymin", 2), Arg<int64_t>("bounding_xmin", 3),
                  Arg<int64_t>("bounding_height", 1), Arg<int64_t>("bounding_width", 3)}));
  const Tensor data = Fetch("data");
  const int64_t places[3][2] = {{5, 6}, {2, 4}, {3, 3}};  // the last box does not lie in it
  for (int n = 0; n < 3; ++n) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_EQ(data.data<float>()[3 * n + c],
                static_cast<float>(Pixel(picture, places[n][0], places[n][1], c)))
          << n;
    }
  }
}

TEST_F(ImageInputTest, LabelsAreOfAllTypes) {
  const Tensor picture = Picture(2, 2);
  const auto read = [&](int64_t type, const std::vector<TensorProto>& others) {
    Database({Record(picture, others)});
    MustRead(
        Input({Arg<int64_t>("batch_size", 1), Arg<int64_t>("scale", 2), Arg<int64_t>("crop", 2),
               Arg("label_type", type), Arg<int64_t>("num_labels", 4)}));
    return Fetch("label");
  };
  const TensorProto list = Proto(Tensor::Of<int32_t>({2}, {3, 1}));
  const TensorProto weights = Proto(Tensor::Of<float>({2}, {0.5F, 2}));
  const TensorProto dense = Proto(Tensor::Of<float>({4}, {1, 2, 3, 4}));
  EXPECT_TRUE(
      TensorEquals(read(0, {Proto(Tensor::Of<float>({1}, {7}))}), Tensor::Of<float>({1}, {7})));
  EXPECT_TRUE(TensorEquals(read(1, {list}), Tensor::Of<int32_t>({1, 4}, {0, 1, 0, 1})));
  EXPECT_TRUE(TensorEquals(read(2, {dense}), Tensor::Of<float>({1, 4}, {1, 2, 3, 4})));
  EXPECT_TRUE(TensorEquals(read(3, {list, weights}), Tensor::Of<float>({1, 4}, {0, 2, 0, 0.5F})));
  EXPECT_TRUE(TensorEquals(read(4, {Proto(Tensor::Of<int32_t>({1}, {5})), weights}),
                           Tensor::Of<int32_t>({1}, {5})));
  EXPECT_TRUE(TensorEquals(read(5, {dense}), Tensor::Of<float>({1, 4}, {1, 2, 3, 4})));
}

TEST_F(ImageInputTest, OutputsBehindTheLabelAreTensorsOfTheRecord) {
  std::vector<std::string> records;
  for (int i = 0; i < 2; ++i) {
    records.push_back(Record(Picture(2, 2), {Proto(Tensor::Of<int32_t>({1}, {i})),
                                             Proto(Tensor::Of<float>({1}, {i + 0.5F})),
                                             Proto(Tensor::Of<int64_t>({2}, {i, 10 - i}))}));
  }
  Database(records);
  MustRead(Input({Arg<int64_t>("batch_size", 2), Arg<int64_t>("scale", 2), Arg<int64_t>("crop", 2),
                  Arg("output_sizes", std::vector<int64_t>{1, 2})},
                 {"data", "label", "x", "y"}));
  ExpectBlob("x", Tensor::Of<float>({2, 1}, {0.5F, 1.5F}));
  ExpectBlob("y", Tensor::Of<int64_t>({2, 2}, {0, 10, 1, 9}));
}

TEST_F(ImageInputTest, ReadsRawPixelsAndDatums) {
  TensorProtos raw;
  TensorProto* pixels = raw.add_protos();
  pixels->set_data_type(TensorProto::BYTE);
  for (int64_t dim : {1, 2, 3}) pixels->add_dims(dim);
  pixels->set_byte_data(std::string("\1\2\3\4\5\6", 6));
  *raw.add_protos() = Proto(Tensor::Of<int32_t>({1}, {9}));
  const std::vector<Argument> arguments = {Arg<int64_t>("batch_size", 1),
                                           Arg<int64_t>("minsize", 1), Arg<int64_t>("crop", 1),
                                           Arg<int64_t>("is_test", 1)};
  Database({raw.SerializeAsString()});
  MustRead(Input(arguments));
  ExpectBlob("data", Tensor::Of<float>({1, 1, 1, 3}, {1, 2, 3}));

  CaffeDatum datum;
  datum.set_channels(3);
  datum.set_height(1);
  datum.set_width(2);
  datum.set_data(std::string("\1\4\2\5\3\6", 6));
  datum.set_label(8);
  OperatorDef def = Input(arguments);
  *def.add_arg() = Arg<int64_t>("use_caffe_datum", 1);
  Database({datum.SerializeAsString()});
  MustRead(def);
  ExpectBlob("data", Tensor::Of<float>({1, 1, 1, 3}, {1, 2, 3}));
  ExpectBlob("label", Tensor::Of<int32_t>({1}, {8}));

  datum.set_data(*FormatPng(*Tensor::Of<uint8_t>({1, 1, 3}, {3, 2, 1})));
  datum.set_encoded(true);
  Database({datum.SerializeAsString()});
  MustRead(def);
  ExpectBlob("data", Tensor::Of<float>({1, 1, 1, 3}, {1, 2, 3}));
}

TEST_F(ImageInputTest, WhatIsRandomDependsOnTheSeedAndNotOnThreads) {
  std::vector<std::string> records;
  for (int i = 0; i < 5; ++i) records.push_back(Labelled(Picture(9 + i, 12), i));
  Database(records);
  const auto runs = [&](uint32_t seed, int64_t threads, int64_t no_prefetch) {
    OperatorDef def =
        Input({Arg<int64_t>("batch_size", 3), Arg("random_scale", std::vector<int64_t>{6, 8}),
               Arg<int64_t>("crop", 5), Arg<int64_t>("mirror", 1), Arg<int64_t>("color_jitter", 1),
               Arg<int64_t>("color_lighting", 1), Arg<int64_t>("scale_jitter_type", seed % 2),
               Arg("decode_threads", threads), Arg("no_prefetch", no_prefetch)});
    def.mutable_device_option()->set_random_seed(seed);
    return Runs(def, 4);
  };
  for (const uint32_t seed : {2U, 3U}) {
    const std::vector<float> values = runs(seed, 1, 0);
    EXPECT_EQ(values, runs(seed, 4, 0));
    EXPECT_EQ(values, runs(seed, 2, 1));
    EXPECT_NE(values, runs(seed + 2, 1, 0));
  }
}

TEST_F(ImageInputTest, CropsAndMirrorsComeFromEverywhere) {
  // Pixels of a row tell where they were.
  Tensor picture = *Tensor::Create(DataType::kUInt8, {2, 4, 3});
  for (int64_t i = 0; i < 24; ++i) {
    picture.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i / 3 % 4);
  }
  Database({Labelled(picture, 0)});
  const std::vector<float> values =
      Runs(Input({Arg<int64_t>("batch_size", 200), Arg<int64_t>("minsize", 2),
                  Arg<int64_t>("crop", 2), Arg<int64_t>("mirror", 1), Arg<int64_t>("color", 0)}),
           1);
  int counts[4][4] = {};
  for (size_t i = 0; i < values.size(); i += 4) {
    ASSERT_EQ(values[i], values[i + 2]);
    ++counts[static_cast<int>(values[i])][static_cast<int>(values[i + 1])];
  }
  for (int left = 0; left < 3; ++left) {
    EXPECT_GT(counts[left][left + 1], 10);
    EXPECT_GT(counts[left + 1][left], 10);
  }
}

TEST_F(ImageInputTest, BlackPicturesStandInWhereThatIsAllowed) {
  TensorProtos broken;
  *broken.add_protos() = Proto(Tensor::Of<std::string>({1}, {"no picture"}));
  *broken.add_protos() = Proto(Tensor::Of<int32_t>({1}, {1}));
  Database({Labelled(Picture(2, 2), 0), broken.SerializeAsString()});
  OperatorDef def =
      Input({Arg<int64_t>("batch_size", 2), Arg<int64_t>("minsize", 1), Arg<int64_t>("crop", 1)});
  ExpectFailure(def, "record \"key1\" of minidb");
  ExpectFailure(def, "is no picture");
  *def.add_arg() = Arg<float>("max_decode_error_ratio", 0.5F);
  MustRead(def);
  const Tensor data = Fetch("data");
  for (int c = 0; c < 3; ++c) EXPECT_EQ(data.data<float>()[3 + c], 0);
  def.mutable_arg(def.arg_size() - 1)->set_f(0.4F);
  ExpectFailure(def, "is no picture");
}

TEST_F(ImageInputTest, ReadsFromAQueueAndEndsWithItsWorkspace) {
  MustRun("CreateBlobsQueue", {}, {"queue"}, {Arg<int64_t>("capacity", 4)});
  MustRun("CreateBlobsQueueDB", {"queue"}, {"reader"});
  for (int i = 0; i < 2; ++i) {
    Feed("value", Tensor::Of<std::string>({1}, {Labelled(Picture(2, 2), i)}));
    MustRun("EnqueueBlobs", {"queue", "value"}, {"value"});
  }
  NetDef net;
  net.set_name("net");
  *net.add_op() =
      Def("ImageInput", {"reader"}, {"data", "label"},
          {Arg<int64_t>("batch_size", 2), Arg<int64_t>("scale", 2), Arg<int64_t>("crop", 2)});
  ASSERT_TRUE(workspace_.CreateNet(net).ok());
  ASSERT_TRUE(workspace_.RunNet("net").ok());
  ExpectBlob("label", Tensor::Of<int32_t>({2}, {0, 1}));
  // The next batch waits for the queue now.
  EXPECT_TRUE(workspace_.ResetWorkspace().ok());
}

TEST_F(ImageInputTest, AClosedQueueIsAnError) {
  MustRun("CreateBlobsQueue", {}, {"queue"});
  MustRun("CreateBlobsQueueDB", {"queue"}, {"reader"});
  MustRun("CloseBlobsQueue", {"queue"}, {});
  const OperatorDef def =
      Def("ImageInput", {"reader"}, {"data", "label"},
          {Arg<int64_t>("batch_size", 1), Arg<int64_t>("scale", 2), Arg<int64_t>("crop", 2)});
  ExpectFailure(def, "queue \"queue\" is closed and empty");
}

TEST_F(ImageInputTest, SurvivesDamagedRecords) {
  TensorProtos raw;
  *raw.add_protos() = Proto(Tensor::Of<uint8_t>({2, 1, 3}, {1, 2, 3, 4, 5, 6}));
  *raw.add_protos() = Proto(Tensor::Of<int32_t>({2}, {3, 1}));
  *raw.add_protos() = Proto(Tensor::Of<float>({2}, {1, 2}));
  *raw.add_protos() = Proto(Tensor::Of<int32_t>({4}, {0, 0, 1, 1}));
  const std::string good = raw.SerializeAsString();
  std::mt19937 random(5);
  std::vector<std::string> records;
  for (int i = 0; i < 400; ++i) {
    std::string record = good;
    const int flips = 1 + static_cast<int>(random() % 3);
    for (int k = 0; k < flips; ++k) {
      record[random() % record.size()] ^= static_cast<char>(1U << random() % 8);
    }
    records.push_back(record);
  }
  Database(records);
  NetDef net;
  net.set_name("net");
  *net.add_op() = Input({Arg<int64_t>("batch_size", 1), Arg<int64_t>("scale", 2),
                         Arg<int64_t>("crop", 2), Arg<int64_t>("label_type", 3),
                         Arg<int64_t>("num_labels", 4), Arg<int64_t>("decode_threads", 1)});
  ASSERT_TRUE(workspace_.CreateNet(net).ok());
  int read = 0;
  for (size_t i = 0; i < records.size(); ++i) read += workspace_.RunNet("net").ok();
  EXPECT_GT(read, 10);
  EXPECT_LT(read, 390);
}

TEST_F(ImageInputTest, RejectsRecordsThatAreNone) {
  const std::vector<Argument> arguments = {Arg<int64_t>("batch_size", 1), Arg<int64_t>("scale", 2),
                                           Arg<int64_t>("crop", 2)};
  const TensorProto label = Proto(Tensor::Of<int32_t>({1}, {0}));
  const auto reject = [&](const std::string& value, absl::string_view why,
                          const std::vector<Argument>& more = {}) {
    Database({value});
    OperatorDef def = Input(arguments);
    for (const Argument& argument : more) *def.add_arg() = argument;
    ExpectFailure(def, why);
  };
  const Tensor picture = Picture(2, 2);
  reject("no message", "the value is no message TensorProtos");
  reject(Record(picture, {}), "the record has 1 tensors, but must have at least 2");
  reject(Record(picture, {Proto(Tensor::Of<std::string>({1}, {"x"}))}), "label");
  reject(Record(picture, {Proto(Tensor::Of<int64_t>({1}, {1}))}), "int32 or float");
  reject(Record(picture, {Proto(Tensor::Of<int32_t>({2}, {1, 2}))}), "must have 1");
  reject(Record(picture, {label, label}), "a bounding box, 4 numbers of int32");
  const std::vector<Argument> sparse = {Arg<int64_t>("label_type", 1),
                                        Arg<int64_t>("num_labels", 4)};
  reject(Record(picture, {Proto(Tensor::Of<int32_t>({1}, {4}))}), "label 4 is not from 0", sparse);
  reject(Record(picture, {Proto(Tensor::Of<int32_t>({1}, {-1}))}), "label -1 is not", sparse);
  reject(Record(picture, {Proto(Tensor::Of<float>({1}, {std::nanf("")}))}), "is not from", sparse);
  const std::vector<Argument> weighted = {Arg<int64_t>("label_type", 3),
                                          Arg<int64_t>("num_labels", 4)};
  reject(Record(picture, {label, Proto(Tensor::Of<float>({2}, {1, 2}))}),
         "weights must be 1 floats", weighted);
  const std::vector<Argument> dense = {Arg<int64_t>("label_type", 2),
                                       Arg<int64_t>("num_labels", 4)};
  reject(Record(picture, {Proto(Tensor::Of<float>({3}, {1, 2, 3}))}), "must have 4", dense);
  TensorProtos raw;
  *raw.add_protos() = Proto(Tensor::Of<uint8_t>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  *raw.add_protos() = label;
  reject(raw.SerializeAsString(), "uint8 [height, width] or [height, width, 1 or 3]");
  CaffeDatum datum;
  datum.set_channels(3);
  datum.set_height(2);
  datum.set_width(2);
  datum.set_data("too few");
  reject(datum.SerializeAsString(), "3 channels of 2 x 2 and 7 bytes",
         {Arg<int64_t>("use_caffe_datum", 1)});
}

TEST_F(ImageInputTest, RejectsArgumentsThatDoNotGoTogether) {
  Database({Labelled(Picture(2, 2), 0)});
  const Argument batch = Arg<int64_t>("batch_size", 1);
  const Argument scale = Arg<int64_t>("scale", 2);
  const Argument crop = Arg<int64_t>("crop", 2);
  ExpectFailure(Input({scale, crop}), "batch_size is 0");
  ExpectFailure(Input({batch, scale}), "crop is -1");
  ExpectFailure(Input({batch, crop}), "either scale or minsize");
  ExpectFailure(Input({batch, crop, scale, Arg<int64_t>("minsize", 2)}), "either scale or minsize");
  ExpectFailure(Input({batch, Arg<int64_t>("crop", 3), scale}), "at most scale or minsize");
  ExpectFailure(Input({batch, crop, Arg("random_scale", std::vector<int64_t>{5, 4})}),
                "random_scale goes from 5 to 4");
  ExpectFailure(Input({batch, crop, scale, Arg("mean_per_channel", std::vector<float>{1, 2})}),
                "mean_per_channel has 2 numbers");
  ExpectFailure(Input({batch, crop, scale, Arg<float>("std", 0)}), "a std is 0");
  ExpectFailure(Input({batch, crop, scale, Arg<int64_t>("label_type", 6)}), "label_type is 6");
  ExpectFailure(Input({batch, crop, scale, Arg<int64_t>("label_type", 1)}), "num_labels is 0");
  ExpectFailure(Input({batch, crop, scale, Arg<int64_t>("use_gpu_transform", 1)}),
                "use_gpu_transform is for the GPU");
  ExpectFailure(Input({batch, crop, scale, Arg<std::string>("output_type", "int32")}),
                "output_type is int32");
  ExpectFailure(
      Input({batch, crop, scale, Arg<std::string>("output_type", "uint8"), Arg<float>("mean", 1)}),
      "with output_type uint8");
  ExpectFailure(Input({batch, crop, scale, Arg("output_sizes", std::vector<int64_t>{1})}),
                "output_sizes has 1 numbers, but there are 0 outputs");
  ExpectFailure(Input({batch, crop, scale, Arg<int64_t>("decode_threads", 0)}), "decode_threads 0");
  ExpectFailure(Def("ImageInput", {}, {"data", "label"}, {batch, crop, scale}),
                "there must be a reader");
  Feed("reader", Tensor::Scalar<float>(1));
  ExpectFailure(Def("ImageInput", {"reader"}, {"data", "label"}, {batch, crop, scale}),
                "must be a reader that CreateDB made, but holds Tensor");
}

}  // namespace
}  // namespace doppio
