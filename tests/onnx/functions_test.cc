// Functions of ONNX models, which become part of the net where they are called.

#include <functional>

#include "absl/strings/str_cat.h"
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
using onnx::ModelWithFunction;
using onnx::Node;
using onnx::NodeProto;
using onnx::OutputOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

std::string RefusalOf(const ModelProto& model, absl::StatusCode code = kInvalid) {
  const absl::Status status = ModelFromOnnx(model.SerializeAsString()).status();
  EXPECT_EQ(status.code(), code) << status;
  return std::string(status.message());
}

TEST(OnnxFunctionTest, IsPutInPlaceOfItsCall) {
  EXPECT_THAT(OutputOf(ModelWithFunction(), 1, 2), ElementsAre(4, -6));
}

TEST(OnnxFunctionTest, ItsNamesAreItsOwn) {
  // What it has in between is called like a value that the graph makes later, and like its output.
  ModelProto model = ModelWithFunction();
  FunctionProto* twice = model.mutable_functions(0);
  *twice->mutable_node(0) = Node("Add", {"a", "a"}, {"z"});
  *twice->add_node() = Node("Add", {"z", "a"}, {"y"});
  twice->set_output(0, "y");
  GraphProto* graph = model.mutable_graph();
  graph->mutable_node(1)->set_output(0, "thrice");
  *graph->add_node() = Node("Relu", {"thrice"}, {"z"});
  EXPECT_THAT(OutputOf(model, 1, 2), ElementsAre(6, 0));
}

TEST(OnnxFunctionTest, AnOutputMayBeAnInput) {
  ModelProto model = ModelWithFunction();
  model.mutable_functions(0)->set_output(0, "a");
  EXPECT_THAT(OutputOf(model, 1, 2), ElementsAre(2, -3));
}

TEST(OnnxFunctionTest, AttributesAreThoseOfTheCallOrTheDefault) {
  // In opset 6 shapes are broadcast when the attribute says so.
  ModelProto model = ExampleModel();
  model.mutable_opset_import(0)->set_version(6);
  *model.mutable_graph()->mutable_initializer(0) = Floats("w", {}, {1});
  FunctionProto* plus = model.add_functions();
  plus->set_name("plus");
  plus->add_opset_import()->set_version(6);
  plus->add_input("a");
  plus->add_input("b");
  plus->add_output("c");
  AttributeProto* fallback = plus->add_attribute_proto();
  fallback->set_name("spread");
  fallback->set_type(AttributeProto::INT);
  fallback->set_i(1);
  NodeProto* add = plus->add_node();
  *add = Node("Add", {"a", "b"}, {"c"});
  AddAttribute(add, "broadcast", AttributeProto::INT)->set_ref_attr_name("spread");
  NodeProto* call = model.mutable_graph()->mutable_node(0);
  call->set_op_type("plus");
  EXPECT_THAT(OutputOf(model, 1, 2), ElementsAre(2, 3));
  AddAttribute(call, "spread", AttributeProto::FLOAT)->set_f(1);
  EXPECT_THAT(RefusalOf(model), HasSubstr("function plus, node 0 Add(a, b) -> c: attribute "
                                          "\"broadcast\" is of type FLOAT, not INT"));
  call->mutable_attribute(0)->set_name("spraed");
  EXPECT_THAT(RefusalOf(model), HasSubstr("function plus has no attribute \"spraed\""));
}

TEST(BadOnnxFunctionTest, OneThatCallsItselfIsRefused) {
  ModelProto model = ModelWithFunction();
  NodeProto* node = model.mutable_functions(0)->mutable_node(0);
  *node = Node("twice", {"a"}, {"c"});
  node->set_domain("mine");
  EXPECT_THAT(RefusalOf(model), HasSubstr("node 1 twice(y) -> z, function twice, node 0 twice(a) "
                                          "-> c: function twice calls itself"));
}

TEST(BadOnnxFunctionTest, CallsMustFit) {
  const auto with = [](const std::function<void(ModelProto*)>& change,
                       absl::StatusCode code = kInvalid) {
    ModelProto model = ModelWithFunction();
    change(&model);
    return RefusalOf(model, code);
  };
  EXPECT_THAT(
      with([](ModelProto* model) { model->mutable_graph()->mutable_node(1)->add_input("x"); }),
      HasSubstr("function twice has 1 inputs and 1 outputs"));
  EXPECT_THAT(
      with([](ModelProto* model) { model->mutable_graph()->mutable_node(1)->clear_input(); }),
      HasSubstr("node 0 Add(a, a) -> c: "));
  EXPECT_THAT(with([](ModelProto* model) { model->mutable_functions(0)->set_output(0, "q"); }),
              HasSubstr("function twice does not make its output \"q\""));
  EXPECT_THAT(with([](ModelProto* model) { model->mutable_functions(0)->add_input("a"); }),
              HasSubstr("two inputs named \"a\""));
  EXPECT_THAT(with([](ModelProto* model) { *model->add_functions() = model->functions(0); }),
              HasSubstr("function twice: there are two functions of that name"));
  EXPECT_THAT(with([](ModelProto* model) { model->mutable_functions(0)->clear_opset_import(); }),
              HasSubstr("no version of ONNX's operators is imported"));
  EXPECT_THAT(with(
                  [](ModelProto* model) {
                    model->mutable_functions(0)->mutable_opset_import(0)->set_version(18);
                  },
                  absl::StatusCode::kUnimplemented),
              HasSubstr("function twice: opset 18; doppio reads 6 to 17"));
}

TEST(BadOnnxFunctionTest, CallsThatMultiplyComeToAnEnd) {
  ModelProto model = ModelWithFunction();
  for (int i = 1; i < 64; ++i) {
    FunctionProto* function = model.add_functions();
    *function = model.functions(0);
    function->set_name(absl::StrCat("twice", i));
    function->clear_node();
    const std::string before = i == 1 ? "twice" : absl::StrCat("twice", i - 1);
    *function->add_node() = Node(before, {"a"}, {"b"});
    *function->add_node() = Node(before, {"b"}, {"c"});
    for (NodeProto& node : *function->mutable_node()) node.set_domain("mine");
  }
  model.mutable_graph()->mutable_node(1)->set_op_type("twice63");
  Limits limits;
  limits.max_operators = 1000;
  const auto read = ModelFromOnnx(model.SerializeAsString(), ".", limits);
  EXPECT_THAT(std::string(read.status().message()),
              HasSubstr("the model has more nodes than the limit of 1000"));
  limits.max_operators = 1'000'000;
  limits.max_file_bytes = 1 << 14;
  const auto large = ModelFromOnnx(model.SerializeAsString(), ".", limits);
  EXPECT_THAT(std::string(large.status().message()),
              HasSubstr("functions and inner graphs make more of the model than the limit"));
}

}  // namespace
}  // namespace doppio
