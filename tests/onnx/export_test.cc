// Nets as ONNX graphs: names, what is left out, what is refused and how it is reported.

#include <algorithm>

#include "doppio/net_builder.h"
#include "doppio/onnx.h"
#include "doppio/onnx.pb.h"
#include "doppio/proto_io.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Tensor Floats(DimsView dims) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data<float>()[i] = 0.25f * static_cast<float>(i % 7) - 0.5f;
  }
  return tensor;
}

Model ModelOf(NetDef net, std::vector<std::string> inputs, std::vector<std::string> outputs) {
  Model model;
  model.predict = std::move(net);
  model.inputs = std::move(inputs);
  model.outputs = std::move(outputs);
  return model;
}

TensorInfo Shape(std::initializer_list<int64_t> dims, DataType dtype = DataType::kFloat) {
  return {dtype, Dims(dims), std::nullopt};
}

onnx::ModelProto Exported(const Model& model, const OnnxOptions& options = {}) {
  onnx::ModelProto proto;
  const absl::StatusOr<std::string> bytes = ModelToOnnx(model, options);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_TRUE(!bytes.ok() || ParseProto(*bytes, &proto).ok());
  return proto;
}

std::string Reason(const Model& model, const OnnxOptions& options = {}) {
  return std::string(ModelToOnnx(model, options).status().message());
}

std::vector<std::string> NodeTypes(const onnx::ModelProto& proto) {
  std::vector<std::string> types;
  for (const onnx::NodeProto& node : proto.graph().node()) types.push_back(node.op_type());
  return types;
}

TEST(ModelToOnnxTest, BlobsKeepTheirNames) {
  NetBuilder net("named");
  net.Op("Conv", {"data", "w"}, {"conv"}, {MakeArgument("kernel", 3)});
  net.Op("Relu", {"conv"}, {"relu"});
  Model model = ModelOf(net.def(), {"data"}, {"relu"});
  model.weights["w"] = Floats({2, 3, 3, 3});
  const onnx::GraphProto graph = Exported(model).graph();
  EXPECT_EQ(graph.name(), "named");
  ASSERT_EQ(graph.node_size(), 2);
  EXPECT_THAT(graph.node(0).input(), ElementsAre("data", "w"));
  EXPECT_THAT(graph.node(0).output(), ElementsAre("conv"));
  EXPECT_THAT(graph.node(1).output(), ElementsAre("relu"));
  ASSERT_EQ(graph.input_size(), 1);
  EXPECT_EQ(graph.input(0).name(), "data");
  ASSERT_EQ(graph.initializer_size(), 1);
  EXPECT_EQ(graph.initializer(0).name(), "w");
  ASSERT_EQ(graph.output_size(), 1);
  EXPECT_EQ(graph.output(0).name(), "relu");
}

TEST(ModelToOnnxTest, WhatABlobHoldsLastHasItsName) {
  NetBuilder net("in_place");
  net.Op("Sigmoid", {"x"}, {"y"});
  net.Op("Relu", {"y"}, {"y"});
  net.Op("Tanh", {"y"}, {"y"});
  const onnx::GraphProto graph = Exported(ModelOf(net.def(), {"x"}, {"y"})).graph();
  ASSERT_EQ(graph.node_size(), 3);
  EXPECT_EQ(graph.node(0).output(0), "y_1");
  EXPECT_EQ(graph.node(1).input(0), "y_1");
  EXPECT_EQ(graph.node(2).output(0), "y");
}

TEST(ModelToOnnxTest, AnInputThatIsOverwrittenKeepsItsName) {
  NetBuilder net("in_place");
  net.Op("Relu", {"x"}, {"x"});
  net.Op("Tanh", {"x"}, {"y"});
  const onnx::GraphProto graph = Exported(ModelOf(net.def(), {"x"}, {"y"})).graph();
  EXPECT_EQ(graph.node(0).input(0), "x");
  EXPECT_EQ(graph.node(0).output(0), graph.node(1).input(0));
  EXPECT_THAT(Reason(ModelOf(net.def(), {"x"}, {"y", "x"})), HasSubstr("two values of one name"));
}

TEST(ModelToOnnxTest, EverythingThatCanNotGoIsReportedWithItsPlace) {
  NetBuilder net("demo");
  net.Op("LengthsSum", {"x", "lengths"}, {"a"});
  net.Op("Relu", {"a"}, {"b"});
  net.Op("SpatialBN", {"b", "s", "s", "s", "s"}, {"c"}, {MakeArgument("is_test", 1)});
  net.Op("Dropout", {"c"}, {"d", "mask"}, {MakeArgument("is_test", 0)});
  Model model = ModelOf(net.def(), {"x", "lengths"}, {"d"});
  model.weights["s"] = Floats({3});
  EXPECT_EQ(ModelToOnnx(model).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(Reason(model),
              HasSubstr("op 0 LengthsSum(x, lengths) -> a: ONNX has no counterpart of it"));
  EXPECT_THAT(Reason(model), HasSubstr("op 3 Dropout(c) -> d, mask: it drops by chance"));
  EXPECT_THAT(Reason(model), Not(HasSubstr("SpatialBN")));
}

TEST(ModelToOnnxTest, ArgumentsThatNobodyUnderstandsAreRefused) {
  NetBuilder net("demo");
  net.Op("Relu", {"x"}, {"y"}, {MakeArgument("leak", 0.5f)});
  EXPECT_THAT(Reason(ModelOf(net.def(), {"x"}, {"y"})),
              HasSubstr("the argument \"leak\" can not be taken along"));
}

TEST(ModelToOnnxTest, ArgumentsThatChangeNoNumberAreLeftOut) {
  NetBuilder net("demo");
  net.Op("Relu", {"x"}, {"y"},
         {MakeArgument("order", "NCHW"), MakeArgument("cudnn_exhaustive_search", 1)});
  EXPECT_THAT(NodeTypes(Exported(ModelOf(net.def(), {"x"}, {"y"}))), ElementsAre("Relu"));
}

TEST(ModelToOnnxTest, WhatNobodyAsksForIsLeftOut) {
  NetBuilder net("demo");
  net.Op("Relu", {"x"}, {"y"});
  net.Op("LengthsSum", {"x", "lengths"}, {"unread"});
  EXPECT_THAT(NodeTypes(Exported(ModelOf(net.def(), {"x", "lengths"}, {"y"}))),
              ElementsAre("Relu"));
}

TEST(ModelToOnnxTest, InitNetsAreRunAndConstantsComputed) {
  NetBuilder init("init"), net("demo");
  init.Op("ConstantFill", {}, {"w"},
          {MakeArgument("shape", std::vector<int64_t>{2}), MakeArgument("value", 3.0f)});
  net.Op("Sqr", {"w"}, {"squares"});
  net.Op("Mul", {"x", "squares"}, {"y"});
  Model model = ModelOf(net.def(), {"x"}, {"y"});
  model.inits.push_back(init.def());
  const onnx::ModelProto proto = Exported(model);
  EXPECT_THAT(NodeTypes(proto), ElementsAre("Mul"));
  ASSERT_EQ(proto.graph().initializer_size(), 1);
  EXPECT_EQ(proto.graph().initializer(0).name(), "squares");
  const absl::StatusOr<Tensor> value =
      onnx::TensorFromOnnx(proto.graph().initializer(0), ".", Limits());
  ASSERT_TRUE(value.ok());
  EXPECT_THAT(value->span<float>(), ElementsAre(9, 9));
}

TEST(ModelToOnnxTest, OpenSizesStayOpen) {
  NetBuilder net("demo");
  net.Op("Conv", {"x", "w"}, {"y"}, {MakeArgument("kernel", 3)});
  Model model = ModelOf(net.def(), {"x"}, {"y"});
  model.weights["w"] = Floats({2, 3, 3, 3});
  OnnxOptions options;
  options.inputs["x"] = Shape({-1, 3, 10, 12});
  const onnx::ValueInfoProto output = Exported(model, options).graph().output(0);
  const onnx::TensorShapeProto& shape = output.type().tensor_type().shape();
  ASSERT_EQ(shape.dim_size(), 4);
  EXPECT_FALSE(shape.dim(0).has_dim_value());
  EXPECT_EQ(shape.dim(1).dim_value(), 2);
  EXPECT_EQ(shape.dim(2).dim_value(), 8);
  EXPECT_EQ(shape.dim(3).dim_value(), 10);
}

// The older rule of broadcasting needs to know where B stands in A.
TEST(ModelToOnnxTest, TheRankOfAnImageFollowsFromTheFilter) {
  NetBuilder net("demo");
  net.Op("Conv", {"x", "w"}, {"c"}, {MakeArgument("kernel", 1)});
  net.Op("Add", {"c", "b"}, {"y"}, {MakeArgument("broadcast", 1), MakeArgument("axis", 1)});
  Model model = ModelOf(net.def(), {"x"}, {"y"});
  model.weights["w"] = Floats({2, 3, 1, 1});
  model.weights["b"] = Floats({2});
  EXPECT_THAT(NodeTypes(Exported(model)), ElementsAre("Conv", "Unsqueeze", "Add"));
}

TEST(ModelToOnnxTest, ShapesThatAreNeededAreAskedFor) {
  NetBuilder net("demo");
  net.Op("MaxPool", {"x"}, {"y"}, {MakeArgument("kernel", 3), MakeArgument("legacy_pad", 3)});
  const Model model = ModelOf(net.def(), {"x"}, {"y"});
  EXPECT_THAT(Reason(model), HasSubstr("the shape of \"x\" is not known: give the types"));
  OnnxOptions options;
  options.inputs["x"] = Shape({1, 1, 6, 6});
  EXPECT_THAT(NodeTypes(Exported(model, options)), ElementsAre("MaxPool"));
}

TEST(ModelToOnnxTest, ShapesThatDoNotGoTogetherAreReported) {
  NetBuilder net("demo");
  net.Op("MatMul", {"a", "b"}, {"y"});
  OnnxOptions options;
  options.inputs["a"] = Shape({2, 3});
  options.inputs["b"] = Shape({4, 5});
  EXPECT_THAT(Reason(ModelOf(net.def(), {"a", "b"}, {"y"}), options), HasSubstr("cannot multiply"));
  options.inputs["c"] = Shape({1});
  EXPECT_THAT(Reason(ModelOf(net.def(), {"a", "b"}, {"y"}), options),
              HasSubstr("\"c\" is no input of the model: a, b"));
}

TEST(ModelToOnnxTest, NodesHaveTheFormOfTheirOpset) {
  NetBuilder net("demo");
  net.Op("ExpandDims", {"x"}, {"y"}, {MakeArgument("dims", std::vector<int64_t>{0})});
  const Model model = ModelOf(net.def(), {"x"}, {"y"});
  OnnxOptions options;
  options.inputs["x"] = Shape({2});
  EXPECT_EQ(Exported(model, options).opset_import(0).version(), 13);
  EXPECT_EQ(Exported(model, options).graph().node(0).input_size(), 2);
  options.opset = 12;
  EXPECT_EQ(Exported(model, options).graph().node(0).input_size(), 1);
  for (const int opset : {6, 18}) {
    options.opset = opset;
    EXPECT_THAT(Reason(model, options), HasSubstr("doppio writes 7 to 17"));
  }
}

TEST(ModelToOnnxTest, OperatorsThatCameLaterAreRefusedBefore) {
  NetBuilder net("demo");
  net.Op("Erf", {"x"}, {"y"});
  OnnxOptions options;
  options.opset = 8;
  options.inputs["x"] = Shape({2});
  EXPECT_THAT(Reason(ModelOf(net.def(), {"x"}, {"y"}), options),
              HasSubstr("it takes ONNX's Erf, which opset 9 brought"));
}

}  // namespace
}  // namespace doppio
