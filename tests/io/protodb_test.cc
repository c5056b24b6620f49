// Databases that are one TensorProtos message.

#include <filesystem>
#include <fstream>

#include "doppio/database.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ProtoDbTest : public testing::Test {
 protected:
  ProtoDbTest() {
    std::string path = testing::TempDir() + "/protodb_XXXXXX";
    path_ = std::string(mkdtemp(path.data())) + "/tensors.pb";
  }
  ~ProtoDbTest() override {
    std::error_code error;
    std::filesystem::remove_all(std::filesystem::path(path_).parent_path(), error);
  }

  static std::string Value(const std::string& name, float value) {
    TensorProto proto;
    proto.set_name(name);
    proto.set_data_type(TensorProto::FLOAT);
    proto.add_dims(1);
    proto.add_float_data(value);
    return proto.SerializeAsString();
  }
  absl::Status Write(DatabaseMode mode, const std::vector<DatabaseRecord>& records) const {
    DOPPIO_ASSIGN_OR_RETURN(const auto database, OpenDatabase("protodb", path_, mode));
    DOPPIO_RETURN_IF_ERROR(database->Write(records));
    return database->Close();
  }
  std::vector<std::string> Keys() const {
    const auto database = OpenDatabase("ProtoDB", path_, DatabaseMode::kRead);
    EXPECT_TRUE(database.ok()) << database.status();
    if (!database.ok()) return {};
    auto cursor = *(*database)->NewCursor();
    std::vector<std::string> keys;
    while (cursor->Valid()) {
      keys.emplace_back(cursor->Key());
      EXPECT_EQ(cursor->Value(), Value(keys.back(), static_cast<float>(keys.back()[0])));
      if (!cursor->Next().ok()) break;
    }
    return keys;
  }
  static DatabaseRecord Record(const std::string& key) {
    return {key, Value(key, static_cast<float>(key[0]))};
  }

  std::string path_;
};

TEST_F(ProtoDbTest, TensorsAreRecordsInTheirOrder) {
  ASSERT_TRUE(Write(DatabaseMode::kNew, {Record("z"), Record("a")}).ok());
  EXPECT_THAT(Keys(), ElementsAre("z", "a"));
  ASSERT_TRUE(Write(DatabaseMode::kWrite, {Record("m")}).ok());
  EXPECT_THAT(Keys(), ElementsAre("z", "a", "m"));
  ASSERT_TRUE(Write(DatabaseMode::kNew, {Record("q")}).ok());
  EXPECT_THAT(Keys(), ElementsAre("q"));
  TensorProtos protos;  // as others read it
  std::ifstream file(path_, std::ios::binary);
  ASSERT_TRUE(protos.ParseFromIstream(&file));
  EXPECT_EQ(protos.protos(0).name(), "q");
}

TEST_F(ProtoDbTest, ReadsFromTheFirstRecordAgain) {
  ASSERT_TRUE(Write(DatabaseMode::kNew, {Record("z"), Record("a")}).ok());
  DatabaseReader reader;
  ASSERT_TRUE(reader.Open("protodb", path_).ok());
  std::string key, value, keys;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(reader.Read(&key, &value).ok());
    keys += key;
  }
  EXPECT_EQ(keys, "zazaz");
}

TEST_F(ProtoDbTest, WhatIsNoTensorOfThatNameIsRefusedAndLosesNothing) {
  ASSERT_TRUE(Write(DatabaseMode::kNew, {Record("a")}).ok());
  EXPECT_THAT(std::string(Write(DatabaseMode::kWrite, {Record("b"), {"c", "\xff"}}).message()),
              HasSubstr("\"c\": the values of a protodb are TensorProtos"));
  EXPECT_THAT(std::string(Write(DatabaseMode::kWrite, {{"c", Value("d", 1)}}).message()),
              HasSubstr("whose names are the keys"));
  EXPECT_EQ(Write(DatabaseMode::kWrite, {Record("a")}).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Keys(), ElementsAre("a"));
}

TEST_F(ProtoDbTest, DamageAndAbsenceAreErrors) {
  EXPECT_EQ(OpenDatabase("protodb", path_, DatabaseMode::kRead).status().code(),
            absl::StatusCode::kNotFound);
  ASSERT_TRUE(Write(DatabaseMode::kNew, {Record("a")}).ok());
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 1);
  const absl::Status torn = OpenDatabase("protodb", path_, DatabaseMode::kRead).status();
  EXPECT_EQ(torn.code(), absl::StatusCode::kDataLoss) << torn;
  EXPECT_THAT(std::string(torn.message()), HasSubstr(path_));
  EXPECT_FALSE(OpenDatabase("protodb", path_, DatabaseMode::kWrite).ok());
}

TEST_F(ProtoDbTest, AnEmptyOneHasNoRecords) {
  ASSERT_TRUE(Write(DatabaseMode::kNew, {}).ok());
  EXPECT_THAT(Keys(), IsEmpty());
}

}  // namespace
}  // namespace doppio
