// Gradient nets against those that Caffe2's own builder made of the same nets, field by field.

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "doppio/gradient.h"
#include "doppio/proto_io.h"
#include "doppio/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/shared_dir.h"

namespace doppio {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

google::protobuf::Struct ReadJson(const std::string& path) {
  google::protobuf::Struct value;
  const auto status = google::protobuf::util::JsonStringToMessage(ReadText(path), &value);
  EXPECT_TRUE(status.ok()) << path;
  return value;
}

// The operators as text. Runs of Sum operators are sorted: Caffe2's builder leaves their order
// open.
std::vector<std::string> OperatorTexts(const NetDef& net) {
  std::vector<std::string> texts;
  for (const OperatorDef& op : net.op()) texts.push_back(op.DebugString());
  const auto is_sum = [&](size_t i) { return net.op(static_cast<int>(i)).type() == "Sum"; };
  for (size_t begin = 0; begin < texts.size();) {
    size_t end = begin;
    while (end < texts.size() && is_sum(end)) ++end;
    std::sort(texts.begin() + begin, texts.begin() + end);
    begin = std::max(end, begin + 1);
  }
  return texts;
}

std::string MissingOperators(const NetDef& net) {
  std::string missing;
  for (const OperatorDef& op : net.op()) {
    if (!OperatorRegistry::Has(op.type())) absl::StrAppend(&missing, " ", op.type());
  }
  return missing;
}

class RecordedGradientTest : public testing::TestWithParam<std::string> {};

TEST_P(RecordedGradientTest, ComesOutEqual) {
  const std::string base = SharedDir() + "/conformance/gradients/" + GetParam();
  const absl::StatusOr<NetDef> forward = LoadNet(base + ".forward.pbtxt");
  ASSERT_TRUE(forward.ok()) << forward.status();
  const std::string missing = MissingOperators(*forward);
  if (!missing.empty()) GTEST_SKIP() << "not yet an operator here:" << missing;

  if (std::filesystem::exists(base + ".error.txt")) {
    const absl::StatusOr<Backward> backward = AddGradientOperators(*forward, {"loss"});
    ASSERT_FALSE(backward.ok());
    std::string why = ReadText(base + ".error.txt");
    why = why.substr(0, why.find_last_not_of(" .\n") + 1);
    EXPECT_THAT(std::string(backward.status().message()), testing::HasSubstr(why));
    return;
  }

  const google::protobuf::Struct recorded = ReadJson(base + ".json");
  std::vector<GradientTarget> targets;
  for (const auto& [blob, given] : recorded.fields().at("of").struct_value().fields()) {
    targets.push_back(given.has_string_value() ? GradientTarget(blob, given.string_value())
                                               : GradientTarget(blob));
  }
  std::sort(targets.begin(), targets.end(),
            [](const auto& a, const auto& b) { return a.blob < b.blob; });
  const absl::StatusOr<Backward> backward = AddGradientOperators(*forward, targets);
  ASSERT_TRUE(backward.ok()) << backward.status();

  const absl::StatusOr<NetDef> full = LoadNet(base + ".full.pbtxt");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_THAT(OperatorTexts(backward->net), testing::ElementsAreArray(OperatorTexts(*full)));

  std::map<std::string, std::string> wanted;
  for (const auto& [blob, gradient] : recorded.fields().at("gradients").struct_value().fields()) {
    wanted[blob] = gradient.has_string_value()
                       ? gradient.string_value()
                       : gradient.list_value().values(0).string_value() + " " +
                             gradient.list_value().values(1).string_value();
  }
  std::map<std::string, std::string> got;
  for (const auto& [blob, gradient] : backward->gradients) {
    got[blob] = gradient.IsDense() ? gradient.dense : gradient.indices + " " + gradient.values;
  }
  EXPECT_EQ(got, wanted);
}

std::vector<std::string> RecordedNets() {
  std::vector<std::string> names;
  if (SharedDir().empty()) return names;
  const std::string suffix = ".forward.pbtxt";
  for (const auto& entry :
       std::filesystem::directory_iterator(SharedDir() + "/conformance/gradients")) {
    const std::string file = entry.path().filename();
    if (file.size() > suffix.size() &&
        file.compare(file.size() - suffix.size(), suffix.size(), suffix) == 0) {
      names.push_back(file.substr(0, file.size() - suffix.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RecordedGradientTest);
INSTANTIATE_TEST_SUITE_P(Caffe2, RecordedGradientTest, testing::ValuesIn(RecordedNets()),
                         [](const auto& info) { return info.param; });

TEST(RecordedGradientsTest, AreThere) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  EXPECT_GE(RecordedNets().size(), 10u);
}

}  // namespace
}  // namespace doppio
