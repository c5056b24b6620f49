// Published nets whose weights are lost: they run to their end with made-up ones, and are as large
// as the literature says.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>

#include "doppio/check.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/random_weights.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/onnx_trip.h"
#include "tests/support/shared_dir.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

struct PublishedNet {
  std::string name;
  std::string file;
  std::string data;  // the input
  Dims dims;
  double multiply_adds;  // as published; 0: nobody says
};

std::ostream& operator<<(std::ostream& out, const PublishedNet& net) { return out << net.name; }

class PublishedNetsTest : public testing::TestWithParam<PublishedNet> {
 protected:
  void SetUp() override {
    DOPPIO_SKIP_WITHOUT_SHARED();
    absl::StatusOr<NetDef> net = LoadNet(SharedDir() + "/models/" + GetParam().file);
    ASSERT_TRUE(net.ok()) << net.status();
    net_ = *std::move(net);
    if (net_.name().empty()) net_.set_name("predict_net");
    std::ifstream file(std::string(DOPPIO_SOURCE_DIR) + "/tools/command/data/published_widths.txt");
    std::stringstream text;
    text << file.rdbuf();
    absl::StatusOr<std::vector<PublishedWidths>> table = ParseWidthTable(text.str());
    ASSERT_TRUE(table.ok()) << table.status();
    table_ = *std::move(table);
    const std::optional<PublishedWidths> widths = FindPublishedWidths(table_, net_);
    ASSERT_TRUE(widths.has_value());
    BlobInfos known = {{GetParam().data, {DataType::kFloat, GetParam().dims, std::nullopt}}};
    if (IsDetection()) {
      im_info_ = *Tensor::Of<float>({1, 3}, {static_cast<float>(GetParam().dims[2]),
                                             static_cast<float>(GetParam().dims[3]), 1});
      known["im_info"] = {DataType::kFloat, Dims{1, 3}, im_info_};
    }
    const absl::Status sound = ProblemsToStatus(CheckNet(net_, Everything()));
    ASSERT_TRUE(sound.ok()) << sound;
    absl::StatusOr<NetShapes> shapes = InferWeightShapes(net_, known, &*widths);
    ASSERT_TRUE(shapes.ok()) << shapes.status();
    shapes_ = *std::move(shapes);
  }

  std::map<std::string, Tensor> Weights() const {
    std::map<std::string, Tensor> weights;
    for (const WeightShape& weight : shapes_.weights) {
      const absl::StatusOr<Tensor> tensor = RandomWeight(weight, 1);
      EXPECT_TRUE(tensor.ok()) << tensor.status();
      if (tensor.ok()) weights[weight.blob] = *tensor;
    }
    return weights;
  }

  std::map<std::string, Tensor> Inputs() const {
    std::map<std::string, Tensor> inputs;
    inputs[GetParam().data] = *RandomData(GetParam().data, DataType::kFloat, GetParam().dims, 1);
    if (IsDetection()) inputs["im_info"] = im_info_;
    return inputs;
  }

  bool IsDetection() const { return GetParam().name == "MaskRcnn2Go"; }

  CheckOptions Everything() const {
    CheckOptions options;
    for (const OperatorDef& op : net_.op()) {
      const OpBlobs blobs = BlobsOfOp(op);
      options.known_blobs.insert(blobs.reads.begin(), blobs.reads.end());
    }
    return options;
  }

  NetDef net_;
  std::vector<PublishedWidths> table_;
  NetShapes shapes_;
  Tensor im_info_;
};

TEST_P(PublishedNetsTest, EveryShapeIsFound) {
  for (const UnknownShape& unknown : shapes_.unknown) {
    ADD_FAILURE() << unknown.blob << ": " << unknown.why;
  }
}

TEST_P(PublishedNetsTest, IsKnownByItsLayersWhereAllNamesAreOthers) {
  if (IsDetection())
    GTEST_SKIP() << "some of its widths are guesses, which a list of layers can not mark";
  NetDef other = net_;
  other.set_name("another name");
  for (OperatorDef& op : *other.mutable_op()) {
    for (std::string& input : *op.mutable_input()) input = "another/" + input;
    for (std::string& output : *op.mutable_output()) output = "another/" + output;
  }
  const std::optional<PublishedWidths> widths = FindPublishedWidths(table_, other);
  ASSERT_TRUE(widths.has_value());
  for (const WeightShape& weight : shapes_.weights) {
    if (!weight.is_published) continue;
    const PublishedWidths::Width* width = widths->Find("another/" + weight.blob);
    if (weight.role != WeightRole::kFactors) continue;
    ASSERT_NE(width, nullptr) << weight.blob;
    EXPECT_THAT(*weight.info.dims, testing::Contains(width->outputs)) << weight.blob;
  }
}

TEST_P(PublishedNetsTest, HasAsManyMultiplyAddsAsPublished) {
  const double published = GetParam().multiply_adds;
  if (published == 0) GTEST_SKIP() << "nobody has published a number";
  EXPECT_NEAR(static_cast<double>(shapes_.total.multiply_adds), published, 0.02 * published);
}

TEST_P(PublishedNetsTest, RunsToItsEndWithShapesAsInferred) {
  Workspace workspace;
  for (const auto& [name, tensor] : Weights()) ASSERT_TRUE(workspace.Feed(name, tensor).ok());
  for (const auto& [name, tensor] : Inputs()) ASSERT_TRUE(workspace.Feed(name, tensor).ok());
  const absl::Status run = workspace.RunNetOnce(net_);
  ASSERT_TRUE(run.ok()) << run;

  // Later operators may have written a blob again: the last one is what can be compared.
  std::map<std::string, std::pair<TensorInfo, bool>> made;
  for (const NetShapes::Op& op : shapes_.ops) {
    if (op.depth > 0) continue;  // which may not have run
    for (int o = 0; o < op.def->output_size(); ++o) {
      made[op.def->output(o)] = {op.outputs[o], op.is_most};
    }
  }
  for (const auto& [blob, shape] : made) {
    if (IsDetection()) break;  // there the data decides of shapes
    const absl::StatusOr<Tensor> tensor = workspace.Fetch(blob);
    if (!tensor.ok()) continue;  // an output that only training fills
    EXPECT_EQ(Dims(tensor->dims().begin(), tensor->dims().end()), *shape.first.dims) << blob;
  }
  for (const std::string& blob : net_.external_output()) {
    const absl::StatusOr<Tensor> tensor = workspace.Fetch(blob);
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    if (!tensor->Is<float>()) continue;
    double sum = 0;
    for (const float value : tensor->span<float>()) {
      ASSERT_TRUE(std::isfinite(value)) << blob;
      sum += value;
    }
    if (blob.find("prob") == 0 || blob.find("softmax") != std::string::npos) {
      EXPECT_NEAR(sum, 1, 1e-4) << blob;
    }
  }
}

TEST_P(PublishedNetsTest, GivesTheSameWhenRewritten) {
  std::map<std::string, Tensor> results[2];
  for (const bool optimize : {false, true}) {
    Model model;
    model.predict = net_;
    model.weights = Weights();
    for (const auto& input : Inputs()) model.inputs.push_back(input.first);
    PredictorOptions options;
    options.optimize = optimize;
    const auto predictor = Predictor::Create(std::move(model), options);
    ASSERT_TRUE(predictor.ok()) << predictor.status();
    auto run = (*predictor)->Run(Inputs());
    ASSERT_TRUE(run.ok()) << run.status();
    results[optimize] = *std::move(run);
    if (optimize) {
      EXPECT_LT((*predictor)->Stats().operators_after, net_.op_size());
      EXPECT_LT((*predictor)->Stats().bytes_after, (*predictor)->Stats().bytes_before);
    }
  }
  if (IsDetection()) return;  // which boxes are kept turns on the last bit
  for (const auto& [name, plain] : results[0]) {
    double largest = 0;
    for (int64_t i = 0; i < plain.numel(); ++i) {
      largest = std::max(largest, std::abs(ElementAsDouble(plain, i)));
    }
    const Tensor& rewritten = results[1][name];
    ASSERT_EQ(rewritten.dims(), plain.dims()) << name;
    for (int64_t i = 0; i < plain.numel(); ++i) {
      ASSERT_NEAR(ElementAsDouble(rewritten, i), ElementAsDouble(plain, i), 1e-4 * largest) << name;
    }
  }
}

TEST_P(PublishedNetsTest, GivesTheSameAsOnnx) {
  Model model;
  model.predict = net_;
  model.weights = Weights();
  const absl::StatusOr<OnnxTrip> trip = TakeToOnnx(std::move(model), Inputs());
  ASSERT_TRUE(trip.ok()) << trip.status();
  std::cout << GetParam().name << ": " << trip->ToString() << "\n";
  if (IsDetection()) {  // boxes that lose score in the place of being dropped
    EXPECT_THAT(trip->refused, testing::HasSubstr("BoxWithNMSLimit"));
    return;
  }
  EXPECT_EQ(trip->refused, "");
  EXPECT_LT(trip->of_reader, 1e-4);
  EXPECT_LT(trip->of_onnxruntime, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    All, PublishedNetsTest,
    testing::Values(
        PublishedNet{"AlexNet", "alexnet/predict_net.pbtxt", "data", {1, 3, 227, 227}, 0.72e9},
        PublishedNet{
            "ResNet50", "resnet50/predict_net.pbtxt", "gpu_0/data", {1, 3, 224, 224}, 4.1e9},
        PublishedNet{"SqueezeNet", "squeezenet/predict_net.pb", "data", {1, 3, 224, 224}, 0.35e9},
        PublishedNet{"SqueezeNetOfOnnx",
                     "squeezenet/onnx_born_predict_net.pb",
                     "1",
                     {1, 3, 224, 224},
                     0.35e9},
        PublishedNet{"InceptionV1", "inception_v1/predict_net.pbtxt", "data", {1, 3, 224, 224}, 0},
        PublishedNet{
            "MaskRcnn2Go", "mask_rcnn_2go/predict_net.pbtxt", "data", {1, 3, 128, 160}, 0}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace doppio
