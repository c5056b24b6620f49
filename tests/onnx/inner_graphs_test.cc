// Graphs in nodes of ONNX models: what they see, and how their values are named.

#include "doppio/onnx.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/small_models.h"

namespace doppio {
namespace {

using onnx::AddAttribute;
using onnx::AttributeProto;
using onnx::ExampleModel;
using onnx::Floats;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::ModelProto;
using onnx::Node;
using onnx::NodeProto;
using onnx::OutputOf;
using onnx::TensorProto;
using onnx::Value;
using testing::ElementsAre;
using testing::HasSubstr;

void AddCondition(bool value, GraphProto* graph) {
  TensorProto* condition = graph->add_initializer();
  condition->set_name("condition");
  condition->set_data_type(TensorProto::BOOL);
  condition->add_int32_data(value ? 1 : 0);
}

// A branch whose value, made by `node`, is its output.
GraphProto Branch(const NodeProto& node) {
  GraphProto graph;
  graph.set_name(node.op_type() + " branch");
  *graph.add_node() = node;
  graph.add_output()->set_name(node.output(0));
  return graph;
}

NodeProto If(const GraphProto& then_branch, const GraphProto& else_branch) {
  NodeProto node = Node("If", {"condition"}, {"either"});
  *AddAttribute(&node, "then_branch", AttributeProto::GRAPH)->mutable_g() = then_branch;
  *AddAttribute(&node, "else_branch", AttributeProto::GRAPH)->mutable_g() = else_branch;
  return node;
}

// y = x + w; either = condition ? Relu(y) : y + y; z = either + w. Values of the branches are
// called like one that the graph makes later.
ModelProto ModelWithBranches(bool condition) {
  ModelProto model = ExampleModel();
  GraphProto* graph = model.mutable_graph();
  AddCondition(condition, graph);
  *graph->mutable_node(1) =
      If(Branch(Node("Relu", {"y"}, {"z"})), Branch(Node("Add", {"y", "y"}, {"z"})));
  *graph->add_node() = Node("Add", {"either", "w"}, {"z"});
  return model;
}

std::string RefusalOf(const ModelProto& model,
                      absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  const absl::Status status = ModelFromOnnx(model.SerializeAsString()).status();
  EXPECT_EQ(status.code(), code) << status;
  return std::string(status.message());
}

TEST(OnnxInnerGraphTest, NamesOfValuesAreItsOwn) {
  EXPECT_THAT(OutputOf(ModelWithBranches(true), 1, 2), ElementsAre(3, -5));
  EXPECT_THAT(OutputOf(ModelWithBranches(false), 1, 2), ElementsAre(5, -11));
}

TEST(OnnxInnerGraphTest, InitializersAreItsOwn) {
  ModelProto model = ModelWithBranches(true);
  NodeProto* node = model.mutable_graph()->mutable_node(1);
  GraphProto* branch = node->mutable_attribute(0)->mutable_g();
  *branch->add_initializer() = Floats("w", {2}, {100, 200});  // hides the one outside
  *branch->mutable_node(0) = Node("Add", {"y", "w"}, {"z"});
  EXPECT_THAT(OutputOf(model, 1, 2), ElementsAre(103, 192));
}

TEST(OnnxInnerGraphTest, SeesNothingThatIsMadeLater) {
  ModelProto model = ModelWithBranches(true);
  GraphProto* branch = model.mutable_graph()->mutable_node(1)->mutable_attribute(0)->mutable_g();
  *branch->mutable_node(0) = Node("Add", {"y", "later"}, {"z"});
  *model.mutable_graph()->add_node() = Node("Relu", {"y"}, {"later"});
  EXPECT_THAT(RefusalOf(model),
              HasSubstr("node 1 If(condition) -> either, graph \"Relu branch\", node 0 Add(y, "
                        "later) -> z: \"later\" is read before it is made"));
}

TEST(OnnxInnerGraphTest, OutputsMustBeMadeAndAsDeclared) {
  ModelProto model = ModelWithBranches(true);
  NodeProto* node = model.mutable_graph()->mutable_node(1);
  *node->mutable_attribute(0)->mutable_g()->mutable_output(0) = Value("z", {3});
  EXPECT_THAT(RefusalOf(model),
              HasSubstr("graph \"Relu branch\", output \"z\": it is declared to be "
                        "float[3], but is float[2]"));
  node->mutable_attribute(0)->mutable_g()->mutable_output(0)->set_name("q");
  EXPECT_THAT(RefusalOf(model), HasSubstr("graph \"Relu branch\": nothing makes its output \"q\""));
}

// choose(a) with a graph in its node, in which an attribute is that of the call.
TEST(OnnxInnerGraphTest, WithinAFunctionAttributesAreThoseOfTheCall) {
  ModelProto model = ExampleModel();
  FunctionProto* choose = model.add_functions();
  choose->set_name("choose");
  choose->set_domain("mine");
  choose->add_opset_import()->set_version(13);
  choose->add_input("condition");
  choose->add_input("a");
  choose->add_output("either");
  choose->add_attribute("slope");
  NodeProto leaky = Node("LeakyRelu", {"a"}, {"b"});
  AddAttribute(&leaky, "alpha", AttributeProto::FLOAT)->set_ref_attr_name("slope");
  *choose->add_node() = If(Branch(leaky), Branch(Node("Relu", {"a"}, {"b"})));
  GraphProto* graph = model.mutable_graph();
  AddCondition(true, graph);
  NodeProto* call = graph->mutable_node(1);
  *call = Node("choose", {"condition", "y"}, {"z"});
  call->set_domain("mine");
  AddAttribute(call, "slope", AttributeProto::FLOAT)->set_f(0.5f);
  EXPECT_THAT(OutputOf(model, 1, 2), ElementsAre(2, -1.5f));
}

}  // namespace
}  // namespace doppio
