// ONNX models: read, checked, inferred, run by a Workspace and by a Predictor with inputs of the
// shapes that they declare.

#include <algorithm>
#include <map>

#include "doppio/check.h"
#include "doppio/infer.h"
#include "doppio/onnx.h"
#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/test_files.h"
#include "tests/onnx/small_models.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

constexpr char kNodeTests[] = "/usr/share/libonnx-testdata/data/node";
constexpr size_t kEveryNodeTest = 8;  // so many of them differ little
constexpr int kMostOperators = 200;
constexpr int64_t kMostElements = 1 << 12;  // of an input

// Graphs in nodes, and weights of several types.
onnx::ModelProto LargerModel() {
  onnx::ModelProto model = onnx::ModelWithFunction();
  onnx::GraphProto* graph = model.mutable_graph();
  onnx::TensorProto* bytes = graph->add_initializer();
  bytes->set_name("bytes");
  bytes->set_data_type(onnx::TensorProto::UINT8);
  bytes->add_dims(3);
  bytes->set_raw_data("abc");
  onnx::TensorProto* outside = graph->add_initializer();
  *outside = onnx::Floats("outside", {1}, {});
  outside->set_data_location(onnx::TensorProto::EXTERNAL);
  outside->add_external_data()->set_key("location");
  onnx::NodeProto* node = graph->add_node();
  *node = onnx::Node("If", {"condition"}, {"either"});
  for (const char* name : {"then_branch", "else_branch"}) {
    onnx::AttributeProto* branch = onnx::AddAttribute(node, name, onnx::AttributeProto::GRAPH);
    *branch->mutable_g()->add_node() = onnx::Node("Relu", {"y"}, {"inner"});
    branch->mutable_g()->add_output()->set_name("inner");
  }
  *graph->add_input() = onnx::Value("condition", {}, onnx::TensorProto::BOOL);
  graph->add_output()->set_name("either");
  return model;
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const onnx::ModelProto& model :
       {onnx::ExampleModel(), onnx::ModelWithFunction(), LargerModel()}) {
    seeds.push_back(model.SerializeAsString());
  }
  const std::vector<std::string> paths = FilesBelow(kNodeTests, "model.onnx");
  for (size_t i = 0; i < paths.size(); i += kEveryNodeTest) {
    std::string bytes = ReadWholeFile(paths[i]);
    if (bytes.size() <= kLargestSeed) seeds.push_back(std::move(bytes));
  }
  return seeds;
}

// Of the types and shapes that the operators at the beginning of the net want.
std::map<std::string, Tensor> InputsOf(const Model& model) {
  std::map<std::string, Tensor> inputs;
  for (const OperatorDef& op : model.predict.op()) {
    if (op.type() != "EnforceShape") break;
    ArgumentReader reader(op, nullptr);
    const DataType dtype = reader.GetDataTypeArgument("dtype", DataType::kFloat);
    std::vector<int64_t> dims = reader.GetRepeatedArgument<int64_t>("shape");
    std::replace(dims.begin(), dims.end(), int64_t{-1}, int64_t{2});
    if (NumElements(dims).value_or(kMostElements + 1) > kMostElements) continue;
    absl::StatusOr<Tensor> input = Tensor::Create(dtype, dims);
    if (!input.ok()) continue;
    if (input->Is<float>()) std::fill_n(input->mutable_data<float>(), input->numel(), 0.5f);
    if (IsNumeric(dtype) && !input->Is<float>()) {
      std::fill_n(static_cast<char*>(input->raw_mutable_data()), input->bytes(), '\0');
    }
    inputs[op.input(0)] = *std::move(input);
  }
  return inputs;
}

void Touch(const absl::StatusOr<std::map<std::string, Tensor>>& outputs) {
  if (!outputs.ok()) return;
  for (const auto& [name, tensor] : *outputs) Touch(tensor);
}

void Try(absl::string_view bytes) {
  Limits small = SmallLimits();
  small.file_access = FileAccess::None();
  TightLimits limits;
  const absl::StatusOr<Model> model = ModelFromOnnx(bytes, ".", small);
  if (!model.ok()) {
    EXPECT_FALSE(model.status().message().empty());
    return;
  }
  EXPECT_TRUE(CheckNet(model->predict).empty());
  BlobInfos infos;
  for (const auto& [name, tensor] : model->weights) {
    infos[name] = {tensor.dtype(), Dims(tensor.dims().begin(), tensor.dims().end()), tensor};
  }
  (void)InferNet(model->predict, infos);
  const std::map<std::string, Tensor> inputs = InputsOf(*model);
  limits.AllowOperators(kMostOperators);
  Workspace workspace;
  workspace.SetFileAccess(FileAccess::None());
  for (const auto* tensors : {&model->weights, &inputs}) {
    for (const auto& [name, tensor] : *tensors) (void)workspace.Feed(name, tensor);
  }
  (void)workspace.RunNetOnce(model->predict);
  PredictorOptions options;
  options.file_access = FileAccess::None();
  const auto predictor = Predictor::Create(*model, options);
  if (!predictor.ok()) return;
  limits.AllowOperators(kMostOperators);
  Touch((*predictor)->Run(inputs));
}

DOPPIO_FUZZ_TARGET(onnx, Seeds, Try);

}  // namespace
}  // namespace doppio
