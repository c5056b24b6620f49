#include "src/graph/channels_last.h"

#include "doppio/net_builder.h"
#include "doppio/op_def.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using Args = std::vector<Argument>;

// The types of the operators that are kept with the channels last.
std::vector<std::string> Kept(NetDef net) {
  KeepChannelsLast(&net);
  std::vector<std::string> kept;
  for (const OperatorDef& op : net.op()) {
    if (op.engine() == "CHANNELS_LAST") kept.push_back(op.type());
  }
  return kept;
}

using Types = std::vector<std::string>;

TEST(ChannelsLastTest, BeginsWithAConvolutionAndGoesOnUntilAnOtherOperator) {
  const NetDef net = NetBuilder("net")
                         .Op("Relu", {"data"}, {"x"})
                         .Op("Conv", {"x", "w", "b"}, {"y"})
                         .Op("Relu", {"y"}, {"y"})
                         .Op("MaxPool", {"y"}, {"p"})
                         .Op("Tanh", {"p"}, {"t"})
                         .Op("Relu", {"t"}, {"u"})
                         .def();
  EXPECT_EQ(Kept(net), Types({"Conv", "Relu", "MaxPool"}));
}

TEST(ChannelsLastTest, TheGradientOfAnImageIsKept) {
  const NetDef net =
      NetBuilder("net")
          .Op("Conv", {"x", "w"}, {"y"})
          .Op("ReluGradient", {"y", "dr"}, {"dy"})
          .Op("ConvGradient", {"x", "w", "dy"}, {"dw", "dx"}, {MakeArgument("no_bias", 1)})
          .Op("Sum", {"dx", "other"}, {"s"})
          .Op("Sum", {"dw", "other_w"}, {"sw"})
          .def();
  EXPECT_EQ(Kept(net), Types({"Conv", "ReluGradient", "ConvGradient", "Sum"}));
}

TEST(ChannelsLastTest, GradientsOfWeightsAloneArePlain) {
  const NetDef net = NetBuilder("net")
                         .Op("Conv", {"x", "w", "b"}, {"y"})
                         .Op("ReluGradient", {"y", "dr"}, {"dy"})
                         .Op("ConvGradient", {"x", "w", "dy"}, {"dw", "db"})
                         .Op("Sum", {"db", "other"}, {"s"})
                         .def();
  EXPECT_EQ(Kept(net), Types({"Conv", "ReluGradient", "ConvGradient"}));
}

TEST(ChannelsLastTest, WhatComesFromOutsideIsPlainWhateverItHolds) {
  const NetDef net = NetBuilder("net")
                         .Op("Relu", {"before"}, {"r"})
                         .Op("Conv", {"x", "w"}, {"before"})
                         .Op("Relu", {"before"}, {"s"})
                         .def();
  EXPECT_EQ(Kept(net), Types({"Conv", "Relu"}));
}

TEST(ChannelsLastTest, ABlobThatIsWrittenAgainIsWhatWasWrittenLast) {
  const NetDef net = NetBuilder("net")
                         .Op("Conv", {"x", "w"}, {"y"})
                         .Op("Relu", {"y"}, {"r"})
                         .Op("Tanh", {"x"}, {"r"})
                         .Op("Relu", {"r"}, {"s"})
                         .def();
  EXPECT_EQ(Kept(net), Types({"Conv", "Relu"}));
}

TEST(ChannelsLastTest, AConvolutionForOthersAloneStaysPlain) {
  const NetDef net = NetBuilder("net").Op("Conv", {"x", "w"}, {"y"}).Op("Tanh", {"y"}, {"t"}).def();
  EXPECT_EQ(Kept(net), Types());
}

TEST(ChannelsLastTest, GroupsOrdersAndEnginesThatOthersAskedForStay) {
  const auto conv = [](const Args& args) {
    return NetBuilder("net").Op("Conv", {"x", "w"}, {"y"}, args).Op("Relu", {"y"}, {"r"}).def();
  };
  EXPECT_EQ(Kept(conv({})), Types({"Conv", "Relu"}));
  EXPECT_EQ(Kept(conv({MakeArgument("group", 2)})), Types());
  EXPECT_EQ(Kept(conv({MakeArgument<std::string>("order", "NHWC")})), Types());
  NetDef on_gpu = conv({});
  on_gpu.mutable_device_option()->set_device_type(1);
  EXPECT_EQ(Kept(on_gpu), Types());
  NetDef with_unknown_engine = conv({});
  with_unknown_engine.mutable_op(0)->set_engine("CUDNN");
  EXPECT_EQ(Kept(with_unknown_engine), Types({"Conv", "Relu"}));
}

TEST(ChannelsLastTest, OnlyNetsWithGradientsOfConvolutionsTrainThem) {
  NetDef net = NetBuilder("net").Op("Conv", {"x", "w"}, {"y"}).def();
  EXPECT_FALSE(TrainsConvolutions(net));
  *net.add_op() = CreateOperatorDef("ConvGradient", "", {"x", "w", "dy"}, {"dw", "db"});
  EXPECT_TRUE(TrainsConvolutions(net));
}

}  // namespace
}  // namespace doppio
