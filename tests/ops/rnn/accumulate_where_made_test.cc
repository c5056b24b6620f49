#include "ops/rnn/accumulate_where_made.h"

#include "doppio/net_builder.h"
#include "gmock/gmock.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Accumulated(NetBuilder net) {
  NetDef def = net.def();
  AccumulateWhereMade({{"w_part", "w_sum"}, {"b_part", "b_sum"}}, &def);
  std::vector<std::string> ops;
  for (const OperatorDef& op : def.op()) ops.push_back(OpToString(op));
  return ops;
}

constexpr char kSumOfW[] = "Sum(w_sum, w_part) -> w_sum";
constexpr char kSumOfB[] = "Sum(b_sum, b_part) -> b_sum";

NetBuilder FcNet() {
  NetBuilder net("step");
  net.Op("FCGradient", {"x", "w", "dy"}, {"w_part", "b_part", "dx"});
  return net;
}

TEST(AccumulateWhereMadeTest, GradientsOfFcAddToTheSums) {
  EXPECT_THAT(Accumulated(FcNet()),
              ElementsAre("FCGradientAccumulate(x, w, dy, w_sum, b_sum) -> w_sum, b_sum, dx"));
}

TEST(AccumulateWhereMadeTest, OtherOperatorsGetASum) {
  NetBuilder net("step");
  net.Op("MulGradient", {"dy", "x", "w"}, {"dx", "w_part"}).Op("SumRows", {"dy"}, {"b_part"});
  EXPECT_THAT(Accumulated(net), ElementsAre("MulGradient(dy, x, w) -> dx, w_part",
                                            "SumRows(dy) -> b_part", kSumOfW, kSumOfB));
}

TEST(AccumulateWhereMadeTest, APartThatIsReadStays) {
  NetBuilder net = FcNet();
  net.Op("Copy", {"b_part"}, {"copy"});
  EXPECT_THAT(Accumulated(net), ElementsAre("FCGradient(x, w, dy) -> w_part, b_part, dx",
                                            "Copy(b_part) -> copy", kSumOfW, kSumOfB));
}

TEST(AccumulateWhereMadeTest, AnOutputThatIsNoPartStays) {
  NetBuilder net("step");
  net.Op("FCGradient", {"x", "w", "dy"}, {"w_part", "other"});
  EXPECT_THAT(Accumulated(net),
              ElementsAre("FCGradient(x, w, dy) -> w_part, other", kSumOfW, kSumOfB));
}

TEST(AccumulateWhereMadeTest, NetsInsideMayReadAnyPart) {
  NetBuilder net = FcNet();
  net.Op("If", {"condition"}, {"copy"}, {MakeArgument<NetDef>("then_net", NetDef())});
  EXPECT_THAT(Accumulated(net), ElementsAre("FCGradient(x, w, dy) -> w_part, b_part, dx",
                                            "If(condition) -> copy", kSumOfW, kSumOfB));
}

}  // namespace
}  // namespace doppio
