// What is loaded, run, reset and destroyed many times leaves nothing: neither tensors nor memory of
// the process. Under sanitizers, whose own memory grows, LeakSanitizer looks for the second.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "doppio/allocator.h"
#include "doppio/model_io.h"
#include "doppio/net_builder.h"
#include "doppio/predictor.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif
constexpr int kCycles = kHasSanitizer ? 400 : 10'000;
constexpr int kFailingCycles = kHasSanitizer ? 100 : 1'000;
// In the first fifth, allocators get what they keep. More than a byte of this in a cycle is found.
constexpr int64_t kSlack = 64 << 10;

int64_t ResidentBytes() {
  int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * getpagesize();
}

// Every one of the cycles must leave the bytes of tensors as they were; all after the first fifth
// of them, the memory of the process.
template <typename Cycle>
void ExpectNothingIsLeft(int cycles, const Cycle& cycle) {
  const int64_t live = GetMemoryStats().live_bytes;
  int64_t resident = 0;
  for (int i = 0; i < cycles; ++i) {
    if (i == cycles / 5) resident = ResidentBytes();
    ASSERT_NO_FATAL_FAILURE(cycle(i));
    ASSERT_EQ(GetMemoryStats().live_bytes, live) << "after cycle " << i;
  }
  if (kHasSanitizer) return;
  const int64_t grown = ResidentBytes() - resident;
  EXPECT_LE(grown, kSlack) << "resident bytes more after " << cycles - cycles / 5 << " cycles";
}

// A model in a file: a layer, an operator with a net inside, one that broadcasts.
class LeakTest : public testing::Test {
 protected:
  LeakTest() {
    std::string folder = testing::TempDir() + "/leak_XXXXXX";
    folder_ = mkdtemp(folder.data());
    path_ = folder_ + "/model.minidb";
    Model model;
    const NetDef positive =
        NetBuilder("positive").Op("Relu", {"scores"}, {"kept"}).ExternalInput("scores").def();
    model.predict = NetBuilder("predict")
                        .Op("FC", {"data", "w", "b"}, {"scores"})
                        .Op("If", {"yes", "scores"}, {"kept"}, {MakeArgument("then_net", positive)})
                        .Op("Expand", {"kept", "shape"}, {"rows"})
                        .Op("Softmax", {"rows"}, {"prob"}, {MakeArgument<int64_t>("axis", 2)})
                        .ExternalInput("data")
                        .ExternalOutput("prob")
                        .def();
    model.weights = {{"w", *Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
                     {"b", *Tensor::Of<float>({3}, {1, 2, 3})},
                     {"yes", *Tensor::Scalar<bool>(true)},
                     {"shape", *Tensor::Of<int64_t>({3}, {4, 1, 1})}};
    model.inputs = {"data"};
    model.outputs = {"prob"};
    const absl::Status saved = SaveModel(model, path_);
    EXPECT_TRUE(saved.ok()) << saved;
  }
  ~LeakTest() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  static absl::StatusOr<Tensor> Data() { return Tensor::Of<float>({1, 2}, {1, -1}); }

  // Both executors in turn.
  static NetDef NetOf(const Model& model, int cycle) {
    NetDef net = model.predict;
    net.set_type(cycle % 2 == 0 ? "simple" : "parallel");
    return net;
  }
  static void Feed(const Model& model, Workspace* workspace) {
    for (const auto& [name, weight] : model.weights) {
      ASSERT_TRUE(workspace->Feed(name, weight).ok());
    }
  }

  std::string folder_;
  std::string path_;
};

TEST_F(LeakTest, OfNetsThatAreLoadedRunAndReset) {
  ExpectNothingIsLeft(kCycles, [this](int cycle) {
    const absl::StatusOr<Model> model = LoadModel(path_);
    ASSERT_TRUE(model.ok()) << model.status();
    Workspace workspace;
    Feed(*model, &workspace);
    ASSERT_TRUE(workspace.Feed("data", Data()).ok());
    ASSERT_TRUE(workspace.CreateNet(NetOf(*model, cycle)).ok());
    const absl::Status status = workspace.RunNet("predict");
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_EQ(workspace.Fetch("prob")->dims(), DimsView({4, 1, 3}));
    if (cycle % 4 < 2) {
      ASSERT_TRUE(workspace.ResetWorkspace().ok());
    }
  });
}

TEST_F(LeakTest, OfPredictors) {
  ExpectNothingIsLeft(kCycles / 5, [this](int cycle) {
    absl::StatusOr<Model> model = LoadModel(path_);
    ASSERT_TRUE(model.ok()) << model.status();
    PredictorOptions options;
    options.optimize = cycle % 2 == 0;
    const auto predictor = Predictor::Create(*std::move(model), options);
    ASSERT_TRUE(predictor.ok()) << predictor.status();
    const absl::StatusOr<std::vector<Tensor>> results = (*predictor)->Run({*Data()});
    ASSERT_TRUE(results.ok()) << results.status();
  });
}

TEST_F(LeakTest, OfRunsThatFail) {
  ExpectNothingIsLeft(kFailingCycles, [this](int cycle) {
    const absl::StatusOr<Model> model = LoadModel(path_);
    ASSERT_TRUE(model.ok()) << model.status();
    Workspace workspace;
    Feed(*model, &workspace);
    NetDef net = NetOf(*model, cycle);
    ASSERT_FALSE(workspace.RunNetOnce(net).ok()) << "there is no data";
    ASSERT_TRUE(workspace.Feed("data", Data()).ok());
    ASSERT_TRUE(workspace.Feed("shape", Tensor::Of<int64_t>({3}, {4, 1, 2})).ok());
    const absl::Status failed = workspace.RunNetOnce(net);
    ASSERT_THAT(std::string(failed.message()), HasSubstr("op 2 Expand"));
    net.mutable_op(3)->set_type("NoSuchOperator");
    ASSERT_FALSE(workspace.CreateNet(net).ok());
  });
}

TEST_F(LeakTest, OfFilesThatAreCutOff) {
  const auto bytes = static_cast<int>(std::filesystem::file_size(path_));
  const std::string cut = folder_ + "/cut.minidb";
  ExpectNothingIsLeft(kFailingCycles, [&](int cycle) {
    const int missing = 1 + cycle % bytes;
    if (missing == 1) {
      std::filesystem::copy_file(path_, cut, std::filesystem::copy_options::overwrite_existing);
    }
    std::filesystem::resize_file(cut, static_cast<uintmax_t>(bytes - missing));
    absl::StatusOr<Model> model = LoadModel(cut);
    // Without its last records, a model may still be one that lacks weights.
    ASSERT_FALSE(model.ok() && Predictor::Create(*std::move(model)).ok());
  });
}

}  // namespace
}  // namespace doppio
