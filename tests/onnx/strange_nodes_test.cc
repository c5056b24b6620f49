// Nodes of every operator that is read, with any number of inputs and outputs and no attributes, of
// several versions: each is translated, or refused with a reason.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "gtest/gtest.h"
#include "tests/onnx/small_models.h"

namespace doppio {
namespace {

// What the sources say is translated.
std::vector<std::string> Operators() {
  const std::string macro = "DOPPIO_ONNX_IMPORT(";
  std::vector<std::string> operators;
  const std::string folder = std::string(DOPPIO_SOURCE_DIR) + "/src/onnx/import";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".cc") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (!absl::StartsWith(line, macro)) continue;
      operators.push_back(line.substr(macro.size(), line.find(',') - macro.size()));
    }
  }
  std::sort(operators.begin(), operators.end());
  return operators;
}

onnx::ModelProto ModelOf(const std::string& type, int inputs, int outputs, int opset,
                         const std::vector<int64_t>& dims, int element_type) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  onnx::GraphProto* graph = model.mutable_graph();
  onnx::NodeProto* node = graph->add_node();
  node->set_op_type(type);
  for (int i = 0; i < inputs; ++i) {
    node->add_input(absl::StrCat("x", i));
    *graph->add_input() = onnx::Value(node->input(i), dims, element_type);
  }
  for (int o = 0; o < outputs; ++o) {
    node->add_output(absl::StrCat("y", o));
    graph->add_output()->set_name(node->output(o));
  }
  return model;
}

class OnnxStrangeNodeTest : public testing::TestWithParam<std::string> {};

TEST_P(OnnxStrangeNodeTest, IsTranslatedOrRefused) {
  for (int inputs = 0; inputs <= 7; ++inputs) {
    for (const int outputs : {1, 3}) {
      for (const int opset : {6, 11, 13}) {
        for (const std::vector<int64_t>& dims :
             std::vector<std::vector<int64_t>>{{}, {0}, {2}, {2, 2, 2}, {1, 2, 2, 2}}) {
          for (const int type : {onnx::TensorProto::FLOAT, onnx::TensorProto::INT64}) {
            const onnx::ModelProto model = ModelOf(GetParam(), inputs, outputs, opset, dims, type);
            const absl::Status status = ModelFromOnnx(model.SerializeAsString()).status();
            EXPECT_TRUE(status.ok() || !status.message().empty());
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, OnnxStrangeNodeTest, testing::ValuesIn(Operators()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace doppio
