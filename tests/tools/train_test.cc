// Training from the command line.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "doppio/image.h"
#include "doppio/proto_io.h"
#include "tests/tools/command_runner.h"

extern char** environ;

namespace doppio {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TrainTest : public CommandTest {
 protected:
  // y = 2 x + 1, to be learnt.
  void SetUp() override {
    std::vector<float> x(64), y(64);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>(i % 16) / 8 - 1;
      y[i] = 2 * x[i] + 1;
    }
    x_ = Save("x.npy", Tensor::FromSpan<float>(Dims{64, 1}, x));
    y_ = Save("y.npy", Tensor::FromSpan<float>(Dims{64, 1}, y));
    net_ = Save("line.pbtxt", NetBuilder("line")
                                  .Op("FC", {"x", "w", "b"}, {"y"})
                                  .Op("SquaredL2Distance", {"y", "target"}, {"distance"})
                                  .Op("AveragedLoss", {"distance"}, {"loss"})
                                  .def());
    const std::vector<int64_t> one = {1}, matrix = {1, 1};
    init_ = Save("init.pbtxt", NetBuilder("line_init")
                                   .Op("ConstantFill", {}, {"w"}, {MakeArgument("shape", matrix)})
                                   .Op("ConstantFill", {}, {"b"}, {MakeArgument("shape", one)})
                                   .def());
  }

  std::vector<std::string> Command(const std::vector<std::string>& more) const {
    std::vector<std::string> command = {"train",   net_,     "--init",       init_,  "--data",
                                        "x=" + x_, "--data", "target=" + y_, "--lr", "0.2",
                                        "--batch", "16",     "--optimizer",  "sgd"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  std::string x_, y_, net_, init_;
};

TEST_F(TrainTest, LearnsAndWritesWeightsCurveAndPicture) {
  const CommandResult result =
      Doppio(Command({"--epochs", "20", "--hold-out", "8", "-o", Path("trained.pbtxt"), "--curve",
                      Path("curve.csv"), "--picture", Path("curve.svg"), "--set", "momentum=0.5"}));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(StartsWith("epoch 1: loss "), HasSubstr("\nepoch 20: loss 0.0000"),
                                HasSubstr(", test loss 0.0000"), HasSubstr("60 steps in "),
                                HasSubstr("weights in ")));
  const absl::StatusOr<NetDef> trained = LoadNet(Path("trained.pbtxt"));
  ASSERT_TRUE(trained.ok()) << trained.status();
  ASSERT_EQ(trained->op_size(), 2);
  EXPECT_NEAR(FindArgument(trained->op(0), "values")->floats(0), 2, 1e-2);
  EXPECT_NEAR(FindArgument(trained->op(1), "values")->floats(0), 1, 1e-2);
  EXPECT_THAT(Read(Path("curve.csv")),
              AllOf(StartsWith("iteration,epoch,loss,test_loss\n1,1,"), HasSubstr("\n60,20,")));
  EXPECT_THAT(Read(Path("curve.svg")),
              AllOf(StartsWith("<svg "), HasSubstr("<polyline "), HasSubstr(">test_loss</text>")));
}

TEST_F(TrainTest, ATrainingCanBeWrittenAsAPlan) {
  const CommandResult result =
      Doppio(Command({"--epochs", "20", "--hold-out", "8", "--plan-out", Path("plan.pbtxt")}));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "plan in " + Path("plan.pbtxt") + "\n");
  const CommandResult run = Doppio({"train", Path("plan.pbtxt")});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("step \"rounds\": 20 iterations"),
                             HasSubstr("step \"train\": 60 iterations"),
                             HasSubstr("step \"last test batch\": 20 iterations")));
  EXPECT_THAT(Doppio(Command({"--epochs", "2", "--plan-out", "p.pb", "-o", "w.pb"})).err,
              HasSubstr("trains nothing"));
}

TEST_F(TrainTest, APlanStopsEarlyAndWritesCheckpoints) {
  const std::string kept = Path("kept");
  std::filesystem::create_directory(kept);
  const CommandResult result =
      Doppio(Command({"--epochs", "200", "--hold-out", "8", "--patience", "2", "--checkpoint", kept,
                      "--plan-out", Path("plan.pb")}));
  ASSERT_EQ(result.code, 0) << result.err;
  const CommandResult run = Doppio({"train", Path("plan.pb"), "--files", kept});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("step \"rounds\": 1 iteration\n"));
  EXPECT_THAT(run.out, Not(HasSubstr("step \"train\": 600 iterations")));
  EXPECT_TRUE(std::filesystem::exists(kept + "/step_00000003.minidb"));
}

TEST_F(TrainTest, ThePictureMayBeAPng) {
  const CommandResult result = Doppio(Command({"--epochs", "3", "--picture", Path("curve.png")}));
  ASSERT_EQ(result.code, 0) << result.err;
  const absl::StatusOr<Tensor> picture = LoadImage(Path("curve.png"));
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->TypeAndShape(), "uint8[520,1600,3]");
  // White at the edge; the line of the loss, blue, somewhere; and black letters.
  const auto pixels = picture->span<uint8_t>();
  int blue = 0, black = 0;
  for (size_t i = 0; i < pixels.size(); i += 3) {
    blue += pixels[i] == 0x34 && pixels[i + 1] == 0x65 && pixels[i + 2] == 0xa4 ? 1 : 0;
    black += pixels[i] + pixels[i + 1] + pixels[i + 2] == 0 ? 1 : 0;
  }
  EXPECT_EQ(pixels[0], 255);
  EXPECT_GT(blue, 1000);
  EXPECT_GT(black, 1000);
}

TEST_F(TrainTest, WhatCanNotBeWrittenIsToldBeforeTheTrainingAndLosesNoWeights) {
  EXPECT_THAT(Doppio(Command({"--epochs", "1", "-o", Path("nowhere/trained.pb")})).err,
              HasSubstr("there is no folder " + Path("nowhere")));
  EXPECT_THAT(Doppio(Command({"--epochs", "1", "--picture", Path("curve.jpg")})).err,
              HasSubstr("the name must end in .svg or .png"));
  std::filesystem::create_directory(Path("folder.png"));
  const CommandResult result =
      Doppio(Command({"--epochs", "1", "-o", Path("trained.pb"), "--picture", Path("folder.png")}));
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("folder.png: cannot write"));
  EXPECT_TRUE(LoadNet(Path("trained.pb")).ok());
}

// The bytes of a training that was stopped are those of one that was not.
TEST_F(TrainTest, CtrlCLeavesACheckpointFromWhichItGoesOn) {
  const std::vector<std::string> whole =
      Command({"--epochs", "1500", "--set", "momentum=0.1", "--threads", "1"});
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = whole;
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  const CommandResult never_stopped =
      Doppio(with({"-o", Path("whole.pb"), "--curve", Path("whole.csv")}));
  ASSERT_EQ(never_stopped.code, 0) << never_stopped.err;

  std::vector<std::string> command = with(
      {"--checkpoint", Path("run"), "--checkpoint-every", "1", "--curve", Path("resumed.csv")});
  command.insert(command.begin(), std::string(DOPPIO_BIN_DIR) + "/doppio");
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, Path("err").c_str(), O_WRONLY | O_CREAT,
                                   0600);
  pid_t child = 0;
  ASSERT_EQ(posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  // Each step takes as long as a file takes to come to disk, so that it is long not done when the
  // first one is there.
  const auto is_under_way = [&] {
    std::error_code error;
    return std::filesystem::exists(Path("run"), error) &&
           !std::filesystem::is_empty(Path("run"), error);
  };
  for (int i = 0; i < 20000 && !is_under_way(); ++i) usleep(500);
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_THAT(Read(Path("err")),
              AllOf(HasSubstr("doppio train: stopped after iteration "), HasSubstr(" of 6000"),
                    HasSubstr("--resume goes on from " + Path("run") + "/iteration_")));
  EXPECT_THAT(Doppio(with({"--checkpoint", Path("run")})).err, HasSubstr("resume it"));
  const CommandResult resumed =
      Doppio(with({"--checkpoint", Path("run"), "--resume", "--checkpoint-every", "100000", "-o",
                   Path("resumed.pb"), "--curve", Path("resumed.csv")}));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("resumed after iteration "));
  EXPECT_EQ(Read(Path("resumed.pb")), Read(Path("whole.pb")));
  EXPECT_EQ(Read(Path("resumed.csv")), Read(Path("whole.csv")));
}

TEST_F(TrainTest, ATimeoutEndsATraining) {
  const CommandResult ended = Doppio(Command({"--epochs", "1000000", "--timeout", "300ms"}));
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("the deadline has passed"));
  const CommandResult kept =
      Doppio(Command({"--iterations", "100000000", "--timeout", "1s", "--checkpoint", Path("run"),
                      "--checkpoint-every", "1", "--threads", "1"}));
  EXPECT_EQ(kept.code, 1);
  EXPECT_THAT(kept.err, AnyOf(HasSubstr("the deadline has passed; --resume goes on from "),
                              HasSubstr("the deadline has passed; there is no checkpoint yet")));
}

TEST_F(TrainTest, ANetThatTrainsIsRunAsItIs) {
  const std::vector<int64_t> one = {1};
  const std::string net =
      Save("count.pb",
           NetBuilder("count").Op("Add", {"n", "one"}, {"n"}).Op("Copy", {"n"}, {"loss"}).def());
  const std::string init =
      Save("count_init.pb", NetBuilder("init")
                                .Op("ConstantFill", {}, {"n"}, {MakeArgument("shape", one)})
                                .Op("ConstantFill", {}, {"one"},
                                    {MakeArgument("shape", one), MakeArgument("value", 1.0f)})
                                .def());
  const CommandResult result =
      Doppio({"train", net, "--init", init, "--iterations", "5", "-o", Path("out.pbtxt")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(Read(Path("out.pbtxt")), HasSubstr("floats: 5"));
}

TEST_F(TrainTest, APlanIsRun) {
  const std::string plan =
      Write("plan.pbtxt",
            "name: \"plan\"\n"
            "network { name: \"n\" op { type: \"ConstantFill\" output: \"x\" } }\n"
            "execution_step { name: \"step\" num_iter: 3 network: \"n\" }\n");
  const CommandResult result = Doppio({"train", plan});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "step \"step\": 3 iterations\n");
  EXPECT_EQ(Doppio({"train", plan, "--epochs", "3"}).code, 2);
}

TEST_F(TrainTest, WhatMakesNoSenseIsAUsageError) {
  const auto fails = [&](const std::vector<std::string>& command) {
    const CommandResult result = Doppio(command);
    EXPECT_EQ(result.code, 2) << result.out;
    return result.err;
  };
  EXPECT_THAT(fails(Command({})), HasSubstr("Say --epochs or --iterations"));
  EXPECT_THAT(fails(Command({"--epochs", "1", "--resume"})), HasSubstr("of which --checkpoint"));
  EXPECT_THAT(fails(Command({"--epochs", "1", "--picture", "a.gif"})), HasSubstr("end in .svg"));
  EXPECT_THAT(fails(Command({"--epochs", "1", "--set", "momentum"})),
              HasSubstr("write NAME=VALUE"));
  EXPECT_THAT(fails({"train", net_, "--init", init_, "--epochs", "1"}),
              HasSubstr("--optimizer adds what does"));
  EXPECT_THAT(fails(Command({"--epochs", "1", "--hold-out", "4", "--test-data", "x=" + x_})),
              HasSubstr("--hold-out takes test data out of --data"));
}

TEST_F(TrainTest, WithoutATestNetNothingIsDroppedInTests) {
  const std::string digits = std::string(DOPPIO_SOURCE_DIR) + "/examples/digits";
  ASSERT_EQ(Program("digits_arrays", {digits, Path("")}).code, 0);
  const auto test_losses = [&](const std::vector<std::string>& test) {
    std::vector<std::string> command = {"train",       digits + "/lenet.pbtxt",
                                        "--init",      digits + "/lenet_init.pbtxt",
                                        "--data",      "data=" + Path("test_data.npy"),
                                        "--data",      "label=" + Path("test_label.npy"),
                                        "--test-data", "data=" + Path("test_data.npy"),
                                        "--test-data", "label=" + Path("test_label.npy"),
                                        "--optimizer", "adam",
                                        "--epochs",    "1"};
    command.insert(command.end(), test.begin(), test.end());
    const std::string out = Doppio(command).out;
    return out.substr(0, out.find('\n'));
  };
  EXPECT_THAT(test_losses({}), HasSubstr("test loss"));
  EXPECT_EQ(test_losses({}), test_losses({"--test", digits + "/lenet_test.pbtxt"}));
}

TEST_F(TrainTest, WhatIsWrongIsToldClearly) {
  const auto fails = [&](const std::vector<std::string>& more) {
    const CommandResult result = Doppio(Command(more));
    EXPECT_EQ(result.code, 1) << result.out;
    return result.err;
  };
  EXPECT_THAT(fails({"--epochs", "1", "--set", "momentun=1"}), HasSubstr("did you mean momentum"));
  EXPECT_THAT(fails({"--epochs", "1", "--loss", "los"}), HasSubstr("los"));
  const CommandResult few = Doppio({"train", net_, "--init", init_, "--data", "x=" + x_, "--batch",
                                    "100", "--epochs", "1", "--optimizer", "sgd"});
  EXPECT_THAT(few.err, HasSubstr("64 examples, fewer than a batch"));
  EXPECT_THAT(fails({"--epochs", "1", "--data", "v=nothing.npy"}),
              AllOf(HasSubstr("--data v=nothing.npy"), Not(HasSubstr("--feed"))));
  EXPECT_THAT(fails({"--epochs", "1", "--checkpoint", Path("none"), "--resume"}),
              HasSubstr("there is no checkpoint"));
  EXPECT_THAT(fails({"--epochs", "1", "--metric", "precision"}), HasSubstr("\"precision\""));
}

// What docs/training.md does, shorter.
TEST_F(TrainTest, AConvolutionalNetLearnsDigits) {
  const std::string digits = std::string(DOPPIO_SOURCE_DIR) + "/examples/digits";
  ASSERT_EQ(Program("digits_arrays", {digits, Path("")}).code, 0);
  const CommandResult trained = Doppio({"train",       digits + "/lenet.pbtxt",
                                        "--init",      digits + "/lenet_init.pbtxt",
                                        "--test",      digits + "/lenet_test.pbtxt",
                                        "--data",      "data=" + Path("train_data.npy"),
                                        "--data",      "label=" + Path("train_label.npy"),
                                        "--test-data", "data=" + Path("test_data.npy"),
                                        "--test-data", "label=" + Path("test_label.npy"),
                                        "--optimizer", "adam",
                                        "--lr",        "0.002",
                                        "--epochs",    "6",
                                        "-o",          Path("lenet_trained.pb")});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const size_t place = trained.out.rfind("test accuracy ");
  ASSERT_NE(place, std::string::npos) << trained.out;
  EXPECT_GE(std::atof(trained.out.c_str() + place + 14), 0.95) << trained.out;
  const CommandResult read =
      Doppio({"run", digits + "/lenet_predict.pbtxt", "--init", Path("lenet_trained.pb"), "--feed",
              "data=" + Path("test_data.npy"), "--fetch", "digit"});
  EXPECT_EQ(read.code, 0) << read.err;
  EXPECT_THAT(read.out, HasSubstr("digit: int64[359]"));
}

TEST_F(TrainTest, TheNetsOfTheExamplePassTheCheck) {
  const std::string digits = std::string(DOPPIO_SOURCE_DIR) + "/examples/digits/lenet";
  for (const std::string name : {"", "_test", "_predict"}) {
    const CommandResult result =
        Doppio({"check", digits + name + ".pbtxt", "--init", digits + "_init.pbtxt"});
    EXPECT_EQ(result.code, 0) << result.out << result.err;
  }
}

}  // namespace
}  // namespace doppio
