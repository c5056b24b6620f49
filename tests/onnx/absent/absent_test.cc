// A doppio that was built without ONNX says so, and nothing else.

#include <filesystem>
#include <fstream>

#include "doppio/model_io.h"
#include "doppio/onnx.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::HasSubstr;

constexpr char kAbsent[] = "this doppio was built without ONNX (-DDOPPIO_ONNX=OFF)";

TEST(OnnxAbsentTest, EveryWayInSaysSo) {
  // IR version 8, and a graph of a name.
  const std::string bytes("\x08\x08\x3a\x03\x12\x01g", 7);
  const std::string path = testing::TempDir() + "/absent.onnx";
  std::ofstream(path, std::ios::binary) << bytes;
  for (const absl::Status& status : {LoadModel(path).status(), DescribeOnnx(path).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path + ": " + kAbsent));
  }
  EXPECT_EQ(ModelFromOnnx(bytes).status().message(), kAbsent);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace doppio
