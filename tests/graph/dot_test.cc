#include "doppio/dot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doppio/net_builder.h"

namespace doppio {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DotTest, OperatorsAreBoxesAndBlobsAreEllipses) {
  NetBuilder net("demo");
  net.Op("Expand", {"X", "shape"}, {"Y"});
  const std::string dot = NetToDot(net.def());
  EXPECT_THAT(dot, HasSubstr("digraph \"demo\""));
  EXPECT_THAT(dot, HasSubstr("op0 [label=\"Expand\", shape=box"));
  EXPECT_THAT(dot, HasSubstr("[label=\"shape\", shape=ellipse"));
  EXPECT_THAT(dot, HasSubstr("b0 -> op0"));
  EXPECT_THAT(dot, HasSubstr("op0 -> b2"));
}

TEST(DotTest, EachValueOfABlobIsANode) {
  NetBuilder net("demo");
  net.Op("Relu", {"X"}, {"X"}).Op("Relu", {"X"}, {"X"});
  const std::string dot = NetToDot(net.def());
  EXPECT_THAT(dot, HasSubstr("op0 -> b1;\n"));
  EXPECT_THAT(dot, HasSubstr("b1 -> op1;\n"));
  EXPECT_THAT(dot, HasSubstr("op1 -> b2;\n"));
}

TEST(DotTest, NamesStayNamesWhateverTheyContain) {
  NetBuilder net("a\"]; evil [");
  net.Op("Relu", {"x\\\"\n"}, {"Y"});
  const std::string dot = NetToDot(net.def());
  EXPECT_THAT(dot, HasSubstr("digraph \"a\\\"]; evil [\""));
  EXPECT_THAT(dot, HasSubstr("label=\"x\\\\\\\"?\""));
}

}  // namespace
}  // namespace doppio
