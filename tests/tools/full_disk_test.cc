// A disk that takes no more, in the middle of a training: what is there stays, and it goes on
// later.

#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <map>

#include "tests/tools/command_runner.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// While it lives, no file of this process and those that it starts grows beyond `bytes`.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = signal(SIGXFSZ, SIG_IGN);  // an error of the write instead
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

class FullDiskTest : public CommandTest {
 protected:
  // Weights, checkpoints and pictures of more than kLimit bytes.
  static constexpr int64_t kWidth = 3000;
  static constexpr rlim_t kLimit = 8192;

  std::vector<std::string> Command(int epochs, const std::vector<std::string>& more) {
    const std::string x = Save(
        "x.npy", Tensor::FromSpan<float>(Dims{8, kWidth}, std::vector<float>(8 * kWidth, 0.01f)));
    const std::string y =
        Save("y.npy", Tensor::FromSpan<float>(Dims{8, 1}, std::vector<float>(8, 1)));
    const std::string net = Save("net.pb", NetBuilder("net")
                                               .Op("FC", {"x", "w", "b"}, {"y"})
                                               .Op("SquaredL2Distance", {"y", "target"}, {"d"})
                                               .Op("AveragedLoss", {"d"}, {"loss"})
                                               .def());
    const std::string init = Save(
        "init.pb",
        NetBuilder("init")
            .Op("ConstantFill", {}, {"w"}, {MakeArgument("shape", std::vector<int64_t>{1, kWidth})})
            .Op("ConstantFill", {}, {"b"}, {MakeArgument("shape", std::vector<int64_t>{1})})
            .def());
    std::vector<std::string> command = {"train",   net,      "--init",      init,
                                        "--data",  "x=" + x, "--data",      "target=" + y,
                                        "--lr",    "1e-4",   "--optimizer", "adam",
                                        "--batch", "4",      "--epochs",    std::to_string(epochs)};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  // All files of the folder with what is in them, but for what the runner itself writes.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(Path(""))) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || name.rfind("std", 0) == 0) continue;
      files[entry.path().string()] = Read(entry.path().string());
    }
    return files;
  }
};

TEST_F(FullDiskTest, TheLastCheckpointStaysAndTheTrainingGoesOn) {
  ASSERT_EQ(Doppio(Command(4, {"--checkpoint", Path("whole"), "-o", Path("whole.pb")})).code, 0);
  ASSERT_EQ(Doppio(Command(2, {"--checkpoint", Path("run")})).code, 0);
  const auto command =
      Command(4, {"--checkpoint", Path("run"), "--resume", "-o", Path("resumed.pb")});
  const auto before = Files();
  {
    const SmallFiles full(kLimit);
    const CommandResult result = Doppio(command);
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("minidb: cannot write: "));
  }
  EXPECT_TRUE(Files() == before);
  const CommandResult later = Doppio(command);
  ASSERT_EQ(later.code, 0) << later.err;
  EXPECT_EQ(Read(Path("resumed.pb")), Read(Path("whole.pb")));
}

TEST_F(FullDiskTest, TheOldWeightsAndPictureStay) {
  const auto command = Command(2, {"-o", Path("w.pb"), "--picture", Path("curve.png")});
  ASSERT_EQ(Doppio(command).code, 0);
  const auto before = Files();
  {
    const SmallFiles full(kLimit);
    const CommandResult result = Doppio(command);
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("w.pb: cannot write: "));
  }
  EXPECT_TRUE(Files() == before);
}

TEST_F(FullDiskTest, ADatabaseThatCanNotBeWrittenLeavesNothing) {
  const auto training = Command(1, {});
  for (const std::string type : {"minidb", "leveldb", "lmdb"}) {
    const auto before = Files();
    const SmallFiles full(kLimit);
    const CommandResult result =
        Doppio({"db", "make", Path("new." + type), "--from", Path("x.npy")});
    EXPECT_EQ(result.code, 1) << type;
    EXPECT_THAT(result.err, HasSubstr("new." + type));
    EXPECT_TRUE(Files() == before) << type;
    EXPECT_FALSE(fs::exists(Path("new." + type)));
  }
}

}  // namespace
}  // namespace doppio
