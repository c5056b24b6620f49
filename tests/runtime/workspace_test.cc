#include "doppio/workspace.h"

#include <thread>

#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Tensor> Vector(std::initializer_list<float> values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

NetDef ReluNet() {
  NetBuilder net("relu");
  net.Op("Relu", {"X"}, {"Y"});
  return net.def();
}

TEST(WorkspaceTest, FeedsAndFetches) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Vector({1, 2})).ok());
  EXPECT_THAT(workspace.Fetch("X")->span<float>(), ElementsAre(1, 2));
  EXPECT_THAT(workspace.Blobs(), ElementsAre("X"));
}

TEST(WorkspaceTest, FeedReturnsTheErrorOfATensorThatIsNone) {
  Workspace workspace;
  const absl::Status status = workspace.Feed("X", Tensor::Of<float>({3}, {1, 2}));
  EXPECT_THAT(Message(status),
              HasSubstr("feeding blob \"X\": shape [3] has 3 elements, but 2 values"));
  EXPECT_FALSE(workspace.HasBlob("X"));
}

TEST(WorkspaceTest, FeedDoesNotOverwriteWhatIsNoTensor) {
  Workspace workspace;
  *workspace.CreateBlob("text")->GetMutable<std::string>() = "hello";
  EXPECT_THAT(Message(workspace.Feed("text", Vector({1}))),
              HasSubstr("holds std::string, not a tensor"));
  EXPECT_EQ(*workspace.FindBlob("text")->Get<std::string>(), "hello");
}

TEST(WorkspaceTest, FetchNamesNearBlobs) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("loss", Vector({1})).ok());
  EXPECT_THAT(Message(workspace.Fetch("los").status()),
              HasSubstr("there is no blob \"los\"; did you mean loss?"));
}

TEST(WorkspaceTest, FetchRefusesABlobWithoutValue) {
  Workspace workspace;
  workspace.CreateBlob("empty");
  EXPECT_THAT(Message(workspace.Fetch("empty").status()), HasSubstr("has no value yet"));
}

TEST(WorkspaceTest, WhatWasFetchedStaysAsItWasWhenTheNetRunsAgain) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Vector({1, -1})).ok());
  ASSERT_TRUE(workspace.CreateNet(ReluNet()).ok());
  ASSERT_TRUE(workspace.RunNet("relu").ok());
  const Tensor first = *workspace.Fetch("Y");
  ASSERT_TRUE(workspace.Feed("X", Vector({5, 6})).ok());
  ASSERT_TRUE(workspace.RunNet("relu").ok());
  EXPECT_THAT(first.span<float>(), ElementsAre(1, 0));
  EXPECT_THAT(workspace.Fetch("Y")->span<float>(), ElementsAre(5, 6));
}

TEST(WorkspaceTest, RunningInPlaceDoesNotChangeWhatWasFed) {
  Workspace workspace;
  const Tensor mine = *Vector({-1, 2});
  ASSERT_TRUE(workspace.Feed("X", mine).ok());
  ASSERT_TRUE(workspace.RunOperatorOnce(CreateOperatorDef("Relu", "", {"X"}, {"X"})).ok());
  EXPECT_THAT(mine.span<float>(), ElementsAre(-1, 2));
  EXPECT_THAT(workspace.Fetch("X")->span<float>(), ElementsAre(0, 2));
}

TEST(WorkspaceTest, RenamesAndRemovesBlobs) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("a", Vector({1})).ok());
  ASSERT_TRUE(workspace.Feed("c", Vector({2})).ok());
  EXPECT_TRUE(workspace.RenameBlob("a", "b").ok());
  EXPECT_THAT(workspace.Blobs(), ElementsAre("b", "c"));
  EXPECT_THAT(Message(workspace.RenameBlob("b", "c")), HasSubstr("there is a blob \"c\" already"));
  EXPECT_THAT(Message(workspace.RenameBlob("zzz", "y")), HasSubstr("there is no blob \"zzz\""));
  EXPECT_TRUE(workspace.RemoveBlob("b").ok());
  EXPECT_EQ(workspace.RemoveBlob("b").code(), absl::StatusCode::kNotFound);
}

TEST(WorkspaceTest, ARemovedBlobThatIsMadeAgainIsTheOneThatNetsUse) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Vector({1})).ok());
  ASSERT_TRUE(workspace.CreateNet(ReluNet()).ok());
  ASSERT_TRUE(workspace.RemoveBlob("X").ok());
  EXPECT_THAT(Message(workspace.RunNet("relu")),
              HasSubstr("input 0, blob \"X\", has no value yet"));
  ASSERT_TRUE(workspace.Feed("X", Vector({7})).ok());
  ASSERT_TRUE(workspace.RunNet("relu").ok());
  EXPECT_THAT(workspace.Fetch("Y")->span<float>(), ElementsAre(7));
}

TEST(WorkspaceTest, AChildSeesItsParentsBlobsAndKeepsItsOwn) {
  Workspace parent;
  ASSERT_TRUE(parent.Feed("X", Vector({1})).ok());
  Workspace child(&parent);
  ASSERT_TRUE(child.RunNetOnce(ReluNet()).ok());
  EXPECT_TRUE(child.HasBlob("X"));
  EXPECT_THAT(child.LocalBlobs(), ElementsAre("Y"));
  EXPECT_THAT(child.Blobs(), ElementsAre("X", "Y"));
  EXPECT_FALSE(parent.HasBlob("Y"));
  EXPECT_NE(child.CreateLocalBlob("X"), parent.FindBlob("X"));
}

TEST(WorkspaceTest, ManyChildrenMayReadOneParentAtTheSameTime) {
  Workspace parent;
  ASSERT_TRUE(parent.Feed("X", Vector({1, -2, 3})).ok());
  constexpr int kThreads = 4;
  std::vector<std::string> errors(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&parent, &error = errors[i]] {
      Workspace child(&parent);
      for (int run = 0; run < 50; ++run) {
        const absl::Status status = child.RunNetOnce(ReluNet());
        if (!status.ok()) error = Message(status);
      }
      const absl::StatusOr<Tensor> y = child.Fetch("Y");
      if (!y.ok() || y->data<float>()[2] != 3) error += "wrong result";
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(errors, testing::Each(""));
  EXPECT_THAT(parent.Blobs(), ElementsAre("X"));
}

TEST(WorkspaceTest, SeesMappedBlobsUnderTheirNewNames) {
  Workspace parent;
  ASSERT_TRUE(parent.Feed("weights", Vector({3})).ok());
  ASSERT_TRUE(parent.Feed("other", Vector({4})).ok());
  Workspace child(&parent, {{"X", "weights"}});
  EXPECT_THAT(child.Fetch("X")->span<float>(), ElementsAre(3));
  EXPECT_FALSE(child.HasBlob("other"));
  EXPECT_THAT(Message(child.AddBlobMapping(&parent, {{"X", "other"}})),
              HasSubstr("there is a blob \"X\" already"));
  EXPECT_TRUE(child.AddBlobMapping(&parent, {{"X", "other"}}, /*skip_defined_blobs=*/true).ok());
  EXPECT_THAT(Message(child.AddBlobMapping(&parent, {{"Z", "othr"}})),
              HasSubstr("did you mean other?"));
}

TEST(WorkspaceTest, ResetDropsEverythingAndFreesItsMemory) {
  Workspace workspace("folder");
  ASSERT_TRUE(workspace.Feed("X", Vector({1, 2, 3})).ok());
  ASSERT_TRUE(workspace.CreateNet(ReluNet()).ok());
  ASSERT_TRUE(workspace.RunNet("relu").ok());
  EXPECT_GT(workspace.Stats().live_bytes, 0);
  EXPECT_EQ(workspace.Stats().nets, 1);
  const int64_t live_before = GetMemoryStats().live_bytes;
  const int64_t held = workspace.Stats().live_bytes;
  ASSERT_TRUE(workspace.ResetWorkspace().ok());
  EXPECT_EQ(workspace.Stats().live_bytes, 0);
  EXPECT_EQ(workspace.Stats().blobs, 0);
  EXPECT_EQ(workspace.Stats().nets, 0);
  EXPECT_EQ(GetMemoryStats().live_bytes, live_before - held);
  EXPECT_EQ(workspace.RootFolder(), "folder");
  ASSERT_TRUE(workspace.ResetWorkspace("elsewhere").ok());
  EXPECT_EQ(workspace.RootFolder(), "elsewhere");
}

TEST(WorkspaceTest, WhatWasFetchedOutlivesAReset) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Vector({1, 2})).ok());
  const Tensor x = *workspace.Fetch("X");
  ASSERT_TRUE(workspace.ResetWorkspace().ok());
  EXPECT_THAT(x.span<float>(), ElementsAre(1, 2));
}

TEST(WorkspaceTest, CountsSharedStorageOnce) {
  Workspace workspace;
  const Tensor shared = *Vector({1, 2, 3, 4});
  ASSERT_TRUE(workspace.Feed("a", shared).ok());
  const int64_t one = workspace.Stats().live_bytes;
  ASSERT_TRUE(workspace.Feed("b", shared).ok());
  EXPECT_EQ(workspace.Stats().live_bytes, one);
}

TEST(WorkspaceTest, RefusesASecondNetOfTheSameNameUnlessToldToReplaceIt) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Vector({1})).ok());
  ASSERT_TRUE(workspace.CreateNet(ReluNet()).ok());
  EXPECT_EQ(workspace.CreateNet(ReluNet()).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(workspace.CreateNet(ReluNet(), /*overwrite=*/true).ok());
  EXPECT_THAT(workspace.Nets(), ElementsAre("relu"));
  EXPECT_TRUE(workspace.DeleteNet("relu").ok());
  EXPECT_EQ(workspace.DeleteNet("relu").code(), absl::StatusCode::kNotFound);
}

TEST(WorkspaceTest, RefusesANetWithoutAName) {
  Workspace workspace;
  EXPECT_THAT(Message(workspace.CreateNet(NetDef()).status()), HasSubstr("needs a name"));
  NetDef empty_name;
  empty_name.set_name("");
  EXPECT_TRUE(workspace.CreateNet(empty_name).ok());
}

TEST(WorkspaceTest, NamesNearNets) {
  Workspace workspace;
  ASSERT_TRUE(workspace.Feed("X", Vector({1})).ok());
  ASSERT_TRUE(workspace.CreateNet(ReluNet()).ok());
  EXPECT_THAT(Message(workspace.RunNet("rleu")),
              HasSubstr("there is no net \"rleu\"; did you mean relu?"));
}

TEST(WorkspaceTest, IsUsableAfterARunThatFailed) {
  Workspace workspace;
  NetBuilder net("bad");
  net.Op("Relu", {"X"}, {"Y"}).Op("Add", {"Y", "Z"}, {"S"});
  ASSERT_TRUE(workspace.Feed("X", Vector({1, 2})).ok());
  ASSERT_TRUE(workspace.Feed("Z", Vector({1, 2, 3})).ok());
  const absl::Status status = workspace.RunNetOnce(net.def());
  EXPECT_THAT(Message(status), HasSubstr("net \"bad\", op 1 Add(Y, Z) -> S: "));
  ASSERT_TRUE(workspace.Feed("Z", Vector({10, 20})).ok());
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  EXPECT_THAT(workspace.Fetch("S")->span<float>(), ElementsAre(11, 22));
}

TEST(WorkspaceTest, RunOperatorOnceNamesTheOperatorInErrors) {
  Workspace workspace;
  const absl::Status status =
      workspace.RunOperatorOnce(CreateOperatorDef("Relu", "", {"nothing"}, {"Y"}));
  EXPECT_THAT(Message(status),
              HasSubstr("op Relu(nothing) -> Y: input 0, blob \"nothing\", does not exist"));
}

}  // namespace
}  // namespace doppio
