// Every real net must load, be recognised for what it is and survive all encodings.

#include <memory>

#include "absl/strings/match.h"
#include "doppio/proto_io.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

std::vector<std::string> ModelFiles() {
  std::vector<std::string> paths = FilesBelow(SharedDir() + "/models", ".pb");
  for (std::string& path : FilesBelow(SharedDir() + "/models", ".pbtxt")) {
    paths.push_back(std::move(path));
  }
  return paths;
}

bool IsPlan(const std::string& path) { return absl::StrContains(path, "_plan"); }

std::unique_ptr<google::protobuf::Message> NewMessageFor(const std::string& path) {
  if (IsPlan(path)) return std::make_unique<PlanDef>();
  return std::make_unique<NetDef>();
}

TEST(SharedModelsTest, EveryFileIsRecognised) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  for (const std::string& path : ModelFiles()) {
    SCOPED_TRACE(path);
    absl::StatusOr<FileDescription> description = DescribeFile(path);
    ASSERT_TRUE(description.ok()) << description.status();
    const bool is_text = absl::EndsWith(path, ".pbtxt");
    EXPECT_EQ(description->encoding, is_text ? Encoding::kText : Encoding::kBinary);
    const bool is_init = absl::StrContains(path, "init") || absl::StrContains(path, "_fill");
    if (IsPlan(path)) {
      EXPECT_EQ(description->kind, FileKind::kPlanDef);
    } else if (is_init) {
      EXPECT_THAT(description->kind, testing::AnyOf(FileKind::kInitNet, FileKind::kNetDef));
    } else {
      EXPECT_EQ(description->kind, FileKind::kNetDef) << FileKindName(description->kind);
    }
  }
}

TEST(SharedModelsTest, WeightsOfRealNetsAreInitNets) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  for (const char* file : {"/models/mnist/init_net.pb", "/models/style/mosaic/init_net.pb"}) {
    absl::StatusOr<FileDescription> description = DescribeFile(SharedDir() + file);
    ASSERT_TRUE(description.ok()) << description.status();
    EXPECT_EQ(description->kind, FileKind::kInitNet) << file;
  }
}

TEST(SharedModelsTest, EveryFileSurvivesBinaryTextBinaryJsonBinary) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  for (const std::string& path : ModelFiles()) {
    SCOPED_TRACE(path);
    std::unique_ptr<google::protobuf::Message> message = NewMessageFor(path);
    absl::Status status = LoadProto(path, message.get());
    ASSERT_TRUE(status.ok()) << status;
    const std::string original = *FormatProto(*message, Encoding::kBinary);
    for (Encoding encoding : {Encoding::kBinary, Encoding::kText, Encoding::kBinary,
                              Encoding::kJson, Encoding::kBinary}) {
      absl::StatusOr<std::string> bytes = FormatProto(*message, encoding);
      ASSERT_TRUE(bytes.ok()) << bytes.status();
      status = ParseProto(*bytes, message.get(), {}, EncodingName(encoding));
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_EQ(*FormatProto(*message, Encoding::kBinary), original) << EncodingName(encoding);
    }
  }
}

TEST(SharedModelsTest, EveryEncodingOfEveryFileIsRecognised) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  for (const std::string& path : ModelFiles()) {
    SCOPED_TRACE(path);
    std::unique_ptr<google::protobuf::Message> message = NewMessageFor(path);
    ASSERT_TRUE(LoadProto(path, message.get()).ok());
    const FileKind kind = DescribeFile(path)->kind;
    for (Encoding encoding : {Encoding::kBinary, Encoding::kText, Encoding::kJson}) {
      const FileDescription description = DescribeBytes(*FormatProto(*message, encoding));
      EXPECT_EQ(description.kind, kind) << FileKindName(description.kind);
      EXPECT_EQ(description.encoding, encoding);
    }
  }
}

TEST(SharedModelsTest, BinaryFilesComeOutAsTheyWent) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  for (const std::string& path : FilesBelow(SharedDir() + "/models", ".pb")) {
    NetDef net;
    ASSERT_TRUE(LoadProto(path, &net).ok()) << path;
    if (DescribeFile(path)->encoding != Encoding::kBinary) continue;
    EXPECT_EQ(FormatProto(net, Encoding::kBinary)->size(), ReadWholeFile(path).size()) << path;
  }
}

TEST(SharedModelsTest, ALoadedPlanIsNotANet) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string path = SharedDir() + "/models/lstm_plans/train_plan.pbtxt";
  EXPECT_TRUE(LoadPlan(path).ok());
  EXPECT_THAT(LoadNet(path).status(),
              FailsWith(absl::StatusCode::kInvalidArgument, "looks like PlanDef"));
}

}  // namespace
}  // namespace doppio
