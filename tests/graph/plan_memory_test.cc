#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "doppio/net_builder.h"
#include "doppio/optimize.h"
#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;

BlobInfos KnownX() { return {{"X", {DataType::kFloat, Dims{2, 3}, std::nullopt}}}; }

std::set<std::string> Written(const NetDef& net) {
  std::set<std::string> written;
  for (const OperatorDef& op : net.op()) written.insert(op.output().begin(), op.output().end());
  return written;
}

TEST(PlanMemoryTest, GivesAChainOneBuffer) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"}).Op("Negative", {"b"}, {"c"});
  net.Op("Copy", {"c"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_EQ(plan.bytes_before, 4 * 24);
  EXPECT_EQ(plan.bytes_after, 2 * 24);
  EXPECT_THAT(Written(plan.net), ElementsAre("Y", "a"));
}

TEST(PlanMemoryTest, KeepsApartWhatLivesAtTheSameTime) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"}).Op("Add", {"a", "b"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_EQ(plan.bytes_after, 3 * 24);
  EXPECT_EQ(Written(plan.net).size(), 3u);
}

TEST(PlanMemoryTest, LeavesAloneWhatInnerNetsUse) {
  NetBuilder inner("inner");
  inner.Op("Copy", {"a"}, {"Z"});
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"});
  net.Op("If", {"c"}, {}, {MakeArgument("then_net", inner.def())});
  net.Op("Negative", {"b"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_EQ(plan.net.op(0).output(0), "a");
  EXPECT_EQ(plan.net.op(1).output(0), "b");
}

TEST(PlanMemoryTest, NoOperandIsOverwrittenThatIsOfAnotherShape) {
  NetBuilder net("net");
  net.Op("Sigmoid", {"X"}, {"s"}).Op("Add", {"three", "s"}, {"sum"}).Op("Exp", {"sum"}, {"Y"});
  for (const Dims& dims : {Dims{1, 2, 3}, Dims{5, 2, 3}, Dims{1, 1, 1, 3}}) {
    BlobInfos known = KnownX();
    known["three"] = {DataType::kFloat, dims, std::nullopt};
    const MemoryPlan plan = PlanMemory(net.def(), known, {"X", "Y"}).value();
    EXPECT_THAT(Written(plan.net), ElementsAre("Y", "s", "sum")) << ShapeToString(dims);
    EXPECT_FALSE(plan.for_these_shapes);
  }
}

TEST(PlanMemoryTest, NoOperandIsOverwrittenOfWhichNothingIsKnown) {
  NetBuilder net("net");
  net.Op("Reshape", {"X", "shape"}, {"reshaped", "old"}).Op("Exp", {"D"}, {"d"});
  net.Op("Mul", {"d", "reshaped"}, {"product"}).Op("Negative", {"product"}, {"Y"});
  for (const DataType dtype : {DataType::kFloat, DataType::kDouble, DataType::kFloat16}) {
    const BlobInfos known = {{"D", {dtype, Dims{5, 2, 3}, std::nullopt}}};
    const MemoryPlan plan = PlanMemory(net.def(), known, {"X", "D", "shape", "Y"}).value();
    EXPECT_NE(plan.net.op(2).output(0), plan.net.op(2).input(1)) << DataTypeName(dtype);
  }
}

TEST(PlanMemoryTest, AnOperandOfTheSameShapeIsOverwrittenUnlessThePlanIsForAnyShapes) {
  NetBuilder net("net");
  net.Op("Sigmoid", {"X"}, {"s"}).Op("Add", {"three", "s"}, {"sum"}).Op("Exp", {"sum"}, {"Y"});
  BlobInfos known = KnownX();
  known["three"] = known["X"];
  const MemoryPlan plan = PlanMemory(net.def(), known, {"X", "Y"}).value();
  EXPECT_THAT(Written(plan.net), ElementsAre("Y", "s"));
  EXPECT_TRUE(plan.for_these_shapes);
  const MemoryPlan general = PlanMemory(net.def(), known, {"X", "Y"}, true).value();
  EXPECT_THAT(Written(general.net), ElementsAre("Y", "s", "sum"));
  EXPECT_FALSE(general.for_these_shapes);
}

TEST(PlanMemoryTest, WhatFollowsItsInputsShapeIsInPlaceInAnyPlan) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"});
  net.Op("ExpandDims", {"b"}, {"c"}, {MakeArgument<std::vector<int64_t>>("dims", {0})});
  net.Op("Mul", {"c", "two"}, {"d"}).Op("Exp", {"d"}, {"Y"});
  BlobInfos known = KnownX();
  known["two"].dtype = DataType::kFloat;
  known["two"].dims.emplace();
  for (const BlobInfos& infos : {known, BlobInfos{{"two", known["two"]}}}) {
    const MemoryPlan plan = PlanMemory(net.def(), infos, {"X", "Y"}).value();
    EXPECT_THAT(Written(plan.net), ElementsAre("Y", "a"));
    EXPECT_FALSE(plan.for_these_shapes);
  }
}

TEST(PlanMemoryTest, GivesTheSameResults) {
  NetBuilder net("net");
  net.Op("Relu", {"X"}, {"a"}).Op("Exp", {"a"}, {"b"}).Op("Add", {"a", "b"}, {"c"});
  net.Op("Negative", {"a"}, {"d"}).Op("Mul", {"c", "d"}, {"e"}).Op("Tanh", {"e"}, {"Y"});
  const MemoryPlan plan = PlanMemory(net.def(), KnownX(), {"X", "Y"}).value();
  EXPECT_LT(plan.bytes_after, plan.bytes_before);
  Workspace before;
  Workspace after;
  for (Workspace* workspace : {&before, &after}) {
    ASSERT_TRUE(workspace->Feed("X", *Tensor::Of<float>({2, 3}, {1, -2, 3, 0.5f, 0, -1})).ok());
  }
  ASSERT_TRUE(before.RunNetOnce(net.def()).ok());
  for (int run = 0; run < 2; ++run) ASSERT_TRUE(after.RunNetOnce(plan.net).ok());
  EXPECT_TRUE(TensorNear(after.Fetch("Y").value(), before.Fetch("Y").value(), 0));
}

}  // namespace
}  // namespace doppio
