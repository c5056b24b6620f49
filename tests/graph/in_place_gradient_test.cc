// Gradient operators whose schema makes them run in place.

#include "doppio/gradient.h"
#include "doppio/gradient_maker.h"
#include "doppio/net_builder.h"
#include "doppio/schema.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::HasSubstr;

DOPPIO_OPERATOR_SCHEMA(TestOverwrite)
    .NumInputs(1)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .Doc("Writes to its input.");

// Y = X. Each overwrites something else in its gradient.
DOPPIO_OPERATOR_SCHEMA(TestOverwritesOutput).NumInputs(1).NumOutputs(1);
DOPPIO_OPERATOR_SCHEMA(TestOverwritesGradient).NumInputs(1).NumOutputs(1).AllowInplace({{0, 0}});
DOPPIO_OPERATOR_SCHEMA(TestOverwritesCopy).NumInputs(1).NumOutputs(1);

class GetTestOverwritesOutputGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    SetDense(0, GO(0));
    return SingleGradientDef("TestOverwrite", "", {O(0)}, {O(0)});
  }
};

class GetTestOverwritesGradientGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    SetDense(0, GO(0));
    return SingleGradientDef("TestOverwrite", "", {GO(0)}, {GO(0)});
  }
};

class GetTestOverwritesCopyGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return {CreateOperatorDef("Copy", "", {GO(0)}, {GI(0)}),
            CreateOperatorDef("TestOverwrite", "", {GI(0)}, {GI(0)})};
  }
};

DOPPIO_REGISTER_GRADIENT(TestOverwritesOutput, GetTestOverwritesOutputGradient);
DOPPIO_REGISTER_GRADIENT(TestOverwritesGradient, GetTestOverwritesGradientGradient);
DOPPIO_REGISTER_GRADIENT(TestOverwritesCopy, GetTestOverwritesCopyGradient);

std::string ErrorOf(const absl::StatusOr<Backward>& backward) {
  return backward.ok() ? "no error" : std::string(backward.status().message());
}

TEST(InPlaceGradientTest, MayOverwriteWhatNobodyReadsLater) {
  NetBuilder net("net");
  net.Op("TestOverwritesCopy", {"x"}, {"y"});
  const absl::StatusOr<Backward> backward =
      AddGradientOperators(net.def(), {GradientTarget("y", "dy")});
  ASSERT_TRUE(backward.ok()) << backward.status();
  EXPECT_EQ(OpToString(backward->net.op(1)), "Copy(dy) -> x_grad");
  EXPECT_EQ(OpToString(backward->net.op(2)), "TestOverwrite(x_grad) -> x_grad");
}

TEST(InPlaceGradientTest, IsRefusedOnABlobOfTheForwardNet) {
  NetBuilder net("net");
  net.Op("TestOverwritesOutput", {"x"}, {"y"});
  const absl::StatusOr<Backward> backward =
      AddGradientOperators(net.def(), {GradientTarget("y", "dy")});
  EXPECT_EQ(backward.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ErrorOf(backward),
              HasSubstr("net \"net\": gradient operator TestOverwrite(y) -> y has to overwrite "
                        "\"y\", which is to stay as it is"));
}

TEST(InPlaceGradientTest, IsRefusedOnAGradientThatIsGiven) {
  NetBuilder net("net");
  net.Op("TestOverwritesGradient", {"x"}, {"y"});
  EXPECT_THAT(ErrorOf(AddGradientOperators(net.def(), {GradientTarget("y", "dy")})),
              HasSubstr("TestOverwrite(dy) -> dy has to overwrite \"dy\", which is to stay"));
}

TEST(InPlaceGradientTest, IsRefusedWhereAnotherGradientOperatorReadsLater) {
  NetBuilder net("net");
  // Both summands have one gradient. They are written twice, so that it is not put out.
  net.Op("TestOverwritesGradient", {"a"}, {"a"});
  net.Op("TestOverwritesGradient", {"b"}, {"b"});
  net.Op("Sum", {"a", "b"}, {"a"});
  EXPECT_THAT(ErrorOf(AddGradientOperators(net.def(), {"a"})),
              HasSubstr("has to overwrite \"a_autogen_grad\", which "
                        "TestOverwrite(a_autogen_grad) -> a_autogen_grad reads later"));
}

}  // namespace
}  // namespace doppio
