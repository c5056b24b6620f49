// Published nets, run from their files, against what Caffe2 gave for them.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "doppio/npy.h"
#include "doppio/op_def.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/models/onnx_trip.h"
#include "tests/support/shared_dir.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

// x[i] = ((31 i) mod 255) / 255, by flat index.
Tensor Picture(DimsView dims) {
  std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(31 * i % 255) / 255.0f;
  return *Tensor::FromSpan<float>(dims, values);
}

std::map<std::string, Tensor> Golden(const std::string& model) {
  std::map<std::string, Tensor> golden;
  std::ifstream file(SharedDir() + "/models/" + model + "/golden/outputs.npz", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  absl::StatusOr<std::vector<NamedTensor>> arrays = ParseNpz(bytes);
  EXPECT_TRUE(arrays.ok()) << arrays.status();
  if (!arrays.ok()) return golden;
  for (NamedTensor& array : *arrays) golden[array.name] = std::move(array.tensor);
  return golden;
}

// The largest difference of any element, as a share of the largest element.
double RelativeError(const Tensor& actual, const Tensor& expected) {
  if (actual.numel() != expected.numel() || actual.dtype() != expected.dtype()) return INFINITY;
  double error = 0;
  double largest = 0;
  for (int64_t i = 0; i < actual.numel(); ++i) {
    const double wanted = ElementAsDouble(expected, i);
    const double difference = std::abs(ElementAsDouble(actual, i) - wanted);
    error = std::isnan(difference) ? INFINITY : std::max(error, difference);
    largest = std::max(largest, std::abs(wanted));
  }
  return error / largest;
}

TEST(GoldenNetsTest, LeNetGivesWhatCaffe2Gave) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string folder = SharedDir() + "/models/mnist/";
  const absl::StatusOr<NetDef> init = LoadNet(folder + "init_net.pb");
  const absl::StatusOr<NetDef> predict = LoadNet(folder + "predict_net.pb");
  ASSERT_TRUE(init.ok() && predict.ok()) << init.status() << predict.status();
  std::map<std::string, Tensor> golden = Golden("mnist");
  Workspace workspace;
  absl::Status status = workspace.RunNetOnce(*init);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_TRUE(workspace.Feed("1", Picture({1, 1, 28, 28})).ok());
  status = workspace.RunNetOnce(*predict);
  ASSERT_TRUE(status.ok()) << status;
  const absl::StatusOr<Tensor> y = workspace.Fetch("26");
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_TRUE(TensorNear(*y, golden["y"], 1e-5));

  const auto predictor = Predictor::Create(*init, *predict);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const auto optimized = (*predictor)->Run({Picture({1, 1, 28, 28})});
  ASSERT_TRUE(optimized.ok()) << optimized.status();
  EXPECT_LT(RelativeError((*optimized)[0], golden["y"]), 1e-4);
}

TEST(GoldenNetsTest, LeNetGivesTheSameAsOnnx) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string folder = SharedDir() + "/models/mnist/";
  const absl::StatusOr<NetDef> init = LoadNet(folder + "init_net.pb");
  const absl::StatusOr<NetDef> predict = LoadNet(folder + "predict_net.pb");
  ASSERT_TRUE(init.ok() && predict.ok()) << init.status() << predict.status();
  Model model;
  model.predict = *predict;
  model.inits = {*init};
  const absl::StatusOr<OnnxTrip> trip =
      TakeToOnnx(std::move(model), {{"1", Picture({1, 1, 28, 28})}});
  ASSERT_TRUE(trip.ok()) << trip.status();
  std::cout << trip->ToString() << "\n";
  EXPECT_EQ(trip->refused, "");
  EXPECT_LT(trip->of_reader, 1e-5);
  EXPECT_LT(trip->of_onnxruntime, 1e-5);
}

struct Point {
  double x;
  double y;
};

// A white line of about three pixels through these points of a black picture of 28 x 28.
Tensor Drawn(const std::vector<Point>& points) {
  std::vector<float> pixels(28 * 28, 0);
  for (size_t i = 1; i < points.size(); ++i) {
    const Point from = points[i - 1];
    const Point along = {points[i].x - from.x, points[i].y - from.y};
    const double squared = along.x * along.x + along.y * along.y;
    for (size_t p = 0; p < pixels.size(); ++p) {
      const Point at = {static_cast<double>(p % 28) - from.x, static_cast<double>(p / 28) - from.y};
      const double t = std::clamp((at.x * along.x + at.y * along.y) / squared, 0.0, 1.0);
      const double distance = std::hypot(at.x - t * along.x, at.y - t * along.y);
      pixels[p] = std::max(pixels[p], static_cast<float>(std::clamp(1.9 - distance, 0.0, 1.0)));
    }
  }
  return *Tensor::FromSpan<float>({1, 1, 28, 28}, pixels);
}

TEST(GoldenNetsTest, LeNetReadsDrawnDigits) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string folder = SharedDir() + "/models/mnist/";
  const absl::StatusOr<NetDef> init = LoadNet(folder + "init_net.pb");
  const absl::StatusOr<NetDef> predict = LoadNet(folder + "predict_net.pb");
  ASSERT_TRUE(init.ok() && predict.ok()) << init.status() << predict.status();
  const auto predictor = Predictor::Create(*init, *predict);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const std::map<int, std::vector<Point>> digits = {
      {0, {{10, 9}, {14, 6}, {18, 9}, {18, 18}, {14, 21}, {10, 18}, {10, 9}}},
      {1, {{14, 5}, {14, 22}}},
      {2, {{9, 8}, {13, 6}, {18, 9}, {9, 21}, {19, 21}}},
      {3, {{9, 6}, {17, 6}, {13, 12}, {18, 16}, {15, 21}, {9, 21}}},
      {7, {{8, 7}, {19, 7}, {12, 22}}}};
  for (const auto& [digit, points] : digits) {
    const auto scores = (*predictor)->Run({Drawn(points)});
    ASSERT_TRUE(scores.ok()) << scores.status();
    const absl::Span<const float> span = (*scores)[0].span<float>();
    EXPECT_EQ(std::max_element(span.begin(), span.end()) - span.begin(), digit);
  }
}

// The weights that the recorded run of Caffe2 was given.
Tensor SqueezeNetBlob(const std::string& name, DimsView dims) {
  std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
  if (dims.size() == 1) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.01f * static_cast<float>(i % 7);
  } else {
    const double scale = std::sqrt(2.0 / static_cast<double>(SizeFromDim(dims, 1)));
    for (size_t i = 0; i < values.size(); ++i) {
      const double uniform = static_cast<double>(7919 * i % 1000) / 1000 - 0.5;
      values[i] = static_cast<float>(uniform * scale);
    }
  }
  EXPECT_FALSE(values.empty()) << name;
  return *Tensor::FromSpan<float>(dims, values);
}

// Filters of each layer of SqueezeNet 1.1, by the end of the name.
int64_t Filters(const std::string& layer) {
  if (layer == "conv1") return 64;
  if (layer == "conv10") return 1000;
  const int fire = layer[4] - '0';  // fire2/squeeze1x1
  const int64_t squeeze = 16 * (fire / 2);
  return layer.find("squeeze") != std::string::npos ? squeeze : 4 * squeeze;
}

TEST(GoldenNetsTest, SqueezeNetGivesWhatCaffe2Gave) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const absl::StatusOr<NetDef> net = LoadNet(SharedDir() + "/models/squeezenet/predict_net.pb");
  ASSERT_TRUE(net.ok()) << net.status();
  Model model;
  model.predict = *net;
  model.inputs = {"data"};
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("data", Picture({1, 3, 227, 227})).ok());
  std::map<std::string, int64_t> channels = {{"data", 3}};
  for (const OperatorDef& op : net->op()) {
    const std::string& x = op.input(0);
    int64_t out = channels[x];
    if (op.type() == "Concat") out = channels[op.input(0)] + channels[op.input(1)];
    if (op.type() == "Conv") {
      const std::string& w = op.input(1);
      out = Filters(w.substr(0, w.size() - 2));
      const int64_t kernel = FindArgument(op, "kernel")->i();
      const Dims filter = {out, channels[x], kernel, kernel};
      model.weights[w] = SqueezeNetBlob(w, filter);
      model.weights[op.input(2)] = SqueezeNetBlob(op.input(2), Dims{out});
      for (const std::string& name : {w, op.input(2)}) {
        ASSERT_TRUE(workspace.Feed(name, model.weights[name]).ok());
      }
    }
    channels[op.output(0)] = out;
  }
  const absl::Status status = workspace.RunNetOnce(*net);
  ASSERT_TRUE(status.ok()) << status;
  const std::map<std::string, Tensor> golden = Golden("squeezenet");
  for (const auto& [name, expected] : golden) {
    const absl::StatusOr<Tensor> actual = workspace.Fetch(name);
    ASSERT_TRUE(actual.ok()) << actual.status();
    EXPECT_LT(RelativeError(*actual, expected), 1e-4) << name;
    model.outputs.push_back(name);
  }

  const auto predictor = Predictor::Create(std::move(model));
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  auto optimized = (*predictor)->Run({{"data", Picture({1, 3, 227, 227})}});
  ASSERT_TRUE(optimized.ok()) << optimized.status();
  for (const auto& [name, expected] : golden) {
    EXPECT_LT(RelativeError((*optimized)[name], expected), 1e-4) << name;
  }
}

}  // namespace
}  // namespace doppio
