#include <limits>

#include "doppio/gradient_maker.h"
#include "gtest/gtest.h"
#include "tests/support/op_tester.h"

namespace doppio {
namespace {

OpTester Mask(const char* mode) {
  OpTester tester("SequenceMask");
  tester.Input("X", Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6})).Arg("mode", mode);
  return tester;
}

void ExpectMasked(OpTester tester, std::initializer_list<float> expected) {
  tester.Arg<float>("fill_val", 0)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 3}, expected));
}

TEST(SequenceMaskTest, WritesOverWhatIsBehindASequence) {
  ExpectMasked(Mask("sequence").Input("lengths", Tensor::Of<int32_t>({2}, {1, 2})),
               {1, 0, 0, 4, 5, 0});
  ExpectMasked(Mask("sequence").Input("lengths", Tensor::Of<int64_t>({2}, {0, 9})),
               {0, 0, 0, 4, 5, 6});
}

TEST(SequenceMaskTest, WritesOverWhatIsOutsideAWindow) {
  ExpectMasked(
      Mask("window").Input("centers", Tensor::Of<int32_t>({2}, {0, 2})).Arg<int>("radius", 1),
      {1, 2, 0, 0, 5, 6});
}

TEST(SequenceMaskTest, TakesCentersFarOutside) {
  ExpectMasked(
      Mask("window")
          .Input("centers", Tensor::Of<int64_t>({2}, {std::numeric_limits<int64_t>::max(),
                                                      std::numeric_limits<int64_t>::min()}))
          .Arg<int>("radius", std::numeric_limits<int>::max()),
      {0, 0, 0, 0, 0, 0});
}

TEST(SequenceMaskTest, WritesOverTriangles) {
  ExpectMasked(Mask("upper"), {1, 0, 0, 4, 5, 0});
  ExpectMasked(Mask("lower"), {1, 2, 3, 0, 5, 6});
  ExpectMasked(Mask("upperdiag"), {0, 0, 0, 4, 0, 0});
  ExpectMasked(Mask("lowerdiag"), {0, 2, 3, 0, 0, 6});
}

TEST(SequenceMaskTest, WritesMinusInfinityByDefault) {
  const float low = -std::numeric_limits<float>::infinity();
  Mask("upper").Outputs({"Y"}).ExpectOutput(0, Tensor::Of<float>({2, 3}, {1, low, low, 4, 5, low}));
}

TEST(SequenceMaskTest, WritesZeroOverAGradient) {
  Mask("upper").Arg<int>("grad", 1).Outputs({"Y"}).ExpectOutput(
      0, Tensor::Of<float>({2, 3}, {1, 0, 0, 4, 5, 0}));
}

TEST(SequenceMaskTest, SharesAMaskWithinABatch) {
  OpTester("SequenceMask")
      .Input("X", Tensor::Of<float>({2, 1, 2}, {1, 2, 3, 4}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Arg("mode", "sequence")
      .Arg<int>("axis", 2)
      .Arg<int>("batch", 0)
      .Arg<float>("fill_val", 0)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({2, 1, 2}, {1, 0, 3, 0}));
}

TEST(SequenceMaskTest, RepeatsAMaskFromAnAxis) {
  OpTester("SequenceMask")
      .Input("X", Tensor::Of<float>({1, 2, 2}, {1, 2, 3, 4}))
      .Input("lengths", Tensor::Of<int32_t>({1}, {1}))
      .Arg("mode", "sequence")
      .Arg<int>("repeat_from_axis", -1)
      .Arg<float>("fill_val", 0)
      .Outputs({"Y"})
      .ExpectOutput(0, Tensor::Of<float>({1, 2, 2}, {1, 2, 0, 0}));
}

TEST(SequenceMaskTest, RejectsLengthsThatDoNotFit) {
  Mask("sequence")
      .Input("lengths", Tensor::Of<int32_t>({3}, {1, 1, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "the lengths must be a vector of 2 elements");
  Mask("sequence")
      .Input("lengths", Tensor::Of<int32_t>({2}, {1, -1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "length 1 is -1, must not be negative");
  Mask("sequence")
      .Input("lengths", Tensor::Of<float>({2}, {1, 1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type float is not supported here");
  Mask("sequence").Outputs({"Y"}).ExpectError(kInvalid, "needs the lengths as a second input");
  Mask("window").Outputs({"Y"}).ExpectError(kInvalid, "needs the centers as a second input");
}

TEST(SequenceMaskTest, RejectsArgumentsThatMakeNoSense) {
  Mask("left").Outputs({"Y"}).ExpectError(kInvalid, "mode is \"left\"");
  Mask("upper").Arg<int>("axis", 2).Outputs({"Y"}).ExpectError(kInvalid, "axis 2");
  Mask("upper").Arg<int>("batch", 1).Outputs({"Y"}).ExpectError(kInvalid, "must be before axis 1");
  Mask("upper").Arg<int>("radius", -1).Outputs({"Y"}).ExpectError(kInvalid, "radius is -1");
  Mask("upper")
      .Arg<int>("repeat_from_axis", 1)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "repeat_from_axis is for mode \"sequence\"");
  Mask("sequence")
      .Input("lengths", Tensor::Of<int32_t>({2}, {1, 1}))
      .Arg<int>("repeat_from_axis", 0)
      .Outputs({"Y"})
      .ExpectError(kInvalid, "must not be before axis 1");
  OpTester("SequenceMask")
      .Input("X", Tensor::Of<float>({1, 1}, {1}))
      .Outputs({"Y"})
      .ExpectError(kInvalid, "mode");
}

TEST(SequenceMaskTest, RejectsIntegers) {
  OpTester("SequenceMask")
      .Input("X", Tensor::Of<int32_t>({1, 1}, {1}))
      .Arg("mode", "upper")
      .Outputs({"Y"})
      .ExpectError(kInvalid, "element type int32 is not supported here");
}

TEST(SequenceMaskTest, IsItsOwnGradientWithZeros) {
  const auto meta =
      GetGradientForOp(CreateOperatorDef("SequenceMask", "", {"X", "lengths"}, {"Y"},
                                         {MakeArgument<std::string>("mode", "sequence")}),
                       {GradientWrapper::Dense("dY")});
  ASSERT_TRUE(meta.ok()) << meta.status();
  ASSERT_EQ(meta->ops.size(), 1u);
  EXPECT_EQ(OpToString(meta->ops[0]), "SequenceMask(dY, lengths) -> X_grad");
  EXPECT_TRUE(ArgumentReader(meta->ops[0], nullptr).GetSingleArgument<bool>("grad", false));
}

}  // namespace
}  // namespace doppio
