// Tensors of ONNX models in files of their own: beside the model and nowhere else.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doppio/model_io.h"
#include "doppio/onnx.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/small_models.h"

namespace doppio {
namespace {

using onnx::ExampleModel;
using onnx::ModelProto;
using testing::AllOf;
using testing::HasSubstr;

class OnnxExternalDataTest : public testing::Test {
 protected:
  OnnxExternalDataTest() {
    std::string folder = testing::TempDir() + "/onnx_XXXXXX";
    above_ = mkdtemp(folder.data());
    folder_ = above_ + "/model";
    std::filesystem::create_directory(folder_);
    Write(folder_ + "/weights", "012345678901");
    Write(above_ + "/secret", "0123456789");
  }
  ~OnnxExternalDataTest() override { std::filesystem::remove_all(above_); }

  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  absl::StatusOr<Model> ReadWith(const std::string& location, const std::string& offset = "",
                                 const std::string& length = "", const Limits& limits = {}) {
    ModelProto model = ExampleModel();
    onnx::TensorProto* tensor = model.mutable_graph()->mutable_initializer(0);
    tensor->clear_float_data();
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto* entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
    return ModelFromOnnx(model.SerializeAsString(), folder_, limits);
  }
  std::string Refusal(const std::string& location, const std::string& offset = "",
                      const std::string& length = "", const Limits& limits = {}) {
    const auto model = ReadWith(location, offset, length, limits);
    EXPECT_FALSE(model.ok());
    EXPECT_THAT(std::string(model.status().message()), HasSubstr("\"w\": external data: "));
    return std::string(model.status().message());
  }

  std::string above_, folder_;
};

TEST_F(OnnxExternalDataTest, IsReadFromTheFolderOfTheModel) {
  const auto model = ReadWith("weights", "4", "8");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(absl::string_view(static_cast<const char*>(model->weights.at("w").raw_data()), 8),
            "45678901");
}

TEST_F(OnnxExternalDataTest, IsNowhereElse) {
  std::filesystem::create_symlink(above_ + "/secret", folder_ + "/link");
  std::filesystem::create_directory_symlink(above_, folder_ + "/up");
  for (const std::string& location :
       {std::string("../secret"), above_ + "/secret", std::string("link"), std::string("up/secret"),
        std::string("./../secret"), std::string("/etc/passwd")}) {
    EXPECT_THAT(Refusal(location), HasSubstr("may not be opened here")) << location;
  }
}

TEST_F(OnnxExternalDataTest, IsNoneWhereNoFilesMayBeOpened) {
  Limits limits;
  limits.file_access = FileAccess::None();
  EXPECT_THAT(Refusal("weights", "", "", limits), HasSubstr("may not be opened here, no file may"));
}

TEST_F(OnnxExternalDataTest, MustBeThereAndLongEnough) {
  std::filesystem::create_directory(folder_ + "/folder");
  EXPECT_THAT(Refusal("nothing"), HasSubstr("nothing"));
  EXPECT_THAT(Refusal(""), HasSubstr("no location is given"));
  EXPECT_THAT(Refusal("folder"), HasSubstr("is no file"));
  EXPECT_THAT(Refusal("weights", "5"),
              HasSubstr("has 12 bytes, which does not suffice for 8 from 5 on"));
  EXPECT_THAT(Refusal("weights", "9223372036854775807"), HasSubstr("does not suffice"));
  EXPECT_THAT(Refusal("weights", "-1"), HasSubstr("external data of offset \"-1\""));
  EXPECT_THAT(Refusal("weights", "9223372036854775808"), HasSubstr("external data of offset"));
  EXPECT_THAT(Refusal("weights", "many"), HasSubstr("external data of offset \"many\""));
  for (const char* length : {"7", "9", "0", "9223372036854775807"}) {
    EXPECT_THAT(Refusal("weights", "", length),
                HasSubstr(absl::StrCat(length, " bytes, but shape [2] of float needs 8")));
  }
  EXPECT_THAT(Refusal("weights", "", "-8"), HasSubstr("external data of length \"-8\""));
}

TEST_F(OnnxExternalDataTest, IsFoundBesideAModelInAnotherFolder) {
  ModelProto model = ExampleModel();
  onnx::TensorProto* tensor = model.mutable_graph()->mutable_initializer(0);
  tensor->clear_float_data();
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  tensor->add_external_data()->set_key("location");
  tensor->mutable_external_data(0)->set_value("weights");
  Write(folder_ + "/model.onnx", model.SerializeAsString());
  Write(folder_ + "/weights", "12345678");
  EXPECT_TRUE(LoadModel(folder_ + "/model.onnx").ok());
  Write(folder_ + "/weights", "1");
  EXPECT_THAT(
      std::string(LoadModel(folder_ + "/model.onnx").status().message()),
      AllOf(HasSubstr("model.onnx: initializer \"w\": external data: "), HasSubstr("has 1 bytes")));
}

}  // namespace
}  // namespace doppio
