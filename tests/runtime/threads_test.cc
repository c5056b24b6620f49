// What the headers of the runtime say of threads; run it under ThreadSanitizer too.

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "doppio/check.h"
#include "doppio/coverage.h"
#include "doppio/dot.h"
#include "doppio/infer.h"
#include "doppio/net_builder.h"
#include "doppio/npy.h"
#include "doppio/observer.h"
#include "doppio/optimizer.h"
#include "doppio/random_weights.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

// Runs work(i) on `count` threads at the same time, and tells what failed.
std::vector<std::string> SideBySide(int count, const std::function<absl::Status(int)>& work) {
  std::vector<std::string> errors(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&work, &error = errors[static_cast<size_t>(i)], i] {
      const absl::Status status = work(i);
      if (!status.ok()) error = status.ToString();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return errors;
}

// sum = the elements of relu(X) and of -X: two branches, which a parallel net runs side by side.
NetDef Branches(const std::string& name) {
  NetBuilder net(name);
  net.Type("parallel")
      .Op("Relu", {"X"}, {"positive"})
      .Op("Negative", {"X"}, {"negative"})
      .Op("Add", {"positive", "negative"}, {"both"})
      .Op("SumElements", {"both"}, {"sum"});
  net.mutable_def()->set_num_workers(2);
  return net.def();
}

absl::Status FeedX(Workspace* workspace, float x) {
  return workspace->Feed("X", Tensor::Of<float>({3}, {x, -x, 1}));
}

absl::Status CheckSum(const Workspace& workspace, float x) {
  DOPPIO_ASSIGN_OR_RETURN(const Tensor sum, workspace.Fetch("sum"));
  return sum.data<float>()[0] == x ? absl::OkStatus()
                                   : absl::InternalError(absl::StrCat("a wrong sum for ", x));
}

absl::Status RunOwn(Workspace* workspace, float x) {
  DOPPIO_RETURN_IF_ERROR(FeedX(workspace, x));
  DOPPIO_RETURN_IF_ERROR(workspace->CreateNet(Branches("net"), /*overwrite=*/true).status());
  DOPPIO_RETURN_IF_ERROR(workspace->RunNet("net", 3));
  return CheckSum(*workspace, x);
}

TEST(ThreadsTest, SeparateWorkspacesRunAtTheSameTime) {
  EXPECT_THAT(SideBySide(4,
                         [](int i) {
                           Workspace workspace;
                           for (int k = 0; k < 10; ++k) {
                             const float x = static_cast<float>(10 * i + k);
                             DOPPIO_RETURN_IF_ERROR(RunOwn(&workspace, x));
                           }
                           return absl::OkStatus();
                         }),
              Each(""));
}

TEST(ThreadsTest, AWorkspaceIsResetWhileOthersRun) {
  EXPECT_THAT(SideBySide(4,
                         [](int i) {
                           Workspace workspace;
                           for (int k = 0; k < 10; ++k) {
                             const float x = static_cast<float>(k);
                             DOPPIO_RETURN_IF_ERROR(RunOwn(&workspace, x));
                             if (i % 2 == 0) DOPPIO_RETURN_IF_ERROR(workspace.ResetWorkspace());
                           }
                           return absl::OkStatus();
                         }),
              Each(""));
}

TEST(ThreadsTest, ParallelNetsOfManyChildrenReadOneParent) {
  Workspace parent;
  ASSERT_TRUE(FeedX(&parent, 5).ok());
  EXPECT_THAT(SideBySide(8,
                         [&parent](int) {
                           Workspace child(&parent);
                           DOPPIO_RETURN_IF_ERROR(child.CreateNet(Branches("net")).status());
                           for (int k = 0; k < 10; ++k) {
                             DOPPIO_RETURN_IF_ERROR(child.RunNet("net"));
                             DOPPIO_RETURN_IF_ERROR(CheckSum(child, 5));
                           }
                           return absl::OkStatus();
                         }),
              Each(""));
  EXPECT_EQ(parent.Blobs(), std::vector<std::string>{"X"});
}

TEST(ThreadsTest, BlobsAndNetsOfAWorkspaceAreLookedUpWhileOneOfItsNetsRuns) {
  Workspace workspace;
  ASSERT_TRUE(FeedX(&workspace, 2).ok());
  ASSERT_TRUE(workspace.CreateNet(Branches("net")).ok());
  EXPECT_THAT(SideBySide(3,
                         [&workspace](int i) {
                           if (i == 0) return workspace.RunNet("net", 50);
                           for (int k = 0; k < 50; ++k) {
                             const std::string name = absl::StrCat("made", i, "_", k);
                             workspace.CreateBlob(name);
                             if (!workspace.HasBlob(name) || workspace.GetNet("net") == nullptr)
                               return absl::NotFoundError(name);
                             if (workspace.Blobs().size() < 2 || workspace.Nets().size() != 1)
                               return absl::InternalError("lost some");
                             DOPPIO_RETURN_IF_ERROR(workspace.RemoveBlob(name));
                           }
                           return absl::OkStatus();
                         }),
              Each(""));
}

// The sizes of all blobs before and after some of them grow, by a net of that type.
NetDef Sizes(const std::string& type, bool nested) {
  NetBuilder net("sizes");
  net.Type(type);
  net.mutable_def()->set_num_workers(4);
  const auto measure = [&](const std::string& names, const std::string& sizes) {
    if (!nested) {
      net.Op("EstimateAllBlobSizes", {}, {names, sizes});
      return;
    }
    NetBuilder body("body");
    body.Op("EstimateAllBlobSizes", {}, {names, sizes});
    net.Op("If", {"yes"}, {}, {MakeArgument("then_net", body.def())});
  };
  for (const char* blob : {"A", "B", "C", "D"}) net.Op("Copy", {"small"}, {blob});
  measure("names", "before");
  for (const char* blob : {"A", "B", "C", "D"}) net.Op("Copy", {"large"}, {blob});
  measure("names", "after");
  for (const char* blob : {"A", "B", "C", "D"}) net.Op("Copy", {"small"}, {blob});
  return net.def();
}

TEST(ThreadsTest, NothingRunsBesideAnOperatorThatReadsAllBlobs) {
  for (const bool nested : {false, true}) {
    std::vector<std::vector<int64_t>> sizes[2];
    for (const bool parallel : {false, true}) {
      Workspace workspace;
      ASSERT_TRUE(workspace.Feed("yes", Tensor::Of<bool>({}, {true})).ok());
      ASSERT_TRUE(workspace.Feed("small", Tensor::Create(DataType::kFloat, {10})).ok());
      ASSERT_TRUE(workspace.Feed("large", Tensor::Create(DataType::kFloat, {5000})).ok());
      const NetDef net = Sizes(parallel ? "parallel" : "simple", nested);
      ASSERT_TRUE(workspace.CreateNet(net).ok());
      for (int k = 0; k < 20; ++k) {
        const absl::Status run = workspace.RunNet("sizes");
        ASSERT_TRUE(run.ok()) << run;
        for (const char* name : {"before", "after"}) {
          const absl::StatusOr<Tensor> of = workspace.Fetch(name);
          ASSERT_TRUE(of.ok()) << of.status();
          sizes[parallel].emplace_back(of->data<int64_t>(), of->data<int64_t>() + of->numel());
        }
      }
    }
    EXPECT_EQ(sizes[true], sizes[false]) << (nested ? "in a net inside" : "in the net itself");
  }
}

// What the functions that promise to bear it say of a net and of its data, in one text.
absl::StatusOr<std::string> Answers() {
  NetBuilder net("net");
  net.Op("FC", {"x", "w", "b"}, {"h"})
      .Op("Relu", {"h"}, {"r"})
      .Op("FC", {"r", "w2", "b2"}, {"y"})
      .Op("AveragedLoss", {"y"}, {"loss"});
  for (const char* blob : {"x", "w", "b", "w2", "b2"}) net.ExternalInput(blob);
  std::string text = NetToDot(net.def());
  for (const NetProblem& problem : CheckNet(net.def())) absl::StrAppend(&text, problem.what);
  BlobInfos known;
  known["x"] = {DataType::kFloat, Dims{4, 8}, std::nullopt};
  known["w"] = {DataType::kFloat, Dims{3, 8}, std::nullopt};
  known["b"] = {DataType::kFloat, Dims{3}, std::nullopt};
  DOPPIO_ASSIGN_OR_RETURN(const NetInference inferred, InferNet(net.def(), known));
  for (const auto& [blob, info] : inferred.blobs) {
    absl::StrAppend(&text, blob, DataTypeName(info.dtype),
                    ShapeToString(info.dims.value_or(Dims())));
  }
  OptimizerSettings settings;
  settings.parameters = {"w", "b", "w2", "b2"};
  DOPPIO_ASSIGN_OR_RETURN(const Training training,
                          AddOptimizer(net.def(), {{"loss"}}, "adam", settings));
  absl::StrAppend(&text, training.net.DebugString(), training.init.DebugString());
  DOPPIO_ASSIGN_OR_RETURN(const Tensor data, RandomData("x", DataType::kFloat, {4, 8}, 1));
  DOPPIO_ASSIGN_OR_RETURN(const std::string npy, FormatNpy(data));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor again, ParseNpy(npy));
  DOPPIO_ASSIGN_OR_RETURN(const TensorProto proto, TensorToProto(again));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor copy, TensorFromProto(proto));
  DOPPIO_ASSIGN_OR_RETURN(const std::string last, FormatNpy(copy));
  absl::StrAppend(&text, last == npy ? "the same" : "others", Caffe2Operators().size());
  return text;
}

TEST(ThreadsTest, FunctionsOfNetsAndDataGiveTheSameFromManyThreads) {
  const absl::StatusOr<std::string> expected = Answers();
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_THAT(*expected, AllOf(HasSubstr("digraph"), HasSubstr("the same")));
  EXPECT_THAT(SideBySide(8,
                         [&expected](int) -> absl::Status {
                           for (int k = 0; k < 5; ++k) {
                             DOPPIO_ASSIGN_OR_RETURN(const std::string answers, Answers());
                             if (answers != *expected) return absl::InternalError("another answer");
                           }
                           return absl::OkStatus();
                         }),
              Each(""));
}

class CountingObserver final : public NetObserver {
 public:
  void OperatorStart(const Net&, int) override { ++started; }
  void OperatorStop(const Net&, int, const absl::Status&) override { ++stopped; }

  std::atomic<int> started{0};
  std::atomic<int> stopped{0};
};

TEST(ThreadsTest, ObserversComeAndGoBetweenTheRunsOfAParallelNet) {
  Workspace workspace;
  ASSERT_TRUE(FeedX(&workspace, 2).ok());
  const absl::StatusOr<Net*> net = workspace.CreateNet(Branches("net"));
  ASSERT_TRUE(net.ok()) << net.status();
  for (int k = 0; k < 20; ++k) {
    CountingObserver observer;
    (*net)->AddObserver(&observer);
    ASSERT_TRUE((*net)->Run().ok());
    (*net)->RemoveObserver(&observer);
    ASSERT_TRUE((*net)->Run().ok());
    EXPECT_EQ(observer.started, 4);
    EXPECT_EQ(observer.stopped, 4);
  }
}

TEST(ThreadsTest, ANetIsCancelledFromManyThreadsWhileItRuns) {
  Workspace workspace;
  ASSERT_TRUE(FeedX(&workspace, 2).ok());
  const absl::StatusOr<Net*> net = workspace.CreateNet(Branches("net"));
  ASSERT_TRUE(net.ok()) << net.status();
  EXPECT_THAT(SideBySide(4,
                         [&](int i) {
                           for (int k = 0; k < 30; ++k) {
                             if (i > 0) {
                               (*net)->Cancel();
                               continue;
                             }
                             const absl::Status status = (*net)->Run();
                             if (!status.ok() && !absl::IsCancelled(status)) return status;
                           }
                           return absl::OkStatus();
                         }),
              Each(""));
  EXPECT_TRUE((*net)->Run().ok());
}

}  // namespace
}  // namespace doppio
