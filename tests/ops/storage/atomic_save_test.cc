// Everything that saves a file, killed at each of its system calls, and with a disk that is full at
// each of its writes: the old file or the new one is there, and nothing in between.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>

#include "doppio/model_io.h"
#include "doppio/net_builder.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/forked_process.h"
#include "tests/support/system_calls.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

// Forks take long under AddressSanitizer, which therefore sees one call of so many.
#ifdef __SANITIZE_ADDRESS__
constexpr int kStep = 7;
#else
constexpr int kStep = 1;
#endif

// What is saved is a version: 1 is the old one, 2 the new one.
struct Saver {
  std::string name;
  std::string ending;
  std::function<absl::Status(int version, const std::string& path)> save;
  std::function<absl::StatusOr<int>(const std::string& path)> load;
};

void PrintTo(const Saver& saver, std::ostream* out) { *out << saver.name << saver.ending; }

constexpr int64_t kElements = 3000;

Tensor Values(int version) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, {kElements});
  std::fill_n(tensor.mutable_data<float>(), kElements, static_cast<float>(version));
  return tensor;
}

// DataLoss where it is a mixture.
absl::StatusOr<int> VersionOf(const absl::StatusOr<Tensor>& tensor) {
  DOPPIO_RETURN_IF_ERROR(tensor.status());
  if (tensor->numel() != kElements) return absl::DataLossError("other elements");
  const float* values = tensor->data<float>();
  for (int64_t i = 1; i < kElements; ++i) {
    if (values[i] != values[0]) return absl::DataLossError("a mixture");
  }
  return static_cast<int>(values[0]);
}

NetDef NetOf(int version) {
  NetBuilder net(absl::StrCat("net", version));
  for (int i = 0; i < 300; ++i) net.Op("Relu", {absl::StrCat("x", version)}, {"y"});
  return net.def();
}

absl::StatusOr<int> VersionOf(const absl::StatusOr<NetDef>& net) {
  DOPPIO_RETURN_IF_ERROR(net.status());
  for (const int version : {1, 2}) {
    if (net->SerializeAsString() == NetOf(version).SerializeAsString()) return version;
  }
  return absl::DataLossError("another net");
}

std::vector<Argument> Where(const std::string& path, const std::string& type) {
  return {MakeArgument("db", path), MakeArgument("db_type", type),
          MakeArgument<int64_t>("absolute_path", 1)};
}

Saver NetSaver(const std::string& ending) {
  return {"Net", ending,
          [](int version, const std::string& path) { return SaveProto(NetOf(version), path); },
          [](const std::string& path) { return VersionOf(LoadNet(path)); }};
}

Saver TensorSaver(const std::string& ending) {
  return {"Tensor", ending,
          [](int version, const std::string& path) { return SaveTensor(Values(version), path); },
          [](const std::string& path) { return VersionOf(LoadTensor(path)); }};
}

Saver DatabaseSaver(const std::string& type) {
  return {"Database", "." + type,
          [type](int version, const std::string& path) -> absl::Status {
            Workspace workspace;
            workspace.SetFileAccess(FileAccess::Within("/"));
            DOPPIO_RETURN_IF_ERROR(workspace.Feed("x", Values(version)));
            return workspace.RunOperatorOnce(
                CreateOperatorDef("Save", "", {"x"}, {}, Where(path, type)));
          },
          [type](const std::string& path) -> absl::StatusOr<int> {
            Workspace workspace;
            workspace.SetFileAccess(FileAccess::Within("/"));
            DOPPIO_RETURN_IF_ERROR(workspace.RunOperatorOnce(
                CreateOperatorDef("Load", "", {}, {"x"}, Where(path, type))));
            return VersionOf(workspace.Fetch("x"));
          }};
}

Saver ModelSaver() {
  return {"Model", ".minidb",
          [](int version, const std::string& path) {
            Model model;
            model.predict = NetOf(version);
            return SaveModel(model, path);
          },
          [](const std::string& path) -> absl::StatusOr<int> {
            DOPPIO_ASSIGN_OR_RETURN(Model model, LoadModel(path));
            return VersionOf(absl::StatusOr<NetDef>(model.predict));
          }};
}

class AtomicSaveTest : public testing::TestWithParam<Saver> {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // In processes of their own, since databases have threads that a later fork would lack.
  testing::AssertionResult SavesOld() const {
    return SucceedsInAForkedProcess([this] { return GetParam().save(1, path_); });
  }
  // 0: neither, or there is none.
  int Version() const {
    const pid_t child = fork();
    if (child == 0) _exit(GetParam().load(path_).value_or(0));
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  }

  // Until the save has no such call any more; returns how many met it, or nothing where processes
  // can not be traced.
  std::optional<int> MeetAll(Fate fate, const std::function<void(const TracedRun&)>& check) {
    int met = 0;
    while (!HasFailure()) {
      const int n = met * kStep;
      const TracedRun run = RunInto(fate, n, [this] { return GetParam().save(2, path_).ok(); });
      if (!run.could_trace) return std::nullopt;
      SCOPED_TRACE(absl::StrCat("call ", n));
      check(run);
      if (!run.had_call) break;
      ++met;
    }
    return met;
  }

  const std::string folder_ = absl::StrCat(testing::TempDir(), "doppio_atomic_save_", getpid());
  const std::string path_ = folder_ + "/saved" + GetParam().ending;
};

TEST_P(AtomicSaveTest, KilledAtAnySystemCallLeavesTheOldOrTheNew) {
  ASSERT_TRUE(SavesOld());
  bool saw_new = false;
  const std::optional<int> calls = MeetAll(Fate::kKilled, [&](const TracedRun& run) {
    const int version = Version();
    const bool is_new = version == 2;
    if (!run.had_call) {
      EXPECT_TRUE(run.went_well && is_new) << "nothing befell it";
      return;
    }
    if (is_new && !saw_new) {
      saw_new = true;
      ASSERT_TRUE(SavesOld()) << "over what was left";
    } else if (is_new) {
      ASSERT_TRUE(SavesOld());
    } else {
      EXPECT_EQ(version, 1);
    }
  });
  if (!calls.has_value()) GTEST_SKIP() << "processes can not be traced here (ptrace)";
  EXPECT_GT(*calls * kStep, 5);
  if (kStep == 1) {
    EXPECT_TRUE(saw_new) << "the last calls come after the new file is in its place";
  }
}

TEST_P(AtomicSaveTest, ADiskThatIsFullAtAnyWriteLeavesTheOldAndNothingElse) {
  ASSERT_TRUE(SavesOld());
  const std::optional<int> calls = MeetAll(Fate::kDiskFull, [&](const TracedRun& run) {
    if (!run.had_call) {
      EXPECT_TRUE(run.went_well) << "nothing befell it";
      EXPECT_EQ(Version(), 2);
    } else if (run.went_well) {
      // Its folder could not be brought to disk, which some file systems never do.
      EXPECT_EQ(Version(), 2) << "it said that it was saved";
      ASSERT_TRUE(SavesOld());
    } else {
      EXPECT_EQ(Version(), 1);
      EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
    }
  });
  if (!calls.has_value()) GTEST_SKIP() << "processes can not be traced here (ptrace)";
  EXPECT_GT(*calls, 0);
}

INSTANTIATE_TEST_SUITE_P(Files, AtomicSaveTest,
                         testing::Values(NetSaver(".pb"), NetSaver(".pbtxt"), TensorSaver(".npy"),
                                         TensorSaver(".npz"), ModelSaver(), DatabaseSaver("minidb"),
                                         DatabaseSaver("leveldb"), DatabaseSaver("lmdb")),
                         [](const auto& info) {
                           return info.param.name + "_" + info.param.ending.substr(1);
                         });

}  // namespace
}  // namespace doppio
