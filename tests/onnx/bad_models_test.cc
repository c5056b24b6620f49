// Models that nobody should write, and some do: each is an error that says what is wrong, all of it
// at once, and nothing else happens.

#include <functional>

#include "absl/strings/str_cat.h"
#include "doppio/onnx.h"
#include "doppio/onnx.pb.h"
#include "doppio/predictor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/onnx/small_models.h"

namespace doppio {
namespace {

using onnx::AddAttribute;
using onnx::AttributeProto;
using onnx::ExampleModel;
using onnx::Floats;
using onnx::GraphProto;
using onnx::ModelProto;
using onnx::ModelWithFunction;
using onnx::Node;
using onnx::NodeProto;
using onnx::OutputOf;
using onnx::Value;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnimplemented = absl::StatusCode::kUnimplemented;

absl::StatusOr<Model> Read(const ModelProto& model, const std::string& folder = ".") {
  return ModelFromOnnx(model.SerializeAsString(), folder);
}

std::string Refusal(const ModelProto& model, absl::StatusCode code = kInvalid) {
  const absl::Status status = Read(model).status();
  EXPECT_EQ(status.code(), code) << status;
  return std::string(status.message());
}

// What is wrong with the good model after a change.
std::string RefusalOf(const std::function<void(ModelProto*)>& change,
                      absl::StatusCode code = kInvalid) {
  ModelProto model = ExampleModel();
  change(&model);
  return Refusal(model, code);
}

Tensor Pair(float a, float b) { return *Tensor::Of<float>({2}, {a, b}); }

TEST(OnnxModelTest, AGoodOneRuns) {
  EXPECT_THAT(OutputOf(ExampleModel(), 1, 2), testing::ElementsAre(2, 0));
}

// --- What a model says of itself. ---

TEST(BadOnnxModelTest, VersionsThatAreNotKnownAreRefusedTogether) {
  for (const int64_t version : {0, 2, 11, -1}) {
    EXPECT_THAT(RefusalOf(
                    [&](ModelProto* model) {
                      model->set_ir_version(version);
                      model->mutable_opset_import(0)->set_version(99);
                    },
                    kUnimplemented),
                AllOf(HasSubstr(absl::StrCat("IR version ", version, "; doppio reads 3 to 10")),
                      HasSubstr("\nopset 99; doppio reads 6 to 17")));
  }
}

TEST(BadOnnxModelTest, ThereMustBeOneOpset) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) { model->clear_opset_import(); }),
              HasSubstr("no version of ONNX's operators"));
  EXPECT_THAT(RefusalOf([](ModelProto* model) { model->add_opset_import()->set_version(12); }),
              HasSubstr("two versions, 13 and 12, of the domain \"\""));
  ModelProto twice = ExampleModel();
  *twice.add_opset_import() = twice.opset_import(0);
  EXPECT_TRUE(Read(twice).ok());
}

TEST(BadOnnxModelTest, AnEmptyGraphIsNone) {
  for (const auto& change : {+[](ModelProto* model) { model->clear_graph(); },
                             +[](ModelProto* model) { *model->mutable_graph() = {}; }}) {
    EXPECT_THAT(RefusalOf(change), HasSubstr("the graph has no outputs"));
  }
}

// --- Names. ---

TEST(BadOnnxModelTest, NamesAreThereOnce) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                GraphProto* graph = model->mutable_graph();
                *graph->add_input() = Value("x", {2});
                *graph->add_initializer() = Floats("w", {1}, {1});
                *graph->add_node() = Node("Relu", {"x"}, {"y"});
                *graph->add_node() = Node("Relu", {"x"}, {"x"});
                *graph->add_node() = Node("Relu", {"x"}, {"w"});
                *graph->add_output() = Value("z", {2});
              }),
              AllOf(HasSubstr("input \"x\": there are two inputs of that name"),
                    HasSubstr("initializer \"w\": there are two values named \"w\""),
                    HasSubstr("node 2 Relu(x) -> y: there are two values named \"y\""),
                    HasSubstr("node 3 Relu(x) -> x: there are two values named \"x\""),
                    HasSubstr("node 4 Relu(x) -> w: there are two values named \"w\""),
                    HasSubstr("output \"z\": there are two outputs of that name")));
}

TEST(BadOnnxModelTest, NamesAreNotEmpty) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                *model->mutable_graph()->add_input() = Value("", {2});
                *model->mutable_graph()->add_initializer() = Floats("", {1}, {1});
              }),
              AllOf(HasSubstr("input \"\": a value has no name"),
                    HasSubstr("initializer \"\": a value has no name")));
}

TEST(OnnxModelTest, AnInputWithAnInitializerIsAWeight) {
  ModelProto old = ExampleModel();
  *old.mutable_graph()->add_input() = Value("w", {2});
  const absl::StatusOr<Model> model = Read(old);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(model->inputs, testing::ElementsAre("x"));
  EXPECT_EQ(model->weights.count("w"), 1);
}

TEST(OnnxModelTest, OutputsMayBeInputsAndInitializers) {
  ModelProto model = ExampleModel();
  *model.mutable_graph()->add_output() = Value("x", {2});
  *model.mutable_graph()->add_output() = Value("w", {2});
  *model.mutable_graph()->add_output() = Value("y", {2});
  const absl::StatusOr<Model> read = Read(model);
  ASSERT_TRUE(read.ok()) << read.status();
  const auto predictor = Predictor::Create(*read);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const auto outputs = (*predictor)->Run({Pair(1, 2)});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_EQ(outputs->size(), 4);
  EXPECT_THAT((*outputs)[1].span<float>(), testing::ElementsAre(1, 2));
  EXPECT_THAT((*outputs)[2].span<float>(), testing::ElementsAre(1, -5));
  EXPECT_THAT((*outputs)[3].span<float>(), testing::ElementsAre(2, -3));
}

// --- Graphs that are none. ---

TEST(BadOnnxModelTest, ACycleIsRefused) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                *model->mutable_graph()->mutable_node(0) = Node("Add", {"x", "z"}, {"y"});
                *model->mutable_graph()->add_node() = Node("Relu", {"own"}, {"own"});
              }),
              AllOf(HasSubstr("node 0 Add(x, z) -> y: \"z\" is read before it is made: the graph "
                              "has a cycle, or its nodes are not sorted"),
                    HasSubstr("node 2 Relu(own) -> own: \"own\" is read before it is made")));
}

TEST(BadOnnxModelTest, ValuesThatNothingMakesAreNamedTogether) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                *model->mutable_graph()->mutable_node(0) = Node("Add", {"a", "b"}, {"y"});
                *model->mutable_graph()->add_output() = Value("c", {2});
              }),
              AllOf(HasSubstr("node 0 Add(a, b) -> y: nothing makes \"a\"; nothing makes \"b\""),
                    HasSubstr("output \"c\": nothing makes it"), Not(HasSubstr("Relu"))));
}

TEST(BadOnnxModelTest, NodesMustHaveTheirInputsAndOutputs) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                GraphProto* graph = model->mutable_graph();
                *graph->mutable_node(0) = Node("Add", {"x", "w"}, {"y"});
                *graph->add_node() = Node("Relu", {""}, {"a"});
                *graph->add_node() = Node("Relu", {"x"}, {});
                *graph->add_node() = Node("Relu", {"x"}, {""});
                *graph->add_node() = Node("Add", {"", "x"}, {"b"});
                *graph->add_node() = Node("Relu", {"x", "w"}, {"c"});
                *graph->add_node() = Node("Relu", {"x"}, {"d", "e"});
                *graph->add_node() = Node("Add", {"x"}, {"f"});
              }),
              AllOf(HasSubstr("node 2 Relu() -> a: "),
                    HasSubstr("node 3 Relu(x) -> : the node has no output"),
                    HasSubstr("node 4 Relu(x) -> : the node has no output"),
                    HasSubstr("node 5 Add(, x) -> b: input 0 is missing"),
                    HasSubstr("node 6 Relu(x, w) -> c: "), HasSubstr("node 7 Relu(x) -> d, e: "),
                    HasSubstr("node 8 Add(x) -> f: ")));
}

// --- Operators. ---

TEST(BadOnnxModelTest, OperatorsThatAreNotKnownAreToldOnce) {
  EXPECT_THAT(RefusalOf(
                  [](ModelProto* model) {
                    GraphProto* graph = model->mutable_graph();
                    for (const char* name : {"a", "b", "c"}) {
                      *graph->add_node() = Node("Teleport", {"x"}, {name});
                    }
                    *graph->add_node() = Node("Relu", {"a"}, {"d"});
                    *graph->add_node() = Node("Fly", {"a"}, {"e"});
                    graph->mutable_node(6)->set_domain("org.example");
                  },
                  kUnimplemented),
              "node 2 Teleport(x) -> a: ONNX's operator Teleport is not supported (2 more)\n"
              "node 6 Fly(a) -> e: operator Fly of the domain \"org.example\" is not known, only "
              "those of ONNX itself are");
}

TEST(BadOnnxModelTest, AttributesMustBeKnownAndOfTheirType) {
  const auto with = [](const std::function<void(NodeProto*)>& change, absl::StatusCode code) {
    return RefusalOf(
        [&](ModelProto* model) {
          model->mutable_opset_import(0)->set_version(6);
          change(model->mutable_graph()->mutable_node(0));
        },
        code);
  };
  EXPECT_THAT(with([](NodeProto* node) { AddAttribute(node, "colour", AttributeProto::INT); },
                   kUnimplemented),
              HasSubstr("node 0 Add(x, w) -> y: the attribute \"colour\" of Add is not known"));
  EXPECT_THAT(
      with([](NodeProto* node) { AddAttribute(node, "axis", AttributeProto::FLOAT); }, kInvalid),
      HasSubstr("attribute \"axis\" is of type FLOAT, not INT"));
  // Without a type, what is set tells.
  EXPECT_THAT(with(
                  [](NodeProto* node) {
                    AddAttribute(node, "axis", AttributeProto::UNDEFINED)->set_s("1");
                  },
                  kInvalid),
              HasSubstr("attribute \"axis\" is of type STRING, not INT"));
  EXPECT_THAT(with(
                  [](NodeProto* node) {
                    AddAttribute(node, "broadcast", AttributeProto::INT)->set_i(1);
                    AddAttribute(node, "broadcast", AttributeProto::INT)->set_i(0);
                  },
                  kInvalid),
              HasSubstr("there are two attributes \"broadcast\""));
  EXPECT_THAT(with(
                  [](NodeProto* node) {
                    AddAttribute(node, "axis", AttributeProto::INT)->set_ref_attr_name("axis");
                  },
                  kInvalid),
              HasSubstr("an attribute refers to one of a function, outside of any"));
}

// --- Types and shapes. ---

TEST(BadOnnxModelTest, ShapesMustGoTogether) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                *model->mutable_graph()->mutable_initializer(0) = Floats("w", {3}, {1, 2, 3});
              }),
              HasSubstr("node 0 Add(x, w) -> y: "));
}

TEST(BadOnnxModelTest, WhatIsDeclaredMustBeSo) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                GraphProto* graph = model->mutable_graph();
                *graph->add_value_info() = Value("y", {2, 1});
                *graph->add_input() = Value("w", {3});
                *graph->mutable_output(0) = Value("z", {2}, onnx::TensorProto::INT64);
              }),
              AllOf(HasSubstr("value \"y\": it is declared to be float[2,1], but is float[2]"),
                    HasSubstr("input \"w\": it is declared to be float[3], but is float[2]"),
                    HasSubstr("output \"z\": it is declared to be int64[2], but is float[2]")));
}

TEST(BadOnnxModelTest, TypesMustExist) {
  EXPECT_THAT(RefusalOf(
                  [](ModelProto* model) {
                    GraphProto* graph = model->mutable_graph();
                    *graph->mutable_input(0) = Value("x", {2}, 77);
                    *graph->mutable_output(0) = Value("z", {2}, -3);
                    graph->mutable_initializer(0)->set_data_type(onnx::TensorProto::COMPLEX64);
                    *graph->add_input() = Value("s", {});
                    graph->mutable_input(1)->mutable_type()->mutable_sequence_type();
                  },
                  kUnimplemented),
              AllOf(HasSubstr("input \"x\": tensors of type number 77"),
                    HasSubstr("output \"z\": tensors of type number -3"),
                    HasSubstr("initializer \"w\": tensors of type COMPLEX64"),
                    HasSubstr("input \"s\": values that are no tensors")));
}

TEST(BadOnnxModelTest, ShapesMustBeShapes) {
  constexpr int64_t kHuge = int64_t{1} << 40;
  EXPECT_THAT(
      RefusalOf([](ModelProto* model) {
        GraphProto* graph = model->mutable_graph();
        *graph->mutable_input(0) = Value("x", {-2});
        *graph->add_input() = Value("huge", {kHuge, kHuge});
        *graph->add_input() = Value("deep", std::vector<int64_t>(33, 1));
        *graph->add_initializer() = Floats("negative", {-1}, {});
        *graph->add_initializer() = Floats("overflow", {kHuge, kHuge}, {});
        *graph->add_initializer() = Floats("little", {3}, {1});
        *graph->add_initializer() = Floats("much", {1}, {1, 2});
      }),
      AllOf(HasSubstr("input \"x\": it has a dimension of -2"), HasSubstr("input \"huge\": "),
            HasSubstr("input \"deep\": it has 33 dimensions, above the limit of 32"),
            HasSubstr("initializer \"negative\": "), HasSubstr("initializer \"overflow\": "),
            HasSubstr("\"little\": float_data holds 1 values, but shape [3] needs 3"),
            HasSubstr("\"much\": float_data holds 2 values, but shape [1] needs 1")));
}

TEST(OnnxModelTest, AnInputIsHeldToWhatWasDeclared) {
  absl::StatusOr<Model> model = Read(ExampleModel());
  ASSERT_TRUE(model.ok()) << model.status();
  const auto predictor = Predictor::Create(*std::move(model));
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const auto three = (*predictor)->Run({*Tensor::Of<float>({2, 2}, {1, 2, 3, 4})});
  EXPECT_THAT(std::string(three.status().message()),
              HasSubstr("\"x\": it is float[2,2], but must be float[2]"));
  const auto doubles = (*predictor)->Run({*Tensor::Of<double>({2}, {1, 2})});
  EXPECT_THAT(std::string(doubles.status().message()),
              HasSubstr("\"x\": it is double[2], but must be float[2]"));
}

TEST(BadOnnxModelTest, RawDataMustFit) {
  const auto with = [](const std::string& raw, int type, bool with_floats = false) {
    return RefusalOf([&](ModelProto* model) {
      onnx::TensorProto* tensor = model->mutable_graph()->mutable_initializer(0);
      if (!with_floats) tensor->clear_float_data();
      tensor->set_raw_data(raw);
      tensor->set_data_type(type);
    });
  };
  EXPECT_THAT(with("1234567", onnx::TensorProto::FLOAT),
              HasSubstr("raw_data holds 7 bytes, but shape [2] of float needs 8"));
  EXPECT_THAT(with("", onnx::TensorProto::FLOAT), HasSubstr("raw_data holds 0 bytes"));
  EXPECT_THAT(with("ab", onnx::TensorProto::STRING),
              HasSubstr("strings stand in string_data alone"));
  EXPECT_THAT(with("12345678", onnx::TensorProto::FLOAT, true),
              HasSubstr("its elements stand in two places"));
}

TEST(BadOnnxModelTest, NarrowNumbersMustFit) {
  EXPECT_THAT(RefusalOf([](ModelProto* model) {
                onnx::TensorProto* tensor = model->mutable_graph()->mutable_initializer(0);
                tensor->clear_float_data();
                tensor->set_data_type(onnx::TensorProto::UINT8);
                tensor->add_int32_data(255);
                tensor->add_int32_data(256);
              }),
              HasSubstr("int32_data[1] is 256, which uint8 can not hold"));
}

// --- How much of it. ---

TEST(BadOnnxModelTest, GraphsInGraphsEndSomewhere) {
  GraphProto graph;
  *graph.add_node() = Node("Relu", {"x"}, {"z"});
  for (int i = 0; i < 1000; ++i) {
    GraphProto outer;
    NodeProto* node = outer.add_node();
    *node = Node("If", {"x"}, {"z"});
    AddAttribute(node, "then_branch", AttributeProto::GRAPH)->mutable_g()->Swap(&graph);
    graph.Swap(&outer);
  }
  ModelProto model = ExampleModel();
  *model.mutable_graph()->add_node() = graph.node(0);
  const absl::Status status = Read(model).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("nest"));
}

TEST(BadOnnxModelTest, ThereIsALimitOfNodes) {
  ModelProto model = ExampleModel();
  for (int i = 0; i < 100; ++i) {
    *model.mutable_graph()->add_node() = Node("Relu", {"x"}, {absl::StrCat("r", i)});
  }
  Limits limits;
  limits.max_operators = 50;
  const auto read = ModelFromOnnx(model.SerializeAsString(), ".", limits);
  EXPECT_THAT(std::string(read.status().message()),
              AllOf(HasSubstr("node 50 "), HasSubstr("more nodes than the limit of 50"),
                    HasSubstr("\nand 32 more problems")));
}

TEST(BadOnnxModelTest, DamageIsAnErrorOrAnotherModel) {
  const std::string good = ModelWithFunction().SerializeAsString();
  for (size_t size = 0; size < good.size(); ++size) {
    (void)ModelFromOnnx(good.substr(0, size)).status();
  }
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = good;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      absl::StatusOr<Model> model = ModelFromOnnx(damaged);
      if (!model.ok()) continue;
      const auto predictor = Predictor::Create(*std::move(model));
      if (predictor.ok()) (void)(*predictor)->Run({Pair(1, 2)}).status();
    }
  }
}

}  // namespace
}  // namespace doppio
