#include "doppio/model_io.h"

#include "doppio/database.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "doppio/tensor_io.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Int32(int32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(static_cast<uint32_t>(value) >> 8 * i);
  return bytes;
}

// A record as Caffe2 writes it.
std::string Record(const std::string& key, const std::string& value) {
  return Int32(static_cast<int32_t>(key.size())) + Int32(static_cast<int32_t>(value.size())) + key +
         value;
}

std::string StringBlob(const std::string& name, const std::string& content) {
  BlobProto blob;
  blob.set_name(name);
  blob.set_type("std::string");
  blob.set_content(content);
  return blob.SerializeAsString();
}

std::string TensorBlob(const std::string& name, int64_t begin, const std::vector<float>& values,
                       int64_t size) {
  BlobProto blob;
  blob.set_name(name);
  blob.set_type("Tensor");
  TensorProto* tensor = blob.mutable_tensor();
  tensor->add_dims(size);
  tensor->set_data_type(TensorProto::FLOAT);
  for (const float value : values) tensor->add_float_data(value);
  tensor->mutable_segment()->set_begin(begin);
  tensor->mutable_segment()->set_end(begin + static_cast<int64_t>(values.size()));
  return blob.SerializeAsString();
}

void AddNet(const std::string& key, const std::string& type, const std::string& input,
            const std::string& output, MetaNetDef* meta) {
  NetsMap* entry = meta->add_nets();
  entry->set_key(key);
  entry->mutable_value()->set_name(key);
  OperatorDef* op = entry->mutable_value()->add_op();
  op->set_type(type);
  if (!input.empty()) op->add_input(input);
  op->add_output(output);
}

void AddBlobs(const std::string& key, const std::string& name, MetaNetDef* meta) {
  BlobsMap* entry = meta->add_blobs();
  entry->set_key(key);
  entry->add_value(name);
}

MetaNetDef Meta() {
  MetaNetDef meta;
  AddNet("PREDICT_INIT_NET_TYPE", "ConstantFill", "", "data", &meta);
  AddNet("GLOBAL_INIT_NET_TYPE", "Load", "!!PREDICTOR_DBREADER", "w", &meta);
  AddNet("PREDICT_NET_TYPE", "Relu", "data", "prob", &meta);
  AddBlobs("PARAMETERS_BLOB_TYPE", "w", &meta);
  AddBlobs("INPUTS_BLOB_TYPE", "data", &meta);
  AddBlobs("OUTPUTS_BLOB_TYPE", "prob", &meta);
  return meta;
}

std::string Database() {
  return Record("!!META_NET_DEF", StringBlob("!!META_NET_DEF", Meta().SerializeAsString())) +
         Record("w#%1", TensorBlob("w", 2, {3}, 3)) + Record("w#%0", TensorBlob("w", 0, {1, 2}, 3));
}

std::string Saved(const std::string& bytes) {
  const std::string path = TemporaryPath("predictor.minidb");
  WriteWholeFile(path, bytes);
  return path;
}

TEST(ModelIoTest, ReadsWhatCaffe2Saved) {
  const std::string path = Saved(Database());
  EXPECT_EQ(DescribeFile(path)->kind, FileKind::kMiniDb);
  EXPECT_EQ(DescribeFile(path)->bytes, static_cast<int64_t>(Database().size()));
  EXPECT_EQ(DescribeBytes(Database()).kind, FileKind::kMiniDb);
  const absl::StatusOr<Model> model = LoadModel(path);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->predict.op(0).type(), "Relu");
  EXPECT_THAT(model->inputs, ElementsAre("data"));
  EXPECT_THAT(model->outputs, ElementsAre("prob"));
  ASSERT_EQ(model->inits.size(), 1u) << "the net that only loads has nothing to do";
  EXPECT_EQ(model->inits[0].op(0).type(), "ConstantFill");
  ASSERT_EQ(model->weights.count("w"), 1u);
  EXPECT_THAT(model->weights.at("w").span<float>(), ElementsAre(1, 2, 3));
}

TEST(ModelIoTest, ReadsAPredictorOfAnyTypeOfDatabase) {
  for (const char* type : {"leveldb", "lmdb"}) {
    const std::string path = TemporaryPath("predictor");
    const auto database = OpenDatabase(type, path, DatabaseMode::kNew);
    ASSERT_TRUE(database.ok()) << database.status();
    DatabaseTransaction transaction(*database);
    transaction.Put("!!META_NET_DEF", StringBlob("!!META_NET_DEF", Meta().SerializeAsString()));
    transaction.Put("w#%0", TensorBlob("w", 0, {1, 2}, 3));
    transaction.Put("w#%1", TensorBlob("w", 2, {3}, 3));
    ASSERT_TRUE(transaction.Commit().ok());
    ASSERT_TRUE((*database)->Close().ok());
    const absl::StatusOr<FileDescription> description = DescribeFile(path);
    ASSERT_TRUE(description.ok()) << description.status();
    EXPECT_EQ(description->kind, FileKind::kMiniDb);
    EXPECT_GT(description->bytes, 100);
    const absl::StatusOr<Model> model = LoadModel(path);
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_THAT(model->weights.at("w").span<float>(), ElementsAre(1, 2, 3));
    const absl::StatusOr<Tensor> tensor = LoadTensor(path, "w");
    ASSERT_TRUE(tensor.ok()) << tensor.status();
  }
}

TEST(ModelIoTest, ReadsBackWhatItWrites) {
  Model model;
  model.predict.set_name("net");
  model.predict.add_op()->set_type("Relu");
  model.inits.resize(2);
  model.inits[0].add_op()->set_type("First");
  model.inits[1].add_op()->set_type("Second");
  model.inputs = {"a", "b"};
  model.outputs = {"c"};
  model.weights["w"] = *Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  model.weights["v"] = *Tensor::Of<int64_t>({0}, {});
  const std::string path = TemporaryPath("model.minidb");
  ASSERT_TRUE(SaveModel(model, path).ok());

  const absl::StatusOr<Model> read = LoadModel(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->predict.op(0).SerializeAsString(), model.predict.op(0).SerializeAsString());
  EXPECT_THAT(read->predict.external_input(), ElementsAre("a", "b", "v", "w"));
  EXPECT_THAT(read->predict.external_output(), ElementsAre("c"));
  ASSERT_EQ(read->inits.size(), 1u);
  EXPECT_EQ(read->inits[0].op(1).type(), "Second");
  EXPECT_EQ(read->inits[0].op(2).output(0), "a") << "a placeholder, for Caffe2";
  EXPECT_EQ(read->inputs, model.inputs);
  EXPECT_EQ(read->outputs, model.outputs);
  ASSERT_EQ(read->weights.size(), 2u);
  EXPECT_THAT(read->weights.at("w").span<float>(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(read->weights.at("v").dtype(), DataType::kInt64);

  const absl::StatusOr<MetaNetDef> meta = LoadMetaNetDef(path);
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(meta->nets_size(), 3);
}

TEST(ModelIoTest, TensorsOfADatabaseAreTensorsOfAFile) {
  const std::string path = Saved(Database());
  const absl::StatusOr<std::vector<NamedTensor>> tensors = LoadTensors(path);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 1u);
  EXPECT_EQ((*tensors)[0].name, "w");
  EXPECT_TRUE(LoadTensor(path).ok());
  EXPECT_TRUE(LoadTensor(path, "w").ok());
  EXPECT_THAT(LoadTensor(path, "x").status(), FailsWith(absl::StatusCode::kNotFound, "\"w\""));
}

TEST(ModelIoTest, ReadsMetaNetDefsAndNets) {
  const std::string path = TemporaryPath("meta.pbtxt");
  ASSERT_TRUE(SaveProto(Meta(), path).ok());
  const absl::StatusOr<Model> model = LoadModel(path);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(model->inputs, ElementsAre("data"));
  EXPECT_THAT(model->weights, IsEmpty());

  const std::string net = TemporaryPath("net.pb");
  ASSERT_TRUE(SaveProto(Meta().nets(2).value(), net).ok());
  const absl::StatusOr<Model> bare = LoadModel(net);
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_EQ(bare->predict.op_size(), 1);
  EXPECT_THAT(bare->inputs, IsEmpty());
}

TEST(ModelIoTest, OneOfSeveralModelsIsChosenByName) {
  MetaNetDef meta;
  AddNet("PREDICT_NET_TYPE_a", "Relu", "x", "y", &meta);
  AddBlobs("INPUTS_BLOB_TYPE_a", "x", &meta);
  const std::string path = TemporaryPath("models.pb");
  ASSERT_TRUE(SaveProto(meta, path).ok());
  EXPECT_THAT(LoadModel(path)->inputs, ElementsAre("x"));
  AddNet("PREDICT_NET_TYPE_b", "Abs", "z", "y", &meta);
  ASSERT_TRUE(SaveProto(meta, path).ok());
  EXPECT_EQ(LoadModel(path, "b")->predict.op(0).type(), "Abs");
  EXPECT_THAT(LoadModel(path).status(),
              FailsWith(absl::StatusCode::kNotFound, "there are \"a\", \"b\""));
  EXPECT_THAT(LoadModel(path, "c").status(), FailsWith(absl::StatusCode::kNotFound, "\"c\""));
}

TEST(ModelIoTest, WhatIsMissingIsNamed) {
  const std::string meta =
      Record("!!META_NET_DEF", StringBlob("!!META_NET_DEF", Meta().SerializeAsString()));
  EXPECT_THAT(LoadModel(Saved(meta)).status(),
              FailsWith(absl::StatusCode::kDataLoss, "parameters are missing: w"));
  EXPECT_THAT(LoadModel(Saved(meta + Record("w#%0", TensorBlob("w", 0, {1, 2}, 3)))).status(),
              FailsWith(absl::StatusCode::kInvalidArgument, "[2,3)"));
  const std::string tensors = Record("w#%0", TensorBlob("w", 0, {1}, 1));
  EXPECT_THAT(LoadModel(Saved(tensors)).status(),
              FailsWith(absl::StatusCode::kInvalidArgument,
                        "is no predictor, since it holds blobs (w), but no net"));
  EXPECT_THAT(LoadMetaNetDef(Saved(tensors)).status(),
              FailsWith(absl::StatusCode::kNotFound, "no MetaNetDef"));
  BlobProto other;
  other.set_name("w");
  other.set_type("Counter");
  other.set_content("?");
  EXPECT_THAT(LoadModel(Saved(meta + Record("w", other.SerializeAsString()))).status(),
              FailsWith(absl::StatusCode::kUnimplemented, "\"Counter\""));
}

TEST(ModelIoTest, LengthsThatLieAreErrors) {
  const std::string start = Record("w#%0", TensorBlob("w", 0, {1}, 1));
  for (const std::string& end : {Int32(-1) + Int32(5), Int32(4) + Int32(-5), Int32(0) + Int32(0),
                                 Int32(1 << 30) + Int32(1)}) {
    EXPECT_THAT(LoadModel(Saved(start + end)).status(),
                FailsWith(absl::StatusCode::kDataLoss, "record 1: lengths that can not be"));
  }
  EXPECT_THAT(LoadModel(Saved(start + Int32(3) + Int32(2'000'000'000) + "abcd")).status(),
              FailsWith(absl::StatusCode::kDataLoss, "1 of 2000000000 bytes are there"));
  Limits limits;
  limits.max_file_bytes = 1000;
  EXPECT_THAT(LoadModel(Saved(start + Int32(3) + Int32(2000) + "abcd"), "", limits).status(),
              FailsWith(absl::StatusCode::kResourceExhausted, "limit of 1000"));
}

TEST(ModelIoTest, DamagedDatabasesAreErrorsOrModels) {
  ForEachDamage(Database(), 200, 300, [](const std::string& damaged) {
    (void)LoadModel(Saved(damaged));
    (void)LoadTensors(Saved(damaged));
  });
}

}  // namespace
}  // namespace doppio
