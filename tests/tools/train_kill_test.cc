// Trainings that are killed (SIGKILL) at random moments, again and again.
//
// DOPPIO_KILLS says how often (default: 5), DOPPIO_SEED when.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>

#include "absl/strings/numbers.h"
#include "tests/tools/command_runner.h"

extern char** environ;

namespace doppio {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

constexpr int kSteps = 300;

int FromEnvironment(const char* name, int fallback) {
  const char* text = std::getenv(name);
  int number;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : fallback;
}

class TrainKillTest : public CommandTest {
 protected:
  // Random numbers, an optimizer with a memory, and examples in another order in every epoch: all
  // of it is state.
  void SetUp() override {
    std::vector<float> x(64 * 8), y(64);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 64) / 32 - 1;
    for (size_t i = 0; i < y.size(); ++i) y[i] = x[8 * i] * x[8 * i + 3];
    x_ = Save("x.npy", Tensor::FromSpan<float>(Dims{64, 8}, x));
    y_ = Save("y.npy", Tensor::FromSpan<float>(Dims{64, 1}, y));
    NetBuilder net("net");
    net.Op("FC", {"x", "w1", "b1"}, {"h"})
        .Op("Relu", {"h"}, {"r"})
        .Op("Dropout", {"r"}, {"d", "mask"})
        .Op("FC", {"d", "w2", "b2"}, {"y"})
        .Op("SquaredL2Distance", {"y", "target"}, {"distance"})
        .Op("AveragedLoss", {"distance"}, {"loss"});
    net.mutable_def()->mutable_op(2)->mutable_device_option()->set_random_seed(3);
    net_ = Save("net.pbtxt", net.def());
    NetBuilder init("init");
    const std::vector<std::pair<std::string, std::vector<int64_t>>> blobs = {
        {"w1", {16, 8}}, {"b1", {16}}, {"w2", {1, 16}}, {"b2", {1}}};
    for (const auto& [name, shape] : blobs) {
      init.Op("XavierFill", {}, {name}, {MakeArgument("shape", shape)});
      init.mutable_def()->mutable_op()->rbegin()->mutable_device_option()->set_random_seed(5);
    }
    init_ = Save("init.pbtxt", init.def());
  }

  std::vector<std::string> Command(const std::string& run, bool resumes) const {
    std::vector<std::string> command = {"train",
                                        net_,
                                        "--init",
                                        init_,
                                        "--data",
                                        "x=" + x_,
                                        "--data",
                                        "target=" + y_,
                                        "--batch",
                                        "16",
                                        "--iterations",
                                        std::to_string(kSteps),
                                        "--optimizer",
                                        "adam",
                                        "--threads",
                                        "1",
                                        "--checkpoint",
                                        run,
                                        "--checkpoint-every",
                                        "1",
                                        "-o",
                                        run + ".pb"};
    if (resumes) command.push_back("--resume");
    return command;
  }

  static bool HasCheckpoint(const std::string& run) {
    std::error_code error;
    for (fs::directory_iterator i(run, error), end; !error && i != end; i.increment(error)) {
      if (i->path().extension() == ".minidb") return true;
    }
    return false;
  }

  // Starts the command and kills it after a while; how it ended, as waitpid says it.
  int KillAfter(std::chrono::microseconds delay, std::vector<std::string> command) {
    command.insert(command.begin(), std::string(DOPPIO_BIN_DIR) + "/doppio");
    std::vector<char*> argv;
    for (std::string& argument : command) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, Path("out").c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, Path("err").c_str(), flags, 0600);
    pid_t child = 0;
    EXPECT_EQ(posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    usleep(static_cast<useconds_t>(delay.count()));
    kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  std::string x_, y_, net_, init_;
};

TEST_F(TrainKillTest, AlwaysResumesAndEndsInTheSameBytes) {
  const int kills = FromEnvironment("DOPPIO_KILLS", 5);
  const int seed = FromEnvironment("DOPPIO_SEED", 1);
  std::cout << kills << " kills, DOPPIO_SEED=" << seed << "\n";
  std::mt19937 random(static_cast<uint32_t>(seed));

  const Clock::time_point start = Clock::now();
  const CommandResult whole = Doppio(Command(Path("whole"), false));
  ASSERT_EQ(whole.code, 0) << whole.err;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  const std::string last = "/iteration_00000" + std::to_string(kSteps) + ".minidb";
  const std::string weights = Read(Path("whole.pb")), checkpoint = Read(Path("whole") + last);
  ASSERT_NE(weights, "");
  ASSERT_NE(checkpoint, "");

  const std::string run = Path("run");
  int killed = 0, resumed = 0, finished = 0, early = 0;
  std::uniform_int_distribution<int64_t> delay(0, took.count() / 3);
  const auto is_as_if_never_stopped = [&] {
    EXPECT_EQ(Read(run + ".pb"), weights);
    EXPECT_EQ(Read(run + last), checkpoint);
    ++finished;
    fs::remove_all(run);
    fs::remove(run + ".pb");
  };
  while (killed < kills && !HasFailure()) {
    const bool resumes = HasCheckpoint(run);
    const int status = KillAfter(std::chrono::microseconds(delay(random)), Command(run, resumes));
    resumed += resumes ? 1 : 0;
    EXPECT_THAT(Read(Path("out")), Not(HasSubstr("damaged")));
    EXPECT_EQ(Read(Path("err")), "");
    if (WIFSIGNALED(status)) {
      ++killed;
      early += HasCheckpoint(run) ? 0 : 1;
    } else {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      is_as_if_never_stopped();
    }
  }
  const CommandResult rest = Doppio(Command(run, HasCheckpoint(run)));
  ASSERT_EQ(rest.code, 0) << rest.err;
  EXPECT_THAT(rest.out, Not(HasSubstr("damaged")));
  is_as_if_never_stopped();
  std::cout << killed << " killed (" << early << " before the first checkpoint), " << resumed
            << " resumed, " << finished << " trainings finished, all with the same bytes\n";
}

}  // namespace
}  // namespace doppio
