// The conformance tests that ONNX publishes for single operators, and for what PyTorch makes of its
// modules (Debian's libonnx-testdata): a model, what goes in and what has to come out, of Predictor
// and of Workspace. Those that do not pass stand in left_out.txt with the reason, and may not pass.

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "src/onnx/onnx_tensor.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

constexpr char kData[] = "/usr/share/libonnx-testdata/data";
constexpr const char* kFolders[] = {"node", "pytorch-converted", "pytorch-operator"};

// What was printed with four digits.
constexpr const char* kRounded[] = {"test_roialign_aligned_false", "test_roialign_aligned_true",
                                    "test_gridsample_bicubic"};

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// Name -> folder.
const std::map<std::string, std::string>& Folders() {
  static const auto* const folders = [] {
    auto* found = new std::map<std::string, std::string>;
    for (const char* kind : kFolders) {
      std::error_code error;
      const std::string folder = absl::StrCat(kData, "/", kind);
      for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        (*found)[entry.path().filename().string()] = entry.path().string();
      }
    }
    return found;
  }();
  return *folders;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& [name, folder] : Folders()) names.push_back(name);
  return names;
}

// Name -> reason.
const std::map<std::string, std::string>& LeftOut() {
  static const auto* const left_out = [] {
    auto* read = new std::map<std::string, std::string>;
    std::ifstream file(std::string(DOPPIO_SOURCE_DIR) + "/tests/onnx/left_out.txt");
    std::string name, reason;
    while (file >> name && std::getline(file >> std::ws, reason)) (*read)[name] = reason;
    return read;
  }();
  return *left_out;
}

struct Case {
  Model model;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

// NumPy, which wrote the data, has no bfloat16: what the model declares so is there as its bits.
absl::StatusOr<Tensor> AsDeclared(Tensor tensor, const onnx::ValueInfoProto& declared) {
  const bool is_bfloat16 = declared.type().tensor_type().elem_type() == onnx::TensorProto::BFLOAT16;
  if (!is_bfloat16 || !tensor.Is<uint16_t>()) return tensor;
  DOPPIO_ASSIGN_OR_RETURN(Tensor bits, Tensor::Create(DataType::kBFloat16, tensor.dims()));
  std::memcpy(bits.raw_mutable_data(), tensor.raw_data(), tensor.bytes());
  return bits;
}

absl::Status ReadTensors(const std::string& folder, const char* kind,
                         const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& declared,
                         std::vector<Tensor>* tensors) {
  for (int i = 0;; ++i) {
    const std::string path = absl::StrCat(folder, "/", kind, "_", i, ".pb");
    if (!std::filesystem::exists(path)) return absl::OkStatus();
    onnx::TensorProto proto;
    DOPPIO_RETURN_IF_ERROR(LoadProto(path, &proto));
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, onnx::TensorFromOnnx(proto, ".", Limits()));
    if (i < declared.size()) {
      DOPPIO_ASSIGN_OR_RETURN(tensor, AsDeclared(std::move(tensor), declared[i]));
    }
    tensors->push_back(std::move(tensor));
  }
}

absl::StatusOr<Case> ReadCase(const std::string& name) {
  Case read;
  const std::string& folder = Folders().at(name);
  DOPPIO_ASSIGN_OR_RETURN(read.model, ModelFromOnnx(Read(folder + "/model.onnx"), folder));
  onnx::ModelProto proto;
  DOPPIO_RETURN_IF_ERROR(LoadProto(folder + "/model.onnx", &proto));
  const std::string data = folder + "/test_data_set_0";
  DOPPIO_RETURN_IF_ERROR(ReadTensors(data, "input", proto.graph().input(), &read.inputs));
  DOPPIO_RETURN_IF_ERROR(ReadTensors(data, "output", proto.graph().output(), &read.outputs));
  if (read.inputs.size() > read.model.inputs.size()) {
    return absl::InternalError("there are more inputs than the model has");
  }
  return read;
}

absl::StatusOr<std::vector<Tensor>> RunInWorkspace(const Case& test) {
  Workspace workspace;
  for (const auto& [name, tensor] : test.model.weights) {
    DOPPIO_RETURN_IF_ERROR(workspace.Feed(name, tensor));
  }
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(workspace.Feed(test.model.inputs[i], test.inputs[i]));
  }
  DOPPIO_RETURN_IF_ERROR(workspace.RunNetOnce(test.model.predict));
  std::vector<Tensor> outputs;
  for (const std::string& name : test.model.outputs) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, workspace.Fetch(name));
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

absl::StatusOr<std::vector<Tensor>> RunInPredictor(const Case& test) {
  DOPPIO_ASSIGN_OR_RETURN(const auto predictor, Predictor::Create(test.model));
  return predictor->Run(test.inputs);
}

// As ONNX's own runner compares, but more strictly where the type allows it.
testing::AssertionResult Compare(const absl::StatusOr<std::vector<Tensor>>& outputs,
                                 const std::vector<Tensor>& expected, bool is_rounded) {
  if (!outputs.ok()) return testing::AssertionFailure() << outputs.status();
  if (outputs->size() != expected.size()) {
    return testing::AssertionFailure() << outputs->size() << " outputs, not " << expected.size();
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const DataType dtype = expected[i].dtype();
    const double tolerance = dtype == DataType::kFloat16    ? 2e-3
                             : dtype == DataType::kBFloat16 ? 1e-2
                             : is_rounded                   ? 1e-4
                             : IsFloatingPoint(dtype)       ? 1e-5
                                                            : 0;
    const auto result = TensorNear((*outputs)[i], expected[i], tolerance);
    if (!result) return testing::AssertionFailure() << "output " << i << ": " << result.message();
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult Passes(const std::string& name) {
  const absl::StatusOr<Case> test = ReadCase(name);
  if (!test.ok()) return testing::AssertionFailure() << test.status();
  const bool is_rounded =
      std::find(std::begin(kRounded), std::end(kRounded), name) != std::end(kRounded);
  const auto result = Compare(RunInWorkspace(*test), test->outputs, is_rounded);
  if (!result) return result;
  const auto predicted = Compare(RunInPredictor(*test), test->outputs, is_rounded);
  if (!predicted) return testing::AssertionFailure() << "Predictor: " << predicted.message();
  return predicted;
}

class OnnxNodeTest : public testing::TestWithParam<std::string> {};

TEST_P(OnnxNodeTest, GivesWhatOnnxSays) {
  const auto left_out = LeftOut().find(GetParam());
  const auto result = Passes(GetParam());
  if (left_out == LeftOut().end()) {
    EXPECT_TRUE(result);
  } else {
    EXPECT_FALSE(result) << "passes, and is left out in left_out.txt: " << left_out->second;
  }
}

INSTANTIATE_TEST_SUITE_P(, OnnxNodeTest, testing::ValuesIn(Names()),
                         [](const auto& info) { return info.param; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OnnxNodeTest);

TEST(OnnxNodeTestData, IsInstalled) {
  if (Names().empty()) GTEST_SKIP() << kData << " is not there: install libonnx-testdata";
  for (const auto& [name, reason] : LeftOut()) {
    EXPECT_EQ(Folders().count(name), 1u) << name;
    EXPECT_FALSE(reason.empty()) << name;
  }
}

}  // namespace
}  // namespace doppio
