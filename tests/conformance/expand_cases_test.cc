// What Caffe2 (August 2018) computed for Expand and ExpandGradient. There an entry of 0 in `shape`
// counted as 1; here it is a size, as in NumPy, so that those cases are compared with NumPy's rule.

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <sstream>

#include "doppio/npy.h"
#include "tests/support/op_tester.h"
#include "tests/support/shared_dir.h"

namespace doppio {
namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

Dims List(const google::protobuf::Value& value) {
  Dims dims;
  for (const auto& entry : value.list_value().values()) {
    dims.push_back(static_cast<int64_t>(entry.number_value()));
  }
  return dims;
}

class ExpandCasesTest : public testing::Test {
 protected:
  void SetUp() override {
    DOPPIO_SKIP_WITHOUT_SHARED();
    const std::string base = SharedDir() + "/conformance/expand_cases";
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(Read(base + ".json"), &cases_).ok());
    absl::StatusOr<std::vector<NamedTensor>> arrays = ParseNpz(Read(base + ".npz"));
    ASSERT_TRUE(arrays.ok()) << arrays.status();
    arrays_ = *std::move(arrays);
  }

  // Null where it is not recorded.
  const Tensor* Array(const std::string& name) const {
    for (const NamedTensor& array : arrays_) {
      if (array.name == name) return &array.tensor;
    }
    return nullptr;
  }

  google::protobuf::ListValue cases_;
  std::vector<NamedTensor> arrays_;
};

TEST_F(ExpandCasesTest, AreWhatCaffe2Computed) {
  int outputs = 0;
  int gradients = 0;
  int zeros = 0;
  for (const google::protobuf::Value& value : cases_.values()) {
    const auto& fields = value.struct_value().fields();
    if (fields.count("case") == 0) continue;
    const std::string prefix =
        absl::StrCat("c", fields.at("case").number_value(), "_", fields.at("dtype").string_value());
    testing::ScopedTrace trace(__FILE__, __LINE__, prefix);
    const Dims shape = List(fields.at("shape"));
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
      const Dims x = List(fields.at("x"));
      const absl::StatusOr<Dims> dims = BroadcastShapes(x, shape);
      ASSERT_TRUE(dims.ok()) << dims.status();
      OpTester("Expand")
          .Input("X", Tensor::Create(DataType::kUInt8, x))
          .Input("shape", Tensor::FromSpan<int64_t>({static_cast<int64_t>(shape.size())}, shape))
          .Outputs({"Y"})
          .ExpectOutput(0, Tensor::Create(DataType::kUInt8, *dims));
      ++zeros;
      continue;
    }
    const Tensor* x = Array(prefix + "_X");
    const Tensor* s = Array(prefix + "_S");
    const Tensor* y = Array(prefix + "_Y");
    ASSERT_TRUE(x != nullptr && s != nullptr && y != nullptr);
    OpTester("Expand").Input("X", *x).Input("shape", *s).Outputs({"Y"}).ExpectOutput(0, *y);
    ++outputs;
    const Tensor* dy = Array(prefix + "_dY");
    const Tensor* dx = Array(prefix + "_dX");
    if (dy == nullptr || dx == nullptr) continue;
    OpTester("ExpandGradient")
        .Input("dY", *dy)
        .Input("X", *x)
        .Outputs({"dX"})
        .ExpectOutput(0, *dx, IsFloatingPoint(dx->dtype()) ? 1e-5 : 0);
    ++gradients;
  }
  EXPECT_EQ(outputs, 15 * 4);
  EXPECT_EQ(gradients, 15 * 4);
  EXPECT_EQ(zeros, 3 * 4);
}

TEST_F(ExpandCasesTest, RefusesWhatCaffe2Refused) {
  int refused = 0;
  for (const google::protobuf::Value& value : cases_.values()) {
    const auto& fields = value.struct_value().fields();
    if (fields.count("case") != 0 || fields.count("x") == 0) continue;
    const Dims shape = List(fields.at("shape"));
    OpTester("Expand")
        .Input("X", Tensor::Create(DataType::kFloat, List(fields.at("x"))))
        .Input("shape", Tensor::FromSpan<int64_t>({static_cast<int64_t>(shape.size())}, shape))
        .Outputs({"Y"})
        .ExpectError(absl::StatusCode::kInvalidArgument, "cannot expand");
    ++refused;
  }
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace doppio
