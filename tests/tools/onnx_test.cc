#include <filesystem>

#include "doppio/onnx.pb.h"
#include "tests/onnx/small_models.h"
#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OnnxCommandTest : public CommandTest {
 protected:
  std::string Save(const std::string& name, const onnx::ModelProto& model) {
    return Write(name, model.SerializeAsString());
  }
  std::string SaveX(const std::vector<float>& values = {1, 2}) {
    return CommandTest::Save(
        "x.npy", Tensor::FromSpan<float>({static_cast<int64_t>(values.size())}, values));
  }
};

TEST_F(OnnxCommandTest, AModelRuns) {
  const CommandResult result =
      Doppio({"run", Save("model.onnx", onnx::ExampleModel()), "--feed", "x=" + SaveX()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("z: float[2]"), HasSubstr("2, 0")));
}

TEST_F(OnnxCommandTest, AnInputThatWasDeclaredOtherwiseIsRefused) {
  const std::string model = Save("model.onnx", onnx::ExampleModel());
  const std::string feed = "x=" + SaveX({1, 2, 3});
  for (const char* command : {"run", "check"}) {
    const CommandResult result = Doppio({command, model, "--feed", feed});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.out + result.err, HasSubstr("float[3], but must be float[2]")) << command;
  }
}

TEST_F(OnnxCommandTest, AModelIsMeasured) {
  const CommandResult result = Doppio({"bench", Save("model.onnx", onnx::ExampleModel()), "--feed",
                                       "x=" + SaveX(), "--iterations", "2"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("net \"small\": "), HasSubstr("Add")));
}

TEST_F(OnnxCommandTest, CheckListsAllProblemsWithTheFile) {
  const std::string good = Save("model.onnx", onnx::ExampleModel());
  const CommandResult fine = Doppio({"check", good});
  EXPECT_EQ(fine.code, 0) << fine.err;
  EXPECT_THAT(fine.out, AllOf(HasSubstr("no problem"), HasSubstr("to be fed: x\n")));

  onnx::ModelProto bad = onnx::ExampleModel();
  bad.mutable_graph()->mutable_node(0)->set_op_type("Teleport");
  bad.mutable_graph()->mutable_node(1)->set_op_type("Fly");
  const std::string path = Save("bad.onnx", bad);
  for (const char* command : {"check", "run", "draw", "bench"}) {
    const CommandResult result = Doppio({command, path});
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("bad.onnx: node 0 Teleport(x, w) -> y: ONNX's operator Teleport is "
                                "not supported"),
                      HasSubstr("node 1 Fly(y) -> z: ONNX's operator Fly is not supported")))
        << command;
  }
}

TEST_F(OnnxCommandTest, InspectSaysWhatItIs) {
  onnx::ModelProto model = onnx::ExampleModel();
  model.set_producer_name("pytorch");
  model.set_producer_version("1.12");
  auto* opset = model.add_opset_import();
  opset->set_domain("org.example");
  opset->set_version(2);
  *model.mutable_graph()->add_node() = onnx::Node("Relu", {"z"}, {"again"});
  onnx::ValueInfoProto* input = model.mutable_graph()->add_input();
  *input = onnx::Value("images", {1, 3});
  auto* shape = input->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->mutable_dim(0)->set_dim_param("N");
  shape->mutable_dim(1)->Clear();
  const std::string path = Save("model.onnx", model);
  const CommandResult result = Doppio({"inspect", path});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("model.onnx: ONNX model (binary), "),
                    HasSubstr("graph \"small\": 3 nodes, IR version 8, opset 13, opset 2 of "
                              "org.example, written by pytorch 1.12\n"),
                    HasSubstr("  operators: Relu*2 Add\n"), HasSubstr("float[N,?]"),
                    HasSubstr("1 weight, together 8 B\n")));
  const CommandResult json = Doppio({"inspect", path, "--json"});
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"kind\": \"ONNX model\""), HasSubstr("\"ai.onnx\": 13"),
                              HasSubstr("\"producer\": \"pytorch 1.12\""), HasSubstr("\"Relu\": 2"),
                              HasSubstr("\"weight_bytes\": 8")));
}

// What nobody can run can be looked at.
TEST_F(OnnxCommandTest, InspectTakesWhatIsNotSupported) {
  onnx::ModelProto model = onnx::ExampleModel();
  model.mutable_opset_import(0)->set_version(99);
  model.mutable_graph()->mutable_node(0)->set_op_type("Teleport");
  model.mutable_graph()->mutable_initializer(0)->set_data_type(onnx::TensorProto::COMPLEX64);
  const CommandResult result = Doppio({"inspect", Save("model.onnx", model)});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("opset 99"), HasSubstr("Teleport"), HasSubstr("complex64[2]")));
}

TEST_F(OnnxCommandTest, InspectShowsWhatItBecomesWhenItIsRun) {
  const CommandResult result =
      Doppio({"inspect", Save("model.onnx", onnx::ExampleModel()), "--optimize"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("net \"small\": "));
}

TEST_F(OnnxCommandTest, ItIsDrawn) {
  const CommandResult result = Doppio({"draw", Save("model.onnx", onnx::ExampleModel())});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("digraph"), HasSubstr("Relu")));
}

TEST_F(OnnxCommandTest, ItBecomesTwoNets) {
  const std::string model = Save("model.onnx", onnx::ExampleModel());
  const std::string feed = "x=" + SaveX();
  struct Ways {
    std::vector<std::string> options;
    std::string net, init;
  };
  for (const Ways& way :
       {Ways{{}, "predict_net.pb", "predict_net_init.pb"}, Ways{{}, "net.pbtxt", "net_init.pbtxt"},
        Ways{{"--init-out", Path("init_net.pb")}, "predict.json", "init_net.pb"}}) {
    std::vector<std::string> arguments = {"convert", model, Path(way.net)};
    arguments.insert(arguments.end(), way.options.begin(), way.options.end());
    const CommandResult result = Doppio(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out,
                AllOf(HasSubstr(model + " (ONNX model, "), HasSubstr("-> " + Path(way.net)),
                      HasSubstr("weights: " + Path(way.init) + " (1 tensor)\nfed: x\nmade: z\n")));
    const CommandResult run =
        Doppio({"run", Path(way.net), "--init", Path(way.init), "--feed", feed});
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("2, 0"));
  }
}

TEST_F(OnnxCommandTest, ItBecomesAPredictorDatabase) {
  const std::string out = Path("model.minidb");
  const CommandResult result = Doppio({"convert", Save("model.onnx", onnx::ExampleModel()), out});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("fed: x\nmade: z\n"));
  const CommandResult run = Doppio({"run", out, "--feed", "x=" + SaveX()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("2, 0"));
}

TEST_F(OnnxCommandTest, AWeightThatNoInitNetFillsIsNamedAndNothingIsWritten) {
  onnx::ModelProto model = onnx::ExampleModel();
  onnx::GraphProto* graph = model.mutable_graph();
  for (const char* name : {"a", "b"}) {
    onnx::TensorProto* weight = graph->add_initializer();
    weight->set_name(name);
    weight->set_data_type(onnx::TensorProto::INT8);
    weight->add_dims(1);
    weight->add_int32_data(3);
    *graph->add_output() = onnx::Value(name, {1}, onnx::TensorProto::INT8);
  }
  const CommandResult result =
      Doppio({"convert", Save("model.onnx", model), Path("predict_net.pb")});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("model.onnx: \"a\" is int8[1], which no init net can"),
                                HasSubstr("\"b\" is int8[1]"), HasSubstr(".minidb")));
  EXPECT_FALSE(std::filesystem::exists(Path("predict_net.pb")));
  EXPECT_FALSE(std::filesystem::exists(Path("predict_net_init.pb")));
}

TEST_F(OnnxCommandTest, InitOutIsForOnnxModels) {
  const CommandResult result = Doppio(
      {"convert", CommandTest::Save("a.pb", ReluNet()), Path("b.pb"), "--init-out", Path("c.pb")});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("--init-out is for an ONNX model"));
  const CommandResult database = Doppio({"convert", Save("model.onnx", onnx::ExampleModel()),
                                         Path("b.minidb"), "--init-out", Path("c.pb")});
  EXPECT_EQ(database.code, 2);
}

TEST_F(OnnxCommandTest, ASandboxReadsNoOtherFiles) {
  onnx::ModelProto model = onnx::ExampleModel();
  onnx::TensorProto* weight = model.mutable_graph()->mutable_initializer(0);
  weight->clear_float_data();
  weight->set_data_location(onnx::TensorProto::EXTERNAL);
  auto* location = weight->add_external_data();
  location->set_key("location");
  location->set_value("weights");
  Write("weights", std::string(8, '\0'));
  const std::string path = Save("model.onnx", model);
  const std::string feed = "x=" + SaveX();
  EXPECT_EQ(Doppio({"run", path, "--feed", feed}).code, 0);
  const CommandResult result = Doppio({"run", path, "--feed", feed, "--sandbox"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("may not be opened here, no file may"));
}

}  // namespace
}  // namespace doppio
