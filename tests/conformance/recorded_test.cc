// The runs of Caffe2's operators that Caffe2's own operator tests recorded: the same inputs must
// give the same outputs, within the tolerance of Caffe2's check, and the same gradient operators,
// field by field. Only runs of operators that are registered here are looked at.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "doppio/gradient_maker.h"
#include "doppio/npy.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "tests/support/shared_dir.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

constexpr int kNoNumPy = 3;  // exit status of export_recorded.py

std::string Helper() {
  // Debian's own, which is the one that has Debian's NumPy.
  return absl::StrCat("/usr/bin/python3 '", DOPPIO_SOURCE_DIR,
                      "/tests/conformance/export_recorded.py' ");
}

struct Recorded {
  std::string name;
  std::string type;
};

std::vector<Recorded> ListRecorded() {
  std::vector<Recorded> all;
  if (SharedDir().empty()) return all;
  FILE* pipe = popen((Helper() + "list '" + SharedDir() + "/conformance'").c_str(), "r");
  if (pipe == nullptr) return all;
  char name[256];
  char type[256];
  while (std::fscanf(pipe, "%255s %255s", name, type) == 2) all.push_back({name, type});
  pclose(pipe);
  return all;
}

const std::vector<Recorded>& AllRecorded() {
  static const auto& all = *new std::vector<Recorded>(ListRecorded());
  return all;
}

std::vector<Recorded> RecordedOfOperatorsHere() {
  std::vector<Recorded> here;
  for (const Recorded& recorded : AllRecorded()) {
    if (OperatorRegistry::Has(recorded.type)) here.push_back(recorded);
  }
  return here;
}

absl::StatusOr<std::string> Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!(content << file.rdbuf())) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path.string()));
  }
  return content.str();
}

absl::StatusOr<OperatorDef> ReadOp(const std::filesystem::path& path) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string bytes, Read(path));
  OperatorDef def;
  if (!def.ParseFromString(bytes)) return absl::DataLossError(path.string());
  return def;
}

absl::StatusOr<Tensor> ReadArray(const std::filesystem::path& path) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string bytes, Read(path));
  return ParseNpy(bytes);
}

// What Caffe2's check allows.
double Tolerance(const std::string& type) {
  if (type == "GroupNorm" || type == "SumSqrElements") return 5e-3;
  if (type == "ScatterAssign" || type == "ScatterWeightedSum") return 1e-3;
  return 1e-4;
}

std::string WithSortedArguments(OperatorDef def) {
  std::sort(def.mutable_arg()->begin(), def.mutable_arg()->end(),
            [](const Argument& a, const Argument& b) { return a.name() < b.name(); });
  return def.DebugString();
}

class RecordedTest : public testing::TestWithParam<Recorded> {
 protected:
  // Python unpacks all of them at once: it takes longer to start than one test to run.
  static void SetUpTestSuite() {
    if (SharedDir().empty()) return;
    // Of this process alone: tests of two builds may run at the same time.
    all_folders_ =
        std::filesystem::path(testing::TempDir()) / absl::StrCat("doppio_recorded_", getpid());
    unpack_status_ = WEXITSTATUS(std::system(
        (Helper() + "unpack '" + SharedDir() + "/conformance' '" + all_folders_.string() + "'")
            .c_str()));
  }
  static void TearDownTestSuite() {
    if (!all_folders_.empty()) std::filesystem::remove_all(all_folders_);
  }

  void SetUp() override {
    DOPPIO_SKIP_WITHOUT_SHARED();
    if (unpack_status_ == kNoNumPy) {
      GTEST_SKIP() << "recorded arrays are read by NumPy, which python3 does not have here";
    }
    ASSERT_EQ(unpack_status_, 0) << "export_recorded.py could not unpack the recorded runs";
    folder_ = all_folders_ / GetParam().name;
  }

  std::filesystem::path File(const char* kind, int i, const char* ending) const {
    return folder_ / absl::StrCat(kind, "_", i, ending);
  }

  static inline std::filesystem::path all_folders_;
  static inline int unpack_status_ = 0;
  std::filesystem::path folder_;
};

TEST_P(RecordedTest, GivesTheRecordedOutputs) {
  const absl::StatusOr<OperatorDef> def = ReadOp(folder_ / "op.pb");
  ASSERT_TRUE(def.ok()) << def.status();
  Workspace workspace;
  for (int i = 0; i < def->input_size(); ++i) {
    const absl::StatusOr<Tensor> value = ReadArray(File("input", i, ".npy"));
    ASSERT_TRUE(value.ok()) << value.status();
    *workspace.CreateBlob(def->input(i))->GetMutable<Tensor>() = *value;
  }
  const absl::StatusOr<std::unique_ptr<OperatorBase>> op = CreateOperator(*def, &workspace);
  ASSERT_TRUE(op.ok()) << op.status();
  const absl::Status run = (*op)->Run();
  ASSERT_TRUE(run.ok()) << run;
  int compared = 0;
  for (; std::filesystem::exists(File("output", compared, ".npy")); ++compared) {
    absl::StatusOr<Tensor> expected = ReadArray(File("output", compared, ".npy"));
    ASSERT_TRUE(expected.ok()) << expected.status();
    ASSERT_LT(compared, def->output_size());
    const Tensor* actual = (*op)->OutputBlob(compared)->Get<Tensor>();
    ASSERT_NE(actual, nullptr);
    // Recorded without any padding, of which Caffe2 makes int64 (docs/operators.md).
    if (def->type() == "GatherPadding") expected = ConvertTensor(*expected, actual->dtype());
    EXPECT_TRUE(TensorNear(*actual, *expected, Tolerance(def->type()))) << "output " << compared;
  }
  EXPECT_GT(compared, 0) << "no output is recorded";
}

TEST_P(RecordedTest, GivesTheRecordedGradientOperators) {
  if (!std::filesystem::exists(File("grad", 0, ".pb"))) return;
  const absl::StatusOr<OperatorDef> def = ReadOp(folder_ / "op.pb");
  ASSERT_TRUE(def.ok()) << def.status();
  std::vector<GradientWrapper> g_output;
  for (const std::string& output : def->output()) {
    g_output.push_back(GradientWrapper::Dense(output + "_grad"));
  }
  const absl::StatusOr<GradientOpsMeta> meta = GetGradientForOp(*def, g_output);
  ASSERT_TRUE(meta.ok()) << meta.status();
  if (def->type() == "Pow") {  // the recorded operators give NaN where X is 0 (docs/gradients.md)
    ASSERT_EQ(meta->ops.size(), 1u);
    EXPECT_EQ(meta->ops[0].type(), "PowGradient");
    return;
  }
  size_t compared = 0;
  for (; std::filesystem::exists(File("grad", static_cast<int>(compared), ".pb")); ++compared) {
    const absl::StatusOr<OperatorDef> expected =
        ReadOp(File("grad", static_cast<int>(compared), ".pb"));
    ASSERT_TRUE(expected.ok()) << expected.status();
    ASSERT_LT(compared, meta->ops.size()) << "there is one more:\n" << expected->DebugString();
    EXPECT_EQ(WithSortedArguments(meta->ops[compared]), WithSortedArguments(*expected));
  }
  EXPECT_EQ(meta->ops.size(), compared);
}

TEST(RecordedCoverageTest, SaysHowManyRunsAreOfOperatorsThatAreNotHere) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const size_t all = AllRecorded().size();
  const size_t here = RecordedOfOperatorsHere().size();
  ASSERT_GT(all, 0u) << "python3 could not list the recorded runs";
  EXPECT_GT(here, 0u);
  std::cout << here << " of " << all << " recorded runs are of operators that are registered here; "
            << all - here << " are not looked at\n";
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RecordedTest);
INSTANTIATE_TEST_SUITE_P(Caffe2, RecordedTest, testing::ValuesIn(RecordedOfOperatorsHere()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace doppio
