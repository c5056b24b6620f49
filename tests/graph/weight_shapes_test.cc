#include "doppio/weight_shapes.h"

#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::HasSubstr;

TensorInfo Known(Dims dims) { return {DataType::kFloat, std::move(dims), std::nullopt}; }

PublishedWidths Widths(std::vector<PublishedWidths::Width> widths) {
  PublishedWidths section;
  section.widths = std::move(widths);
  return section;
}

Dims ShapeOf(const NetShapes& shapes, const std::string& blob) {
  const TensorInfo& info = shapes.blobs.at(blob);
  return info.IsKnown() ? *info.dims : Dims{-1};
}

TEST(WeightShapesTest, AWidthOfTheTableGivesWeightsAndBias) {
  const NetDef net =
      NetBuilder("n").Op("FC", {"X", "w", "b"}, {"Y"}).Op("Relu", {"Y"}, {"Y"}).def();
  const PublishedWidths widths = Widths({{"w", 10, false}});
  const auto shapes = InferWeightShapes(net, {{"X", Known({2, 3, 4})}}, &widths);
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(ShapeOf(*shapes, "w"), Dims({10, 12}));
  EXPECT_EQ(ShapeOf(*shapes, "b"), Dims({10}));
  EXPECT_EQ(ShapeOf(*shapes, "Y"), Dims({2, 10}));
  ASSERT_EQ(shapes->weights.size(), 2);
  EXPECT_EQ(shapes->weights[0].role, WeightRole::kFactors);
  EXPECT_EQ(shapes->weights[0].fan_in, 12);
  EXPECT_TRUE(shapes->weights[0].is_published);
  EXPECT_EQ(shapes->weights[1].role, WeightRole::kBias);
  EXPECT_EQ(shapes->total.multiply_adds, 2 * 10 * 12);
  EXPECT_TRUE(shapes->unknown.empty());
}

TEST(WeightShapesTest, ABiasThatIsThereGivesTheWidth) {
  const NetDef net = NetBuilder("n").Op("FC", {"X", "w", "b"}, {"Y"}).def();
  const auto shapes = InferWeightShapes(net, {{"X", Known({2, 3})}, {"b", Known({7})}}, nullptr);
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(ShapeOf(*shapes, "w"), Dims({7, 3}));
  EXPECT_EQ(shapes->weights.size(), 1);
}

TEST(WeightShapesTest, OldNetsHaveWeightsOfRankFour) {
  const NetDef net =
      NetBuilder("n").Op("FC", {"X", "w", "b"}, {"Y"}, {MakeArgument<int>("axis_w", 3)}).def();
  const PublishedWidths widths = Widths({{"w", 10, false}});
  const auto shapes = InferWeightShapes(net, {{"X", Known({1, 8, 1, 1})}}, &widths);
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(ShapeOf(*shapes, "w"), Dims({1, 1, 10, 8}));
}

TEST(WeightShapesTest, AnOrderInLowerCaseCountsAsInUpperCase) {
  for (const char* order : {"NHWC", "nhwc"}) {
    const NetDef net =
        NetBuilder("n")
            .Op("PRelu", {"X", "slope"}, {"Y"}, {MakeArgument<std::string>("order", order)})
            .def();
    const auto shapes = InferWeightShapes(net, {{"X", Known({1, 8, 9, 3})}}, nullptr);
    ASSERT_TRUE(shapes.ok()) << shapes.status();
    EXPECT_EQ(ShapeOf(*shapes, "slope"), Dims({3})) << order;
  }
}

TEST(WeightShapesTest, WhatIsAddedTiesTheWidth) {
  const NetDef net = NetBuilder("n")
                         .Op("FC", {"X", "w", "b"}, {"Y"})
                         .Op("Relu", {"Y"}, {"Y"})
                         .Op("Add", {"Y", "offsets"}, {"Z"})
                         .def();
  const auto shapes =
      InferWeightShapes(net, {{"X", Known({2, 3})}, {"offsets", Known({5})}}, nullptr);
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(ShapeOf(*shapes, "w"), Dims({5, 3}));
  EXPECT_EQ(shapes->weights[0].width_from, "Add with offsets");
  EXPECT_FALSE(shapes->weights[0].is_guess);
}

TEST(WeightShapesTest, WhatIsWrittenAnewTiesNothing) {
  const NetDef net = NetBuilder("n")
                         .Op("FC", {"X", "w", "b"}, {"Y"})
                         .Op("ConstantFill", {}, {"Y"}, {MakeArgument<float>("value", 1)})
                         .Op("Add", {"Y", "offsets"}, {"Z"})
                         .def();
  const auto shapes =
      InferWeightShapes(net, {{"X", Known({2, 3})}, {"offsets", Known({5})}}, nullptr);
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  EXPECT_EQ(ShapeOf(*shapes, "w"), Dims({-1}));
}

TEST(WeightShapesTest, WhatCouldNotBeFoundComesWithTheReason) {
  const NetDef net = NetBuilder("n")
                         .Op("FC", {"X", "w", "b"}, {"Y"})
                         .Op("FC", {"Y", "w2", "b2"}, {"Z"})
                         .Op("NoSuchOperator", {"X"}, {"Q"})
                         .Op("Relu", {"lone"}, {"R"})
                         .def();
  const auto shapes = InferWeightShapes(net, {{"X", Known({2, 3})}}, nullptr);
  ASSERT_TRUE(shapes.ok()) << shapes.status();
  std::map<std::string, std::string> why;
  for (const UnknownShape& unknown : shapes->unknown) why[unknown.blob] = unknown.why;
  EXPECT_THAT(why["w"], HasSubstr("op 0 FC does not tell how many outputs it has"));
  EXPECT_THAT(why["w2"], HasSubstr("op 1 FC can not tell it without the shape of Y"));
  EXPECT_THAT(why["Q"], HasSubstr("there is no operator \"NoSuchOperator\""));
  EXPECT_THAT(why["lone"], HasSubstr("op 3 Relu reads it, and does not tell its shape"));
  EXPECT_EQ(why.count("Y"), 0);
}

TEST(WeightShapesTest, ShapesThatCanNotGoTogetherAreAnError) {
  const NetDef net = NetBuilder("n").Op("FC", {"X", "w", "b"}, {"Y"}).def();
  const auto shapes = InferWeightShapes(net, {{"X", Known({2, 3})}, {"w", Known({5, 4})}}, nullptr);
  EXPECT_THAT(std::string(shapes.status().message()), HasSubstr("op 0 FC"));
}

TEST(WeightShapesTest, AnImpossibleKernelOrGroupFindsNothing) {
  for (const char* argument : {"kernel", "group"}) {
    const NetDef net =
        NetBuilder("n").Op("Conv", {"X", "w", "b"}, {"Y"}, {MakeArgument<int>(argument, 0)}).def();
    const PublishedWidths widths = Widths({{"w", 10, false}});
    const auto shapes = InferWeightShapes(net, {{"X", Known({1, 8, 5, 5})}}, &widths);
    EXPECT_TRUE(!shapes.ok() || ShapeOf(*shapes, "w") == Dims({-1}));
  }
}

TEST(WeightsOfNetTest, AreWhatOperatorsTakeAsWeightsAndNobodyMakes) {
  NetBuilder net("weights");
  net.Op("Conv", {"data", "w", "b"}, {"conv"})
      .Op("SpatialBN", {"conv", "s", "o", "m", "v"}, {"bn"});
  net.Op("Add", {"bn", "offset"}, {"bn"}, {MakeArgument<int>("broadcast", 1)});
  net.Op("Mul", {"bn", "maybe"}, {"factor"}).Op("FC", {"bn", "factor", "bias"}, {"y"});
  EXPECT_THAT(WeightsOfNet(net.def()),
              testing::ElementsAre("w", "b", "s", "o", "m", "v", "offset", "bias"));
}

}  // namespace
}  // namespace doppio
